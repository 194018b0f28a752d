"""A trained model in use: classes of texts, and the model as others load it."""
