"""Engines: different ways to run one network, behind one seam."""
