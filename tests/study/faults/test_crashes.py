"""At every step to the disk in turn the process dies, the disk fails, or the power is cut.

The next leg comes to the same tables.
"""

from __future__ import annotations

import builtins
import errno
import gc
import io
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import pytest

import analysis
from study.errors import EnvironmentFaultError
from study.running.publication import publish
from study.running.verification import Verdict, verify
from study.spec.schema import StudySpec
from study.store.checksums import CHECKSUMS_FILE
from study.store.directory import StudyDirectory
from tests.study.faults.durable_disk import DurableDisk
from tests.study.pretend.legs import GRID, SPACE, read_all, read_search, read_table, run_leg
from tests.study.pretend.small_study import make_spec

SEARCH = make_spec(
    space=SPACE,
    design={"kind": "search", "trials": 4, "scheduler": "none"},
    training={"max_epochs": 2},
    keep_models=1,
)


P = TypeVar("P", bound="Points")


class ProcessGoneError(BaseException):
    """Nothing may catch it."""


class Points:
    """Counts the steps that are taken to the disk in a folder, before and after each.

    Args:
        folder: What lies elsewhere does not count.
        last: The number of the point at which something happens, from 1 on; 0 only counts.

    Attributes:
        left: Copies of the folder, from which the study may be continued.
    """

    def __init__(self, folder: Path, last: int = 0) -> None:
        self.folder, self.last, self.n_passed = folder, last, 0
        self.left: list[Path] = []

    def before(self, step: str) -> None:
        """Pass the point before a step."""
        self._pass()

    def after(self, step: str, thing: Any) -> None:
        """Pass the point after a step with a file's descriptor or a database's connection."""
        self._pass()

    def _pass(self) -> None:
        self.n_passed += 1
        if self.n_passed == self.last:
            self.happen()

    def happen(self) -> None:
        """Leave `left`, and nobody to tidy up."""
        raise ProcessGoneError

    def _leave(self, kind: str) -> Path:
        self.left.append(self.folder.with_name(f"{self.folder.name}-{kind}"))
        return self.left[-1]


class Deaths(Points):
    """Lets the process die: what it had written is there, as by SIGKILL."""

    def happen(self) -> None:
        shutil.copytree(self.folder, self._leave("killed"))
        super().happen()


class Faults(Points):
    """Lets the disk fail.

    Args:
        folder: As of `Points`.
        last: As of `Points`.
        number: The error, `errno.ENOSPC` say.
        stays: Whether nothing can be written from then on.

    Attributes:
        failed: The first step that failed.
    """

    def __init__(self, folder: Path, last: int, number: int, *, stays: bool) -> None:
        super().__init__(folder, last)
        self._number, self._stays = number, stays
        self.failed: str | None = None

    def before(self, step: str) -> None:
        self.n_passed += 1
        if self.n_passed != self.last and not (self._stays and self.n_passed > self.last):
            return
        self.failed = self.failed or step
        if step == "commit":
            full = self._number == errno.ENOSPC
            fault = sqlite3.OperationalError("database or disk is full" if full else "disk I/O error")
            fault.sqlite_errorname = "SQLITE_FULL" if full else "SQLITE_IOERR_WRITE"
            raise fault
        raise OSError(self._number, os.strerror(self._number))

    def after(self, step: str, thing: Any) -> None:
        """Nothing: what was done was done."""


class PowerCuts(Points):
    """Lets the power be cut: what the disk had is there."""

    def __init__(self, folder: Path, last: int) -> None:
        super().__init__(folder, last)
        self._disk = DurableDisk(folder)

    def after(self, step: str, thing: Any) -> None:
        if step == "fsync":
            self._disk.sync(thing)
        elif step == "commit":
            self._disk.commit(thing)
        super().after(step, thing)

    def happen(self) -> None:
        self._disk.cut(self._leave("synced"), keeps_names=False)
        self._disk.cut(self._leave("renamed"), keeps_names=True)
        self._disk.close()
        super().happen()


