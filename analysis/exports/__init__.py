"""A study's records as other tools would have recorded its runs."""
