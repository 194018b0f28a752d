"""Texts that are given one a line, as bytes of a file or of standard input, or as arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from study.errors import StudyError

_LINE_END = re.compile(r"\r\n|\n|\r")
"""Nothing else ends a line: a form feed or U+2028 may well stand inside a text."""


def split_lines(content: bytes, where: str) -> list[str]:
    """Return the lines of a text in UTF-8, a byte order mark left out.

    Args:
        content: The bytes.
        where: Where they come from, for messages.

    Raises:
        StudyError: If they are not UTF-8; says in which line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(content[: error.start].decode("utf-8", errors="replace"))) + 1
        raise StudyError(
            f"texts are UTF-8: {where}, line {line}: byte {error.start} is not "
            f"({content[error.start]:#04x}); save it as UTF-8"
        ) from error
    lines = _LINE_END.split(text)
    return lines[:-1] if lines[-1] == "" else lines


def check_arguments(texts: Sequence[str]) -> list[str]:
    """Return texts given as arguments.

    Raises:
        StudyError: If one is not UTF-8: Python hands such bytes on as halves of surrogate pairs.
    """
    for number, text in enumerate(texts, 1):
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise StudyError(f"texts are UTF-8: text {number}, {text!a}, is not; give it in a file instead")
    return list(texts)
