"""The chapters of a study's report, one module each."""
