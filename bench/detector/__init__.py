"""What finding the faces costs: each detector and each way to run it."""
