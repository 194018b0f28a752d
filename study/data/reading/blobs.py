"""Files as streams of bytes, whether they lie open, are compressed, or lie in a zip archive."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import cast

from study.data.messages import quoted
from study.errors import DataError

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
"""Suffixes of compressed files, and what they are compressed by."""

_MAGIC = {"gzip": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\0", "zstd": b"\x28\xb5\x2f\xfd"}
_DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
_MAX_DEPTH = 12
_MAX_FILES = 2_000_000


@dataclass(frozen=True)
class Blob:
    """One file of texts.

    Attributes:
        path: Where it lies on the disk.
        name: What a reader calls it: without the folders that led to the source.
        member: Its name within the zip archive at `path`, None for a file of its own.
    """

    path: Path
    name: str
    member: str | None = None

    @property
    def suffixes(self) -> tuple[str, str]:
        """The suffix that tells the format, and the one that tells the compression; each may be empty."""
        name = PurePosixPath(self.name)
        last = name.suffix.lower()
        if last in COMPRESSIONS:
            return PurePosixPath(name.stem).suffix.lower(), last
        return last, ""

    @property
    def bare_name(self) -> str:
        """Its name without folders and without the suffix of a compression."""
        name = PurePosixPath(self.name)
        return name.stem if name.suffix.lower() in COMPRESSIONS else name.name

    @contextmanager
    def open(self) -> Iterator[io.BufferedReader]:
        """Its bytes, decompressed.

        Raises:
            DataError: If what is compressed is damaged.
        """
        try:
            if self.member is not None:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as inner:
                    yield cast("io.BufferedReader", inner)
                return
            with self.path.open("rb") as stream:
                yield self._decompressed(stream)
        except _DAMAGE as error:
            raise _damaged(self.name, error) from error
        except OSError as error:
            if error.errno is not None:
                raise  # the disk's own; gzip and Arrow call a damaged file an OSError too, without a number
            raise _damaged(self.name, error) from error

    def _decompressed(self, stream: io.BufferedReader) -> io.BufferedReader:
        kind = COMPRESSIONS.get(self.suffixes[1])
        if kind is None:
            start = stream.read(8)
            stream.seek(0)
            kind = next((name for name, magic in _MAGIC.items() if start.startswith(magic)), None)
        match kind:
            case "gzip":
                return cast("io.BufferedReader", gzip.GzipFile(fileobj=stream))
            case "bz2":
                return cast("io.BufferedReader", bz2.BZ2File(stream))
            case "xz":
                return cast("io.BufferedReader", lzma.LZMAFile(stream))
            case "zstd":
                import pyarrow

                return io.BufferedReader(pyarrow.CompressedInputStream(stream, "zstd"))
        return stream


def find_blobs(path: Path) -> list[Blob]:
    """The files of a source: one, those of a zip archive, or those of a folder; in the order of their names.

    Hidden files and folders are passed over.

    Raises:
        DataError: If something in it is no file, or its folders lead back into themselves.
    """
    if path.is_dir():
        return [Blob(found, found.relative_to(path).as_posix()) for found in _walk(path)]
    if zipfile.is_zipfile(path) and path.suffix.lower() != ".parquet":
        return _members(path)
    return [Blob(path, path.name)]


def digest_of(path: Path) -> tuple[int, str]:
    """Size and sha256 of a file as it lies on the disk."""
    with path.open("rb") as stream:
        return path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest()


def _members(path: Path) -> list[Blob]:
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
    if any(info.filename == "[Content_Types].xml" for info in infos):
        raise DataError(
            f"texts are read from tables of plain text, JSON or Parquet: {quoted(path.name)} is an office "
            "document; save its sheet as .csv"
        )
    if any(info.flag_bits & 1 for info in infos):
        raise DataError(
            f"an archive must open without a password: {quoted(path.name)} does not; unpack it first"
        )
    blobs = [Blob(path, info.filename, info.filename) for info in sorted(infos, key=lambda i: i.filename)]
    return [blob for blob in blobs if not _is_hidden(PurePosixPath(blob.name))]


def _is_hidden(name: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def _walk(root: Path) -> list[Path]:
    """Files under a folder, depth first in the order of their names."""
    found: list[Path] = []
    above: list[tuple[Path, tuple[str, ...]]] = [(root, (os.path.realpath(root),))]
    while above:
        folder, trail = above.pop()
        deeper = []
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            if not entry.is_dir() or entry.suffix == ".txt":  # a folder of that name is a mistake, and named
                found.append(entry)
                continue
            real = os.path.realpath(entry)
            if real in trail or len(trail) > _MAX_DEPTH:
                raise DataError(
                    f"folders of texts must come to an end: {quoted(entry.relative_to(root).as_posix())} in "
                    f"{quoted(root.name or str(root))} leads back or lies over {_MAX_DEPTH} deep; remove the "
                    "link, or name the folder that holds the texts"
                )
            deeper.append((entry, (*trail, real)))
        above.extend(reversed(deeper))
        if len(found) > _MAX_FILES:
            raise DataError(
                f"a folder may hold at most {_MAX_FILES:,} files: {quoted(root.name)} has more; name the "
                "folder that holds the texts, or put them into one table"
            )
    return sorted(found, key=lambda path: path.relative_to(root).parts)


def _damaged(name: str, error: Exception) -> DataError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(
        f"a compressed file must be whole: {quoted(name)} is not ({reason}); write or copy it again"
    )
