"""What predictor and transformer share: the protocol, its errors, the server."""
