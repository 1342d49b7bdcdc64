"""Faces to the squares that the network sees, and its points back; `crop` begins."""
