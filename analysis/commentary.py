"""TensorFlow's running commentary, kept from the terminal of whoever loads it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_COMMENTARY = re.compile(rb"I\d{4} |WARNING: All log messages before absl::InitializeLog")


@contextmanager
def without_commentary() -> Iterator[None]:
    """Drop what TensorFlow says of itself before it asks how much to say; all else is written afterwards."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            said.seek(0)
            os.write(2, b"".join(line for line in said if not _COMMENTARY.match(line)))
            os.close(terminal)
