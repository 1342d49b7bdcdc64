"""What serving costs over the bare engine, and under load."""
