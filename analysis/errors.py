"""What can go wrong with reading and judging a study."""

from __future__ import annotations


class AnalysisError(ValueError):
    """Records that cannot be read or compared: the rule broken, the value given, the way out, in one line."""


class MissingLibraryError(AnalysisError):
    """A library that is not installed would have to read this, or work it out."""


class UnwritableError(AnalysisError):
    """The disk does not take what was to be written."""
