"""Rows from a path: a table, several of them, or texts in files of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.records.paths import as_path
from study.data.messages import listed, nearest, quoted
from study.data.reading.blobs import Blob, digest_of, find_blobs
from study.data.reading.cells import Gathered, label_name
from study.data.reading.class_names import find_names
from study.data.reading.columns import Roles, adopt, find_roles, missing_label
from study.data.reading.decoding import decode_bytes, guess_encoding
from study.data.reading.formats import lines_of, no_table, read_tables
from study.data.reading.layout import Layout, Part, find_layout
from study.data.reading.lines import read_texts
from study.data.reading.table import Table
from study.data.rows import MAX_ROW_BYTES, Reading, Rows, SourceFile, check_size
from study.data.spec import BUILT_IN_SOURCES, DataSpec
from study.data.splits import Split
from study.errors import DataError

_MAX_BLANK_BYTES = 1000


def read_path(spec: DataSpec) -> Rows:
    """Read the rows of a file or folder, and of the file of test rows where there is one.

    Args:
        spec: A spec whose source is a path; what it leaves open of how the files are written is found.

    Raises:
        DataError: If there is no such path, its format is none of ours, or its content cannot be learnt from.
    """
    path = as_path(spec.source)
    if not path.exists():
        raise DataError(
            f"a source must be one of {', '.join(BUILT_IN_SOURCES)}, or a file or folder that exists: "
            f"got {spec.source!r}{nearest(path.name, BUILT_IN_SOURCES)}; check the path"
        )
    source = _Source(spec)
    source.read(path, None)
    if spec.test is not None:
        source.read(as_path(spec.test), "test")
    return source.rows(path)


def _is_blank(path: Path) -> bool:
    """Whether a file holds nothing but white space."""
    return path.stat().st_size <= _MAX_BLANK_BYTES and not path.read_bytes().strip(b" \t\r\n\xef\xbb\xbf")


class _Source:
    """What is read of one source, file by file."""

    def __init__(self, spec: DataSpec) -> None:
        self._spec = spec
        self._gathered = Gathered()
        self._model: tuple[Table, Roles] | None = None
        self._form: dict[str, Any] = {}
        self._files: list[Mapping[str, Any]] = []
        self._notes: list[str] = []
        self._file: SourceFile | None = None
        self._is_many = False

    def read(self, path: Path, split: Split | None) -> None:
        """Read a path, all of it for one split where that is given."""
        try:
            if not path.exists():
                raise DataError(f"texts are read from files that exist: {str(path)!r} does not; check it")
            if not (path.is_dir() or path.is_file()):  # of a pipe or a device the end may never come
                raise DataError(f"texts are read from files and folders: {str(path)!r} is neither; check it")
            if path.is_file() and _is_blank(path):
                raise DataError(f"a source must hold texts: {quoted(path.name)} is empty; check the path")
            blobs = find_blobs(path)
            for blob in blobs:
                if not blob.path.is_file():
                    raise DataError(
                        f"a text must be a file: {blob.name!r} in {quoted(path.name)} is none; remove it"
                    )
            layout = find_layout(blobs, path.name) if len(blobs) > 1 or path.is_dir() else None
            if layout is None:
                layout = Layout("tables", "one table", [Part(blob) for blob in blobs])
            self._read_layout(layout, path, split)
        except OSError as error:
            raise DataError(
                f"the source must be readable: {str(path)!r} is not ({error.strerror}); check it"
            ) from error

    def rows(self, path: Path) -> Rows:
        """All that was read."""
        gathered = self._gathered
        names, file = find_names(gathered.labels, self._spec.class_names, path)
        if names is not None:
            gathered.labels = [names[label] for label in gathered.labels]
            self._form["class names"] = file
        gathered.drop_unlabelled_splits()
        splits: list[Split] | None = None
        if any(gathered.splits):
            splits = [split or "train" for split in gathered.splits]
        return Rows(
            texts=gathered.texts,
            labels=gathered.labels,
            splits=splits,
            places=gathered.places,
            file=self._file,
            reading=Reading(
                form=self._form,
                files=self._files,
                n_read=gathered.n_read,
                left_out=gathered.left_out,
                notes=self._notes,
            ),
        )

    def _read_layout(self, layout: Layout, path: Path, split: Split | None) -> None:
        self._form.setdefault("layout", layout.said)
        self._notes += layout.notes
        parts = [Part(part.blob, split or part.split, part.label) for part in layout.parts]
        if not parts:
            raise no_table(Blob(path, path.name))
        if layout.kind == "texts":
            self._read_texts(parts, path)
            return
        tables = self._read_tables(parts) if layout.kind == "tables" else None
        if layout.kind == "lines":
            tables = self._read_lines(parts)
        if layout.kind == "pairs":
            tables = self._read_pairs(parts)
        n_bytes, digest = _digest(path, parts)  # of what could be read: it takes its time
        self._file = self._file or SourceFile(name=path.name, n_bytes=n_bytes, sha256=digest)
        # The columns are found where the training rows are.
        order = sorted(tables or [], key=lambda pair: (pair[0] not in ("train", None), SPLIT_ORDER[pair[0]]))
        self._is_many = self._is_many or len(order) > 1 or self._spec.test is not None
        for part_split, table in order:
            self._add(table, part_split)

    def _read_tables(self, parts: Sequence[Part]) -> list[tuple[Split | None, Table]]:
        tables = []
        for part in parts:
            found = read_tables(part.blob, self._spec)
            if not found:
                raise no_table(part.blob)
            tables += [(part.split or split, table) for split, table in found]
        return tables

    def _read_lines(self, parts: Sequence[Part]) -> list[tuple[Split | None, Table]]:
        """Files without a split in their names: tables where the first is one, else a class each."""
        first = read_tables(parts[0].blob, self._spec)
        if first:
            self._form["layout"] = f"one table in {len(parts)} files"
            self._notes.append(
                f"{len(parts)} tables are read as one, as their names tell no split: "
                f"{listed([part.blob.name for part in parts])}"
            )
            return self._read_tables(parts)
        tables: list[tuple[Split | None, Table]] = []
        for part in parts:
            lines, encoding = lines_of(part.blob, self._spec)
            form = {"encoding": encoding}
            tables.append((part.split, read_texts(lines, part.blob.name, part.label or "", form)))
        return tables

    def _read_pairs(self, parts: Sequence[Part]) -> list[tuple[Split | None, Table]]:
        """A file of texts and a file of labels for each split."""
        columns: dict[Split | None, dict[str, tuple[Part, list[str], str]]] = {}
        for part in parts:
            lines, encoding = lines_of(part.blob, self._spec)
            columns.setdefault(part.split, {})[part.label or ""] = part, lines, encoding
        tables = []
        for split, pair in columns.items():
            (part, texts, encoding), (other, labels, _) = pair["text"], pair["label"]
            if len(texts) != len(labels):
                raise DataError(
                    f"each line of texts needs its line of labels: {quoted(part.blob.name)} has {len(texts)} "
                    f"and {quoted(other.blob.name)} {len(labels)}; add what is missing"
                )
            rows = [(text.rstrip("\r\n"), label.strip()) for text, label in zip(texts, labels, strict=True)]
            form = {"encoding": encoding, "format": "a text and a label a line"}
            tables.append((split, Table.of_rows(part.blob.name, ("text", "label"), rows, form)))
        return tables

    def _add(self, table: Table, split: Split | None) -> None:
        if self._model is None:
            roles = find_roles(table, self._spec)
            if roles.label is None:
                raise missing_label(table)
            self._model = table, roles
            self._form |= table.form | _say_roles(table, roles)
            self._notes += _notes_on(table, roles)
        else:
            model, found = self._model
            roles = adopt(found, model, table, self._spec)
            if roles.label is None and split in ("validation", "test"):
                self._gathered.n_read += table.n_rows
                self._gathered.left_out["no label"] += table.n_rows
                self._notes.append(f"{quoted(table.name)} has no column of labels and is left out")
                return
        before = len(self._gathered.texts)
        self._gathered.add(table, roles, split, is_one_of_many=self._is_many)
        said = {"name": table.name, "rows": len(self._gathered.texts) - before}
        self._files.append(said | ({"split": split} if split else {}))

    def _read_texts(self, parts: Sequence[Part], path: Path) -> None:
        """Files with a text each, in the order of their names."""
        gathered, digest = self._gathered, hashlib.sha256()
        raws = []
        for part in parts:
            place = repr(part.blob.name)
            with part.blob.open() as stream:
                raw = stream.read(MAX_ROW_BYTES + 1)
            check_size(len(raw), place)
            digest.update(f"{place}\0{len(raw)}\0".encode())
            digest.update(raw)
            raws.append(raw.removeprefix(b"\xef\xbb\xbf"))
        encoding = self._spec.encoding or "utf-8"
        fallback = encoding if self._spec.encoding else guess_encoding(_not_utf8(raws))
        counts: dict[tuple[Split | None, str], int] = {}
        for part, raw in zip(parts, raws, strict=True):
            place = repr(part.blob.name)
            gathered.n_read += 1
            is_utf8 = fallback == encoding or _decodes(raw)
            text = decode_bytes(raw, place, encoding if is_utf8 else fallback)
            if not text or text.isspace():
                gathered.left_out["empty text"] += 1
                continue
            label = label_name(part.label, place)
            gathered.put(text, label, part.split, place)
            counts[part.split, label] = counts.get((part.split, label), 0) + 1
        n_bytes = sum(map(len, raws))
        self._file = self._file or SourceFile(name=path.name, n_bytes=n_bytes, sha256=digest.hexdigest())
        self._form |= {"format": "a text a file", "encoding": fallback}
        for (split, label), n_rows in counts.items():
            self._files.append({"label": label, "rows": n_rows} | ({"split": split} if split else {}))


SPLIT_ORDER: Mapping[Split | None, int] = {None: 0, "train": 0, "validation": 1, "test": 2}


def _digest(path: Path, parts: Sequence[Part]) -> tuple[int, str]:
    """Size and digest of a file; of several, of their names and digests."""
    if path.is_file():
        return digest_of(path)
    digest, total = hashlib.sha256(), 0
    for part in parts:
        n_bytes, of_file = digest_of(part.blob.path)
        digest.update(f"{part.blob.name!r}\0{n_bytes}\0{of_file}\0".encode())
        total += n_bytes
    return total, digest.hexdigest()


def _say_roles(table: Table, roles: Roles) -> dict[str, Any]:
    names = [table.names[index] or f"column {index + 1}" for index in roles.text]
    said: dict[str, Any] = {"text": names[0] if len(names) == 1 else names}
    if roles.label is not None:
        said["label"] = table.names[roles.label]
    if roles.split is not None:
        said["split"] = table.names[roles.split]
    return said


def _notes_on(table: Table, roles: Roles) -> list[str]:
    notes = []
    if len(roles.text) > 1:
        shown = listed([table.names[index] or f"column {index + 1}" for index in roles.text])
        notes.append(f"the columns {shown} are joined into one text; choose with --text")
    if roles.other_texts:
        shown = listed([table.names[index] for index in roles.other_texts])
        notes.append(f"{shown} holds texts too and is left out; join it with --text NAME --text NAME")
    if roles.other_labels:
        shown = listed([table.names[index] for index in roles.other_labels])
        notes.append(f"{shown} could be the labels too; choose with --label")
    return notes


def _not_utf8(raws: Sequence[bytes]) -> list[bytes]:
    return [raw for raw in raws if not raw.isascii() and not _decodes(raw)]


def _decodes(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
