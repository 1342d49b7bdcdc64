"""Train a landmark network on labelled faces of any point set, and measure it."""