@contextmanager
def armed(points: Points) -> Iterator[None]:
    """Let all that is written in the folder of `points` pass through them."""

    class Connection(sqlite3.Connection):
        def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
            if kind is None:
                self.commit()
            return super().__exit__(kind, error, trace)

        def commit(self) -> None:
            if not self.in_transaction:
                return  # it has only read
            try:
                points.before("commit")
            except BaseException:
                self.rollback()  # as SQLite does where it cannot commit
                raise
            super().commit()
            points.after("commit", self)

    def passing(step: str) -> Any:
        function = getattr(os, step)

        def call(thing: Any, *others: Any, **keywords: Any) -> Any:
            if not lies_inside(keywords.get("dir_fd") or thing):
                return function(thing, *others, **keywords)
            points.before(step)
            result = function(thing, *others, **keywords)
            points.after(step, thing)
            return result

        return call

    def lies_inside(thing: Any) -> bool:
        path = f"/proc/self/fd/{thing}" if isinstance(thing, int) else thing
        return Path(path).resolve().is_relative_to(points.folder)

    def open_passing(file: Any, mode: str = "r", *others: Any, **keywords: Any) -> Any:
        if not set(mode) & set("wax+") or not lies_inside(file):
            return plain_open(file, mode, *others, **keywords)
        points.before("open")
        stream: Any = plain_open(file, mode, *others, **keywords)
        stream.write, stream.truncate = write_passing(stream), truncate_passing(stream.truncate)
        return stream

    def write_passing(stream: Any) -> Any:
        write = stream.write

        def call(data: Any) -> int:
            half = len(data) // 2
            write(data[:half])
            stream.flush()
            points.before("write")
            write(data[half:])
            return len(data)

        return call

    def truncate_passing(truncate: Any) -> Any:
        def call(size: int) -> Any:
            points.before("truncate")
            return truncate(size)

        return call

    def connect(*arguments: Any, **keywords: Any) -> Any:
        if arguments[:1] == (":memory:",):
            return plain_connect(*arguments, **keywords)  # it touches no disk
        connection = plain_connect(*arguments, **keywords | {"factory": Connection})
        connection.execute("PRAGMA cache_size = 1")  # so that it writes to the file before it commits
        return connection

    plain_open, plain_connect = io.open, sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        patch.setattr(sqlite3.dbapi2, "connect", connect)
        patch.setattr(io, "open", open_passing)
        patch.setattr(builtins, "open", open_passing)
        for step in ("fsync", "replace", "unlink", "mkdir", "rmdir"):
            patch.setattr(os, step, passing(step))
        yield


STRIDE = int(os.environ.get("CRASH_STRIDE", "16"))
"""The slow tests take every sixteenth point or so, each way of breaking off at points of its own;
CRASH_STRIDE=1 takes them all, in half an hour.
"""

SOME_OR_MANY = [pytest.param(150, id="some"), pytest.param(STRIDE, id="many", marks=pytest.mark.slow)]

WAYS = [(errno.ENOSPC, False), (errno.ENOSPC, True), (errno.EIO, False), (errno.EIO, True)]
FAULTS = [
    pytest.param(
        1 + stride * (2 * way + 1) // 8,
        stride,
        number,
        stays,
        id=f"{name}-{errno.errorcode[number]}{'-stays' if stays else ''}",
        marks=marks,
    )
    for stride, name, marks in ((100, "some", ()), (STRIDE, "many", pytest.mark.slow))
    for way, (number, stays) in enumerate(WAYS)
    if name == "many" or (number == errno.EIO) == stays
]
BREAKS = [(0, Deaths), (2, PowerCuts)]
"""How a leg breaks off, and how many quarters of a stride its points begin after those of the other."""


class Reference(NamedTuple):
    """A grid that nothing happened to.

    Attributes:
        left: Its rows, what Optuna knows, and its models.
        n_steps: Steps to the disk, before each of which is a point.
        n_points: With those after what changes what a power cut leaves.
    """

    left: tuple[Any, ...]
    n_steps: int
    n_points: int


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("reference").resolve()
    steps = Faults(folder, 0, errno.EIO, stays=False)
    with armed(steps):
        run_leg(folder / "small", GRID)
    return Reference(read_all(folder / "small"), steps.n_passed, count_points(folder / "counted", GRID))


