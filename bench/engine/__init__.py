"""What one face costs: every engine's speed, memory and error, and where a network's time goes."""
