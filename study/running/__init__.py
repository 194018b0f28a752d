"""One leg of a study, from its directory as it is to records, models and a report."""
