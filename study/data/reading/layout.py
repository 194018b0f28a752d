"""What the files of a folder are to each other: tables by split, texts by class, lines by class."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal

from study.data.messages import listed, quoted
from study.data.reading.blobs import Blob
from study.data.reading.formats import READERS
from study.data.splits import Split, split_in_name
from study.errors import DataError

logger = logging.getLogger(__name__)

Kind = Literal["tables", "texts", "lines", "pairs"]
"""Files with rows and labels; with a text each; with a text a line, all of one class; with a text a line
beside one with a label a line."""

_LABEL_FILES = ("label", "labels", "y", "target", "targets", "tag", "tags", "gold")

_UNLABELLED = "unsup"
"""aclImdb ships its unlabelled reviews in a folder of this name beside those of the classes."""

_BESIDE = re.compile(
    r"(^|[._-])(read_?me|licen[sc]e|changelog|citation|notice|copying)\b|(classes|mapping|label_?names)\b",
    re.IGNORECASE,
)
_NO_TEXTS = (
    *(
        ".md",
        ".rst",
        ".py",
        ".sh",
        ".pdf",
        ".ipynb",
        ".yaml",
        ".yml",
        ".toml",
        ".cff",
        ".bib",
        ".lock",
        ".sha256",
    ),
    *(".md5", ".png", ".jpg", ".svg", ".npy", ".pkl", ".bin", ".pt", ".vocab"),
)
_METADATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "metadata.json")


@dataclass(frozen=True)
class Part:
    """A file and what its place says of its rows."""

    blob: Blob
    split: Split | None = None
    label: str | None = None


@dataclass(frozen=True)
class Layout:
    """Files that are read, in order.

    Attributes:
        kind: What they are.
        said: The same for a reader.
        parts: The files.
        notes: What is left out and why.
    """

    kind: Kind
    said: str
    parts: Sequence[Part]
    notes: list[str] = field(default_factory=list)


def find_layout(blobs: Sequence[Blob], name: str) -> Layout:
    """What several files are to each other.

    Raises:
        DataError: If they are nothing that texts are published as, with what there is.
    """
    blobs = _strip_common(blobs)
    tables = [blob for blob in blobs if blob.suffixes[0] in READERS and not _is_beside(blob)]
    deep = [blob for blob in blobs if len(_parts(blob)) > 1]
    if tables:
        return _lay_tables(tables, len(blobs), name)
    if len(deep) >= len(blobs) / 2 and deep:
        return _lay_tree(deep, blobs, name)
    files = [blob for blob in blobs if len(_parts(blob)) == 1 and not _is_beside(blob)]
    if not files:
        raise _no_layout(blobs, name)
    return _lay_files(files, [split_in_name(blob.bare_name) for blob in files], name)


def _strip_common(blobs: Sequence[Blob]) -> list[Blob]:
    """Without the folders that all files are in, files beside such a folder not counted."""
    kept = list(blobs)
    n_common = 0
    while True:
        inner = [blob for blob in kept if len(PurePosixPath(blob.name).parts) > n_common + 1]
        tops = {PurePosixPath(blob.name).parts[n_common] for blob in inner}
        loose = [blob for blob in kept if blob not in inner] if len(tops) == 1 else []
        if len(tops) != 1 or any(not _is_beside(blob) for blob in loose):
            break
        if split_in_name(next(iter(tops))) is not None:
            break
        kept, n_common = inner, n_common + 1
    return (
        [Blob(blob.path, blob.name, blob.member) for blob in kept]
        if n_common == 0
        else [_Inner(blob.path, blob.name, blob.member, n_common) for blob in kept]
    )


@dataclass(frozen=True)
class _Inner(Blob):
    n_common: int = 0


def _parts(blob: Blob) -> tuple[str, ...]:
    return PurePosixPath(blob.name).parts[getattr(blob, "n_common", 0) :]


def _is_beside(blob: Blob) -> bool:
    """Whether a file lies beside the texts and is none of them."""
    name = blob.bare_name
    return _is_prose(name) or blob.suffixes[0] in _NO_TEXTS or name in _METADATA


def _is_prose(name: str) -> bool:
    found = _BESIDE.search(name)
    return found is not None and (found[2] is not None or found.start() == 0)  # `classes` only in front


def _lay_tables(tables: Sequence[Blob], n_files: int, name: str) -> Layout:
    parts = [Part(blob, _split_of(blob)) for blob in tables]
    notes = []
    if any(part.split == "train" for part in parts):
        without = [part.blob.name for part in parts if part.split is None]
        if without:
            notes.append(f"left out, as their names tell no split: {listed(without)}")
        parts = [part for part in parts if part.split is not None]
        _check_once(parts, name)
        said = "one file a split" if len(parts) == len({part.split for part in parts}) else "shards of splits"
    else:
        suffixes = {part.blob.suffixes[0] for part in parts}
        if len(suffixes) > 1:
            raise _several(parts, name)
        said = "one table" if len(parts) == 1 else f"one table in {len(parts)} files"
        parts = [Part(part.blob) for part in parts]
    if n_files > len(tables):
        logger.info("%s: %d files beside the tables are left out", name, n_files - len(tables))
    return Layout("tables", said, parts, notes)


def _check_once(parts: Sequence[Part], name: str) -> None:
    """Refuse the same split in two formats or configurations: its rows would be there twice."""
    groups = Counter(
        (
            part.blob.suffixes[0],
            tuple(p for p in _parts(part.blob)[:-1] if split_in_name(p) is None and p != "data"),
        )
        for part in parts
        if part.split == "train"
    )
    if len(groups) > 1:
        raise _several([part for part in parts if part.split == "train"], name)


def _several(parts: Sequence[Part], name: str) -> DataError:
    names = listed([part.blob.name for part in parts])
    return DataError(
        f"a folder must hold one set of texts: {quoted(name)} has {names}; name the file or folder to read"
    )


def _split_of(blob: Blob) -> Split | None:
    """The split that a file's name tells, or else the nearest folder's."""
    names = [blob.bare_name, *reversed(_parts(blob)[:-1])]
    return next((split for split in map(split_in_name, names) if split is not None), None)


def _lay_tree(deep: Sequence[Blob], blobs: Sequence[Blob], name: str) -> Layout:
    """Files in folders: of splits and classes, of classes, or of splits with a file for each class."""
    splits = {top: split_in_name(top) for top in {_parts(blob)[0] for blob in deep}}
    if "train" not in splits.values():
        if len(splits) < 2:
            raise _no_layout(blobs, name)
        parts = [Part(blob, None, _parts(blob)[0]) for blob in deep]
        return Layout("texts", "one folder a class", *_choose_texts(parts, 1))
    inner = [blob for blob in deep if splits[_parts(blob)[0]] is not None]
    texts = [blob for blob in inner if len(_parts(blob)) > 2]
    if texts:
        parts = [Part(blob, splits[_parts(blob)[0]], _parts(blob)[1]) for blob in texts]
        return Layout("texts", "one folder a split, and in it one a class", *_choose_texts(parts, 2))
    files = [blob for blob in inner if not _is_beside(blob)]
    return _lay_files(files, [splits[_parts(blob)[0]] for blob in files], name)


def _choose_texts(parts: Sequence[Part], depth: int) -> tuple[list[Part], list[str]]:
    """The files that are texts: those of classes, and where most end in .txt, these."""
    notes = []
    labelled = [part for part in parts if part.label != _UNLABELLED]
    if len(labelled) < len(parts):
        notes.append(
            f"{len(parts) - len(labelled)} files in {_UNLABELLED!r} are left out: they have no label"
        )
    direct = [part for part in labelled if len(_parts(part.blob)) == depth + 1]
    plain = [part for part in direct or labelled if part.blob.suffixes[0] == ".txt"]
    chosen = plain if 2 * len(plain) >= len(direct or labelled) else direct or labelled
    if len(chosen) < len(labelled):
        notes.append(f"{len(labelled) - len(chosen)} other files in the folders of classes are left out")
    return chosen, notes


def _lay_files(files: Sequence[Blob], splits: Sequence[Split | None], name: str) -> Layout:
    """Files beside each other: one a split where their names tell, else one a class, else tables."""
    if len(files) == 1:
        return Layout("tables", "one table", [Part(files[0])])
    if "train" in splits:
        kept = [(blob, split) for blob, split in zip(files, splits, strict=True) if split is not None]
        counts = Counter(split for _, split in kept)
        if max(counts.values()) == 1:
            left = [blob.name for blob, split in zip(files, splits, strict=True) if split is None]
            notes = [f"left out, as their names tell no split: {listed(left)}"] if left else []
            return Layout("tables", "one file a split", [Part(*pair) for pair in kept], notes)
        labels = _distinguish([_without_split(blob) for blob, _ in kept])
        parts = [Part(blob, split, label) for (blob, split), label in zip(kept, labels, strict=True)]
        return _pair(parts) or Layout("lines", "one file a split and class", parts)
    labels = _distinguish([blob.bare_name for blob in files])
    return Layout(
        "lines",
        "one file a class",
        [Part(blob, None, label) for blob, label in zip(files, labels, strict=True)],
    )


def _pair(parts: Sequence[Part]) -> Layout | None:
    """Files of texts and files of labels, line by line; None where they are not by their names."""
    words = {part.label or "" for part in parts}
    of_labels = {word for word in words if word.lower() in _LABEL_FILES}
    counts = Counter((part.split, part.label) for part in parts)
    if len(words) != 2 or len(of_labels) != 1 or set(counts.values()) != {1} or len(parts) % 2:
        return None
    said = [replace(part, label="label" if part.label in of_labels else "text") for part in parts]
    return Layout("pairs", "a file of texts and one of labels", said)


def _without_split(blob: Blob) -> str:
    words = re.split(r"([^A-Za-z0-9]+)", blob.bare_name)
    return "".join(word for word in words if split_in_name(word) is None).strip("._- ")


def _distinguish(names: Sequence[str]) -> list[str]:
    """What is left of each name without the words that all begin or end with."""
    split = [[word for word in re.split(r"[^A-Za-z0-9+]+", name) if word] for name in names]
    distinct = {tuple(words) for words in split}
    while len(distinct) > 1 and all(distinct) and len({words[0] for words in distinct}) == 1:
        split, distinct = [words[1:] for words in split], {words[1:] for words in distinct}
    while len(distinct) > 1 and all(distinct) and len({words[-1] for words in distinct}) == 1:
        split, distinct = [words[:-1] for words in split], {words[:-1] for words in distinct}
    return ["_".join(words) or name for words, name in zip(split, names, strict=True)]


def _no_layout(blobs: Sequence[Blob], name: str) -> DataError:
    folders = sorted({_parts(blob)[0] for blob in blobs if len(_parts(blob)) > 1})
    files = [blob.name for blob in blobs if len(_parts(blob)) == 1]
    return DataError(
        "a folder of texts must hold a table, a file for each split or class, or a folder for each class or "
        f"split/label: {quoted(name)} has the folders {listed(folders) or 'none'} and the files "
        f"{listed(files) or 'none'}; name the folder or file that holds the texts"
    )
