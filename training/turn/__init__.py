"""Turn a labelled face's head and open its mouth by its mesh, to train on what sets lack."""
