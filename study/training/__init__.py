"""One replicate, a setting trained under one seed: to figures, predictions and a model."""
