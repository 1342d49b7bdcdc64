"""The peers, each as its own documentation would have it, around a pipeline that all share."""
