"""Measure a network in full: cuts, points, scores, end to end, and others beside it."""
