"""Transformer and predictor in one process, where one machine is all there is."""
