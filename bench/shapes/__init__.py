"""Other shapes of the network: what they cost, and what they find after equal short trainings."""
