"""One replicate, from its parameters and seed to figures, predictions and a model."""
