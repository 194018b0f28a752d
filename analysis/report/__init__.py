"""The report: its contents, its page, its files."""
