"""The predictor: a custom KServe model that turns 96x96 faces into 15 landmarks each."""