def count_points(folder: Path, spec: StudySpec, n_workers: int = 1) -> int:
    folder.mkdir()
    points = Points(folder)
    with armed(points):
        run_leg(folder / "small", spec, n_workers)
    assert points.n_passed > 100
    return points.n_passed


def happen_at(folder: Path, numbers: range, make: Callable[[Path, int], P]) -> Iterator[P]:
    """Make, for each of some points, a folder of its own and what happens there."""
    for number in numbers:
        place = folder.resolve() / str(number)
        place.mkdir()
        yield make(place, number)


def has_begun(study: Path) -> bool:
    return StudyDirectory(study).spec.exists()


def check_goes_on(study: Path, reference: Reference) -> None:
    run_leg(study, GRID)

    assert read_all(study) == reference.left, study
    assert not list(study.glob("checkpoints/*")), study
    assert verify(StudyDirectory(study)) == Verdict((), has_checksums=True), study


def check_lost_and_doubled_nothing(study: Path) -> None:
    run_leg(study, SEARCH, n_workers=2)

    rows = read_table(study)
    assert {row[3] for row in rows} == {"completed"}
    keys = [(row[0], row[1], row[2], row[7]) for row in rows]  # trial, replicate, attempt, epoch
    assert len(keys) == len(set(keys)) == 4 * 2, study
    # Only two settings exist: what is proposed again must be another seed, never a rerun.
    assert len({(row[5], row[4]) for row in rows}) == 4, study
    told = read_search(study)
    assert [state for _, state, _, _ in told] == ["COMPLETE"] * 4, study


