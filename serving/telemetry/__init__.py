"""What operators see of a request: traces, metrics, stage timings and log lines."""
