from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.cluster import archive, submission
from study.cluster.archive import LINE, pack_study, unpack_study
from study.cluster.submission import fetch_study
from study.errors import EnvironmentFaultError, LockedError, StudyError
from study.store.directory import StudyDirectory


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A study on the head."""
    folder = tmp_path / "head" / "mine"
    (folder / "models").mkdir(parents=True)
    (folder / "study.yaml").write_text("name: mine\n")
    (folder / "models" / "model.keras").write_bytes(bytes(range(256)) * 400)
    return folder


def test_a_study_comes_home_as_it_was_whatever_is_said_between_its_lines(there: Path, tmp_path: Path) -> None:
    said = "a warning of a library's\n".join(f"{line}\n" for line in pack_study(there))

    unpack_study(said, tmp_path / "home" / "mine")

    home = tmp_path / "home" / "mine"
    assert {p.relative_to(home) for p in home.rglob("*")} == {
        p.relative_to(there) for p in there.rglob("*") if p.name != "lock"
    }
    assert (home / "models" / "model.keras").read_bytes() == bytes(range(256)) * 400


@pytest.mark.parametrize(
    "spoil", [lambda lines: lines[:-1], lambda lines: lines[1:], lambda lines: [f"{LINE}x"]]
)
def test_an_archive_that_is_not_whole_leaves_nothing(there: Path, tmp_path: Path, spoil: Any) -> None:
    said = "\n".join(spoil(list(pack_study(there))))

    with pytest.raises(EnvironmentFaultError, match="fetch it again"):
        unpack_study(said, tmp_path / "home" / "mine")
    assert not (tmp_path / "home").exists()


def test_a_study_that_is_held_is_not_packed(there: Path) -> None:
    with StudyDirectory(there).lock(), pytest.raises(LockedError):
        list(pack_study(there))


def test_a_study_that_is_too_large_is_to_be_copied(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 100)

    with pytest.raises(EnvironmentFaultError, match="copy it by"):
        list(pack_study(there))


class Head:
    """A cluster on which one job has run, and that runs another: it says `said`, and ends with `status`."""

    def __init__(self, state: str = "SUCCEEDED", said: str = "", status: int = 0, **metadata: str) -> None:
        self.state, self.said, self.status, self.metadata = state, said, status, metadata
        self.commands: list[str] = []

    def get_job_info(self, job: str) -> Any:
        state = self.state if job == "raysubmit_1" else "SUCCEEDED"
        status = SimpleNamespace(is_terminal=lambda: state != "RUNNING")
        return SimpleNamespace(
            status=status, metadata=self.metadata, driver_exit_code=self.status, message="no reason"
        )

    def submit_job(self, *, entrypoint: str, metadata: dict[str, str]) -> str:
        self.commands.append(entrypoint)
        return "raysubmit_2"

    def get_job_logs(self, job: str) -> str:
        return self.said


def fetch(monkeypatch: pytest.MonkeyPatch, head: Head, out: Path) -> Path:
    @contextmanager
    def connected(address: str) -> Iterator[Head]:
        yield head

    monkeypatch.setattr(submission, "_connected", connected)
    return fetch_study("raysubmit_1", "http://head:8265", out, sleep=lambda seconds: None)


def test_a_study_is_fetched_from_where_it_was_submitted_to(
    monkeypatch: pytest.MonkeyPatch, there: Path, tmp_path: Path
) -> None:
    head = Head(said="\n".join(pack_study(there)), study="mine", out="/data/my studies")

    home = fetch(monkeypatch, head, tmp_path / "home")

    assert home == tmp_path / "home" / "mine"
    assert (home / "study.yaml").read_text() == "name: mine\n"
    assert head.commands == ["exec study pack '/data/my studies'/mine"]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (Head(state="RUNNING", study="mine", out="~"), "study follow raysubmit_1 waits"),
        (Head(), "raysubmit_1 is none of `study submit`"),
        (Head(study="../mine", out="~"), "raysubmit_1 is none of `study submit`"),
        (Head(study="head", out="~"), "head exists; give --out"),
    ],
)
def test_what_cannot_be_fetched_is_refused(
    monkeypatch: pytest.MonkeyPatch, there: Path, head: Head, said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        fetch(monkeypatch, head, there.parents[1])
    assert head.commands == []


def test_what_the_head_says_of_a_study_that_is_not_there_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    head = Head(said="Job started\nstudy: a study directory holds study.yaml\n", status=2, study="x", out="~")

    with pytest.raises(EnvironmentFaultError, match=r"left it: a study directory holds study\.yaml$"):
        fetch(monkeypatch, head, tmp_path)
