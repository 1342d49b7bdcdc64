"""The predictor: a custom KServe model that turns faces into their landmarks."""
