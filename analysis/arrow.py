"""Files for Arrow whose bytes are Arrow's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow


def hold_bytes(data: bytes) -> pyarrow.BufferReader:
    """Return a file with a copy of `data`.

    Threads of Arrow's let go of what they have read, sometimes when the process is about to end. To let go of
    an object of Python's they need the interpreter, which ends them for that, and C++ the process: 134.
    """
    import pyarrow

    copy = pyarrow.BufferOutputStream()
    copy.write(data)
    return pyarrow.BufferReader(copy.getvalue())
