"""Standard output as it may be: narrower than Unicode, full, or closed by who read the first lines."""

from __future__ import annotations

import os
import re
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


def fill_streams() -> None:
    """Open what leads nowhere in the place of a standard stream that is closed.

    Python has none there, and the next file that is opened, records perhaps, would take its number: what a
    library prints would be written into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def drop_odd_widths() -> None:
    """Forget sizes of a terminal that are none: Rich shows nothing in no columns, Typer raises at a word."""
    for name in ("COLUMNS", "LINES", "TERMINAL_WIDTH"):
        if not re.fullmatch("[1-9][0-9]{0,4}", os.environ.get(name, "1")):
            del os.environ[name]


def guard_streams() -> Output:
    """Put standard output behind an `Output`, and let standard error show what it can."""
    output = Output(sys.stdout)
    sys.stdout = output  # all that is asked of a stream, it has
    reconfigure = getattr(sys.stderr, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return output
