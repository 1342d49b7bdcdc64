"""What a request brings: its tensors, its choices and its own boxes, read and bounded."""
