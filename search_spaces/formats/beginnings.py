"""How files begin in which Optuna keeps studies, by which they are told from texts."""

from __future__ import annotations

SQLITE = b"SQLite format 3\0"
"""A database."""

JOURNAL = b'{"op_code":'
"""A journal."""
