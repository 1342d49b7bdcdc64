"""Small programs for setting up; no part of a running service."""
