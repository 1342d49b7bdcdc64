"""Whoever finds the landmarks of crops: `base` is the seam, `predictor_client` asks over gRPC."""
