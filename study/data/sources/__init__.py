"""Where texts come from but for files: docstrings, Keras, a table in memory, a task with a known truth."""
