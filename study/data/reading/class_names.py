"""Names for classes that a table numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from analysis.records.paths import as_path
from study.data.messages import quoted
from study.data.reading.blobs import Blob
from study.data.reading.decoding import read_lines
from study.errors import DataError

_BESIDE = ("classes.txt", "mapping.txt", "label_names.txt", "class_names.txt")
_NUMBERED = re.compile(r"(\d+)\s*[\t,;: ]\s*(\S.*)$")
_MAX_BYTES = 2**20


def find_names(labels: Sequence[str], asked: str | None, source: Path) -> tuple[dict[str, str] | None, str]:
    """The name of each label, and the file it comes from.

    Args:
        labels: As they stand in the table.
        asked: The path of a file of names, one a line or each behind its number; None to look for one of a
            usual name beside the source.
        source: The source's path.

    Returns:
        A name for each of the labels, None where there is no file or the labels are no numbers of its lines.

    Raises:
        DataError: If a file was asked for and cannot name the labels.
    """
    distinct = set(labels)
    is_numbered = all(label.isdecimal() for label in distinct)
    if asked is not None:
        if not is_numbered:
            odd = next(label for label in labels if not label.isdecimal())
            raise DataError(
                f"class_names name the numbers of classes: the labels have {quoted(odd)}; leave it out"
            )
        path = as_path(asked)
        names = _number(_read(path), distinct)
        if names is None:
            raise DataError(
                f"class_names must have a name for each class: {quoted(path.name)} has too few for the "
                f"labels up to {max(map(int, distinct))}, or has one twice; write one a line"
            )
        return names, path.name
    folder = source if source.is_dir() else source.parent
    beside = next((folder / name for name in _BESIDE if (folder / name).is_file()), None)
    if beside is None or not is_numbered or beside == source or beside.stat().st_size > _MAX_BYTES:
        return None, ""
    return _number(_read(beside), distinct), beside.name


def _read(path: Path) -> list[str]:
    try:
        if not path.is_file():
            raise DataError(
                f"class_names must be a file that exists: got {quoted(str(path))}; check the path"
            )
        with Blob(path, path.name).open() as stream:
            lines, _ = read_lines(stream, path.name, None)
    except OSError as error:
        raise DataError(
            f"class_names must be readable: {quoted(path.name)} is not ({error.strerror}); check it"
        ) from error
    return [line.strip() for line in lines if line.strip()]


def _number(lines: Sequence[str], labels: set[str]) -> dict[str, str] | None:
    """Names by number: those the lines give, else counted from 0 where a label is 0 and from 1 elsewhere."""
    matches = [_NUMBERED.match(line) for line in lines]
    if lines and all(matches):
        by_number = {int(match[1]): match[2].strip() for match in matches if match}
    else:
        first = 0 if any(int(label) == 0 for label in labels) else 1
        by_number = dict(enumerate(lines, start=first))
    names = {label: by_number.get(int(label)) for label in labels}
    if None in names.values() or len(set(names.values())) < len({int(label) for label in labels}):
        return None
    return {label: name for label, name in names.items() if name is not None}
