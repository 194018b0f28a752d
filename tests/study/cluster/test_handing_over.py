"""What is handed to a cluster, as far as this machine can tell."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.cluster import submission
from study.cluster.submission import N_SILENT, entrypoint, folder_on_head, follow_job, submit_study
from study.errors import EnvironmentFaultError, StudyError
from study.spec.schema import StudySpec
from study.spec.sources import make_spec


def expand(folder: str) -> str:
    """What the head's shell makes of a folder."""
    return subprocess.run(
        ["/bin/sh", "-c", f"printf %s {folder}"], env={"HOME": "/home/r y"}, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("/data/my studies", "/data/my studies"),
        ("~/studies", "/home/r y/studies"),
        ("~", "/home/r y"),
        ("studies", "/home/r y/studies"),
        ("~/$(touch x);", "/home/r y/$(touch x);"),
    ],
)
def test_a_folder_on_the_head_is_absolute_there(out: str, expected: str) -> None:
    assert expand(folder_on_head(out)) == expected


def test_a_home_by_name_is_refused() -> None:
    with pytest.raises(StudyError, match=r"'~ann/x' is in another's home; give it from / on, or from ~/"):
        folder_on_head("~ann/x")


def test_the_job_says_where_the_study_lies_and_ends_with_its_status(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.write_text('#!/bin/sh\necho "$@"; exit 6\n')
    study.chmod(0o755)

    ran = subprocess.run(
        ["/bin/sh", "-c", entrypoint("mine", "~/studies")],
        env={"HOME": "/home/ray", "PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )

    where, command = ran.stdout.splitlines()
    assert where.startswith("the study lies in /home/ray/studies/mine on ")
    assert command == "run study.yaml --out /home/ray/studies --address auto"
    assert ran.returncode == 6


class Dashboard:
    """A cluster that takes a job, and tells of it step by step."""

    def __init__(self, *steps: tuple[str, str, int | None]) -> None:
        self.steps, self.files = list(steps), dict[str, str]()

    def submit_job(self, *, entrypoint: str, runtime_env: dict[str, Any], metadata: dict[str, str]) -> str:
        folder = Path(runtime_env["working_dir"])
        self.files = {
            str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()
        }
        return "raysubmit_1"

    def get_job_info(self, job: str) -> Any:
        state, self.log, status = self.steps.pop(0)
        ended = SimpleNamespace(is_terminal=lambda: state != "RUNNING", __str__=lambda: state)
        return SimpleNamespace(status=ended, driver_exit_code=status, message="the head is gone\nfor good")

    def get_job_logs(self, job: str) -> str:
        return self.log


def connect(monkeypatch: pytest.MonkeyPatch, dashboard: Dashboard) -> None:
    @contextmanager
    def connected(address: str) -> Iterator[Dashboard]:
        yield dashboard

    monkeypatch.setattr(submission, "_connected", connected)


def submit(monkeypatch: pytest.MonkeyPatch, spec: StudySpec) -> dict[str, str]:
    dashboard = Dashboard()
    connect(monkeypatch, dashboard)
    assert submit_study(spec, "http://head:8265", "~/studies") == "raysubmit_1"
    return dashboard.files


def test_a_module_of_the_users_own_travels_and_an_installed_one_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "models.py").write_text("def build(params, n_outputs): ...\n")
    (tmp_path / "thesis.txt").write_text("not asked for")
    spec = make_spec("quick")

    own = submit(monkeypatch, spec.model_copy(update={"model": "mine.models:build"}))
    installed = submit(monkeypatch, spec.model_copy(update={"model": "numpy:array"}))

    assert own.keys() == {"study.yaml", "mine/__init__.py", "mine/models.py"}
    assert "model: mine.models:build" in own["study.yaml"]
    assert installed.keys() == {"study.yaml"}


def test_a_job_is_followed_line_by_line_to_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, Dashboard(("RUNNING", "a\n", None), ("FAILED", "a\nb\n", 6)))
    shown: list[str] = []

    status = follow_job("raysubmit_1", "http://head:8265", shown.append, sleep=lambda seconds: None)

    assert (status, shown) == (6, ["a\n", "b\n"])


class Mute(Dashboard):
    """One that does not answer a few times."""

    n_mute = 0

    def get_job_info(self, job: str) -> Any:
        self.n_mute -= 1
        if self.n_mute >= 0:
            raise ConnectionError("connection aborted")
        return super().get_job_info(job)


@pytest.mark.parametrize(("n_mute", "is_lost"), [(N_SILENT - 1, False), (N_SILENT, True)])
def test_a_dashboard_that_does_not_answer_for_a_moment_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, n_mute: int, is_lost: bool
) -> None:
    dashboard = Mute(("SUCCEEDED", "a\n", 0))
    dashboard.n_mute = n_mute
    connect(monkeypatch, dashboard)

    with pytest.raises(ConnectionError) if is_lost else nullcontext():
        status = follow_job("raysubmit_1", "http://head:8265", lambda lines: None, sleep=lambda seconds: None)
        assert status == 0


def test_a_job_that_its_cluster_lost_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, Dashboard(("FAILED", "", None)))

    with pytest.raises(EnvironmentFaultError, match=r"without one: the head is gone; submit it again"):
        follow_job("raysubmit_1", "http://head:8265", lambda lines: None)
