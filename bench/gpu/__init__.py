"""What a card shows: the cuda engine's numerics, the ledger on a GPU, the served predictor."""
