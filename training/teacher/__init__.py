"""Label faces by MediaPipe's Face Landmarker V2: a tool, no part of the product."""
