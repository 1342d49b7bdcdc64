"""V2 over HTTP/1.1 with JSON, binary tensors and pictures; `app` has the routes."""
