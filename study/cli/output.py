"""Standard output as it may be: narrower than Unicode, full, or closed by who read the first lines."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO


class Output:
    """A stream that shows what it can, and says once, on standard error, that it takes no more.

    What is printed is never worth what it is printed about: a study goes on though nobody reads its lines.

    Args:
        stream: The stream; a sign that its encoding lacks is shown as a question mark.

    Attributes:
        has_failed: Whether it takes no more.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self.has_failed = stream, False
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Write what is held back, or drop it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self, error: OSError) -> None:
        if self.has_failed:
            return
        self.has_failed = True
        # What is still held back goes nowhere, also when Python ends and tries once more.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        print(
            f"study: standard output takes no more ({error.strerror}); nothing else is lost", file=sys.stderr
        )


def guard_streams() -> Output:
    """Put standard output behind an `Output`, and let standard error show what it can."""
    output = Output(sys.stdout)
    sys.stdout = output  # all that is asked of a stream, it has
    reconfigure = getattr(sys.stderr, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return output
