"""V2 over gRPC; `servicer` has the calls."""
