"""Texts that are given one a line, as bytes of a file or of standard input, as arguments, or from Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from reprlib import repr as shortened

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


def as_texts(texts: object) -> list[str]:
    """Return texts given from Python: one alone is a list of one.

    Raises:
        StudyError: If they are no series of strings; says which is none.
    """
    if isinstance(texts, str):
        return [texts]
    # Going through a table or a dict gives its names, which would be taken for texts.
    if not isinstance(texts, Iterable) or isinstance(texts, bytes | Mapping) or hasattr(texts, "columns"):
        kind = type(texts).__name__
        raise StudyError(f"texts are a string or a list of strings: got {_shown(texts)} ({kind}); give these")
    checked = []
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise StudyError(
                f"texts are strings: text {number} is {_shown(text)} ({type(text).__name__}); leave it out, "
                "or make it one"
            )
        checked.append(text)
    return checked


def _shown(value: object) -> str:
    return " ".join(shortened(value).split())
