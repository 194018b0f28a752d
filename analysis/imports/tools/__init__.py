"""Readers of what each tool leaves behind; a module each, which takes a path and returns a `Source`."""
