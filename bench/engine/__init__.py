"""What one face costs: engines and variants of the network, their memory and accuracy."""
