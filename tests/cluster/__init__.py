"""Scenarios on a real cluster, and the report of what was seen."""
