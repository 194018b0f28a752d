"""What to train next, and what is learned from what was trained; Optuna is used here alone."""
