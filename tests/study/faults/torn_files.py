"""Cuts every file of a study short, and looks whether anybody takes what is left for the whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import analysis
from search_spaces.documents import dump_document
from study.errors import StudyError
from study.running.verification import verify
from study.search.search import Search
from study.store.checkpoints import Checkpoint, CheckpointFolder
from study.store.checksums import digest_of, write_checksums
from study.store.directory import StudyDirectory
from study.store.files import write_atomically
from study.store.growth import check_grown
from study.store.ledger import Ledger
from study.store.manifest import Manifest
from study.store.models import read_card
from study.trial import Assignment
from tests.study.pretend.legs import read_table, run_leg
from tests.study.pretend.small_study import make_spec

SPEC = make_spec(keep_models=2)
TAIL_BYTES = 4096
VERIFIED_EVERY = 16
"""Of the cuts: `verify` reads the whole study, which takes long."""


def make_whole_study(folder: Path) -> StudyDirectory:
    """Make a finished study at rest, as a leg leaves it."""
    run_leg(folder, SPEC)
    directory = StudyDirectory(folder)
    write_atomically(directory.spec, dump_document(SPEC.to_document()))
    manifest = {"name": "small", "data": {"fingerprint": "f", "split_fingerprint": "s"}, "legs": []}
    write_atomically(directory.manifest, json.dumps(manifest))
    analysis.write_parquet(analysis.load(folder), folder)
    write_atomically(directory.report / "index.html", "<p>report</p>")
    write_checksums(directory)
    return directory


def contents(folder: Path) -> list[Path]:
    """All files that hold anything; the lock holds nothing of the study."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 0)
    return sorted(path for path in files if path.name != "lock")


@dataclass
class Tally:
    """How often a file was cut, and how often what was left held all the same: a line's end was missing."""

    n_cuts: int = 0
    n_whole: int = 0


def cut_at_rest(study: StudyDirectory, path: Path, stride: int) -> Tally:
    """Cut a file of a study at rest; `verify` must name it each time."""
    tally = Tally()
    for n_lost in _cuts(path, stride):
        damages = {damage.path for damage in verify(study).damages}
        assert path in damages, f"{path.name} without its last {n_lost} bytes: {damages}"
        tally.n_cuts += 1
    return tally


def cut_after_crash(study: StudyDirectory, path: Path, stride: int) -> Tally:
    """Cut a file where the process died, without checksums; it must be refused by name, or be whole."""
    readers = _readers(study, path)
    before = [read() for read in readers]
    tally = Tally()
    for n_lost in _cuts(path, stride):
        for read, expected in zip(readers, before, strict=True):
            if read is readers[-1] and tally.n_cuts % VERIFIED_EVERY:
                continue
            try:
                found = read()
            except ValueError as error:
                assert path.name in str(error), error
                assert "\n" not in str(error), error
            else:
                assert found == expected, f"{path.name} without its last {n_lost} bytes, {read.__name__}"
                tally.n_whole += read is readers[0]
        tally.n_cuts += 1
    return tally


def cut_checkpoint(folder: Path, stride: int) -> Tally:
    """Cut a checkpoint; the one before it must be taken up."""
    assignment = Assignment(trial=0, replicate=1, attempt=1, seed=0, params={})
    checkpoints = CheckpointFolder(folder)
    checkpoints.save(assignment, Checkpoint(2, bytes(TAIL_BYTES)))
    (newest,) = folder.iterdir()
    content = newest.read_bytes()
    checkpoints.save(assignment, Checkpoint(1, b"earlier"))
    newest.write_bytes(content)
    tally = Tally()
    for n_lost in _cuts(newest, stride):
        assert checkpoints.load(assignment) == Checkpoint(1, b"earlier"), n_lost
        tally.n_cuts += 1
    return tally


def _cuts(path: Path, stride: int) -> Iterator[int]:
    """Cut the file at every `stride`th of its last bytes in turn, and mend it at the end."""
    content = path.read_bytes()
    for n_lost in range(1, min(len(content), TAIL_BYTES) + 1, stride):
        path.write_bytes(content[:-n_lost])
        yield n_lost
    path.write_bytes(content)


def _readers(study: StudyDirectory, path: Path) -> list[Callable[[], Any]]:
    """Return what reads a file and says what it found: as the next leg does first, as `verify` does last."""

    def continue_records() -> Any:
        ledger = Ledger.open(study.records)
        try:
            Search(SPEC, ledger)
        finally:
            ledger.close()
        return read_table(study.path)

    def continue_spec() -> Any:
        spec = study.read_spec()
        check_grown(spec, analysis.load(study.records).facts, study.spec)
        return spec

    def look() -> Any:
        return {damage.path for damage in verify(study).damages} - {path}

    def load() -> Any:
        return analysis.load(study.records).trials.to_csv()

    def load_tables() -> Any:
        from analysis.records.files import read_parquet

        tables = read_parquet(study.path)
        return tables.trials.to_csv(), tables.epochs.to_csv()

    match path.name:
        case "records.db":
            return [continue_records, load, look]
        case "optuna.db":
            return [continue_records, look]
        case "study.yaml":
            return [continue_spec, look]
        case "manifest.json":
            return [lambda: Manifest.open(study).content, look]
        case "trials.parquet" | "epochs.parquet":
            return [load_tables, look]
        case _:
            return [lambda: _read_model(path), look]


def _read_model(path: Path) -> Any:
    """Return what there is of a model where it is what its card says."""
    card = read_card(path.parent)
    if card is None or digest_of(path) != card.digests.get(path.name, digest_of(path)):
        raise StudyError(f"{path.name} is not what its card says")
    return card
