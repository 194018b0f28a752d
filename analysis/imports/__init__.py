"""Runs of other tools as studies: read, their metrics named, seeds told from settings, for any model."""