@pytest.mark.parametrize(("quarters", "kind"), BREAKS)
@pytest.mark.parametrize("stride", SOME_OR_MANY)
def test_a_grid_that_breaks_off_at_any_point_ends_in_the_same_tables(
    reference: Reference, tmp_path: Path, stride: int, quarters: int, kind: type[Points]
) -> None:
    numbers = range(1 + stride * (quarters + 1) // 4, reference.n_points + 1, stride)

    for points in happen_at(tmp_path, numbers, kind):
        for study in break_off(points, GRID):
            check_goes_on(study, reference)


@pytest.mark.slow
@pytest.mark.parametrize(("quarters", "kind"), BREAKS)
def test_a_parallel_search_that_breaks_off_at_any_point_loses_and_doubles_nothing(
    tmp_path: Path, quarters: int, kind: type[Points]
) -> None:
    n_points = count_points(tmp_path.resolve() / "counted", SEARCH, n_workers=2)

    for points in happen_at(tmp_path, range(1 + STRIDE * quarters // 2, n_points + 1, 2 * STRIDE), kind):
        for study in break_off(points, SEARCH, n_workers=2):
            check_lost_and_doubled_nothing(study)


def break_off(points: Points, spec: StudySpec, n_workers: int = 1) -> Iterator[Path]:
    """Yield what is left of a study: with all that was recorded, and checksums only if they are true."""
    with armed(points), pytest.raises(ProcessGoneError):
        run_leg(points.folder / "small", spec, n_workers)
    recorded = read_recorded(points.folder / "small")
    assert points.left
    for study in (left / "small" for left in points.left):
        assert read_recorded(study) == recorded, study
        if (study / CHECKSUMS_FILE).exists():
            assert verify(StudyDirectory(study)).damages == (), study
        yield study


def read_recorded(study: Path) -> list[tuple[Any, ...]]:
    """Read the records of a study that has begun in a copy: to open them is to roll back."""
    if not has_begun(study):
        return []
    with TemporaryDirectory() as folder:
        for path in study.glob("records.db*"):
            shutil.copyfile(path, Path(folder) / path.name)
        return read_table(Path(folder))


@pytest.mark.parametrize(("first", "stride", "number", "stays"), FAULTS)
def test_a_leg_whose_disk_fails_at_any_step_says_so_and_the_next_goes_on(
    reference: Reference, tmp_path: Path, first: int, stride: int, number: int, stays: bool
) -> None:
    make = partial(Faults, number=number, stays=stays)

    for points in happen_at(tmp_path, range(first, reference.n_steps + 1, stride), make):
        study = points.folder / "small"
        try:
            with armed(points):
                run_leg(study, GRID)
        except EnvironmentFaultError as error:
            assert str(study) in str(error)
            assert "\n" not in str(error)
        else:
            # Optuna tries again to store a trial, and a lock may go on naming who held it.
            assert points.failed == "truncate" or (points.failed == "commit" and not stays)
        if has_begun(study):
            analysis.load(study)

        check_goes_on(study, reference)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="what fails SQLite's own calls is written in C")
@pytest.mark.parametrize("stays", [0, 1], ids=["once", "stays"])
@pytest.mark.parametrize("name", ["ENOSPC", "EIO"])
def test_a_leg_whose_calls_to_the_system_fail_says_so_and_the_next_goes_on(
    tmp_path: Path, name: str, stays: int
) -> None:
    here, library = Path(__file__).parent, tmp_path / "failing_calls.so"
    compiler = ["cc", "-shared", "-fPIC", "-o", str(library), str(here / "failing_calls.c"), "-ldl"]
    subprocess.run(compiler, check=True)
    program = [sys.executable, "-m", "tests.study.faults.failing_calls", str(tmp_path), name, str(stays)]

    done = subprocess.run(
        [*program, str(11 + 5 * stays), str(4 * STRIDE)],
        env=os.environ | {"LD_PRELOAD": str(library)},
        cwd=here.parents[2],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    n_calls, n_ended, n_unharmed = map(int, done.stdout.split())
    assert n_calls > 400
    # SQLite overlooks a folder that cannot be synced, and Optuna tries again to store a trial.
    assert n_ended > 4 * n_unharmed


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_a_report_whose_disk_fails_at_any_step_is_one_line_and_no_half_of_a_file(
    tmp_path: Path, number: int
) -> None:
    directory = make_reported(tmp_path)
    whole, n_points = read_derived(directory.path), count_publishing(directory)

    for last in range(1, n_points + 1, 10 * STRIDE):
        shutil.rmtree(directory.report, ignore_errors=True)
        with (
            armed(Faults(directory.path, last, number, stays=True)),
            pytest.raises(EnvironmentFaultError, match=f"{os.strerror(number)}.*; every run that ended"),
        ):
            publish(directory)

        found = read_derived(directory.path)
        assert found == {name: whole[name] for name in found}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Pillow's, which expects no such error
def test_a_report_whose_power_is_cut_at_any_point_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    directory = make_reported(tmp_path)
    whole, n_points = read_derived(directory.path), count_publishing(directory)

    for last in range(1, n_points + 1, 10 * STRIDE):
        # What was there before is not known to the disk.
        shutil.rmtree(directory.report, ignore_errors=True)
        for table in directory.path.glob("*.parquet"):
            table.unlink()
        points = PowerCuts(directory.path, last)
        with armed(points), pytest.raises(ProcessGoneError):
            publish(directory)

        for left in points.left:
            found = read_derived(left)
            assert found == {name: whole[name] for name in found}
            shutil.rmtree(left)
        gc.collect()


def make_reported(tmp_path: Path) -> StudyDirectory:
    directory = StudyDirectory(tmp_path.resolve() / "small")
    run_leg(directory.path, GRID)
    publish(directory)
    return directory


def count_publishing(directory: StudyDirectory) -> int:
    points = Faults(directory.path, 0, errno.EIO, stays=False)
    with armed(points):
        publish(directory)
    assert points.n_passed > 100
    return points.n_passed


def read_derived(study: Path) -> dict[str, bytes]:
    """Read tables and report, but for the minute at which the page was written."""
    paths = [*study.glob("*.parquet"), *study.glob("report/**/[!.]*.*")]
    return {str(path.relative_to(study)): re.sub(rb"Written [^<]*", b"", path.read_bytes()) for path in paths}
