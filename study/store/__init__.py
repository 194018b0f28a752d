"""A study on disk: the records, which are the truth, and the files that stand beside them."""
