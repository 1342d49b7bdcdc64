"""The service beside what people would use instead: python -m bench.peers, and PEERS.md."""
