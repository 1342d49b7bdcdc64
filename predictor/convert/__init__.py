"""Convert: a network as its author has it becomes an artifact, the folder that an engine loads.

Nothing here is served. It runs in a process of its own, the only one that runs an author's code.
"""
