"""Label faces by MediaPipe Face Mesh: a tool in its own environment, no part of the product."""
