"""Train the landmark network and measure it."""
