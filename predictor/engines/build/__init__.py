"""Builders: a checkpoint becomes the files that an engine loads. Nothing here is served."""
