"""One leg of a study, one process's work on it: from its directory as it is to records and a report."""
