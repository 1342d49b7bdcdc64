"""The service on Kubernetes: scripts, values, and the test on a real cluster."""
