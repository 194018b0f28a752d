"""optuna-dashboard on a study, asked as its page asks it."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import study
from study.errors import StudyError
from study.running import dashboard
from study.store.directory import StudyDirectory
from tests.study.pretend.legs import run_leg
from tests.study.pretend.small_study import make_spec

pytest.importorskip("optuna_dashboard")
pytestmark = pytest.mark.filterwarnings("ignore")  # what bottle and the dashboard say of each other

SPACE = {
    "cell": ["rnn", "lstm"],
    "bidirectional": False,
    "units": {"low": 8, "high": 64, "log": True},
    "layers": 1,
    "vocab_size": 50,
    "sequence_length": 10,
    "embedding_dim": 4,
}
DESIGN = {"kind": "search", "trials": 6, "scheduler": "none", "scientific": ["cell"]}


def ask(url: str, path: str, host: str | None = None) -> tuple[int, Any]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    is_json = "json" in answer.headers.get("Content-Type", "")
    return answer.status, json.loads(content) if is_json else content.decode()


@pytest.fixture
def directory(tmp_path: Path) -> StudyDirectory:
    run_leg(tmp_path / "small", make_spec(design=DESIGN, space=SPACE))
    return StudyDirectory(tmp_path / "small")


@pytest.fixture
def shown(directory: StudyDirectory, monkeypatch: pytest.MonkeyPatch) -> Iterator[dashboard.Dashboard]:
    monkeypatch.setattr(dashboard, "REFRESH_S", 0.05)
    with dashboard.Dashboard(directory) as shown:
        yield shown


def list_trials(url: str, study_id: int) -> list[dict[str, Any]]:
    _, detail = ask(url, f"/api/studies/{study_id}?after=0")
    return detail["trials"]  # type: ignore[no-any-return]


def test_each_stratum_is_a_study_with_its_parameters_and_states(shown: dashboard.Dashboard) -> None:
    _, answer = ask(shown.url, "/api/studies")

    names = {study["study_name"]: study["study_id"] for study in answer["study_summaries"]}
    trials = [list_trials(shown.url, study_id) for study_id in names.values()]
    assert sorted(names) == ["small: cell=lstm", "small: cell=rnn"]
    assert [len(found) for found in trials] == [3, 3]
    assert {trial["state"] for found in trials for trial in found} == {"Complete"}
    assert "units" in {param["name"] for param in trials[0][0]["params"]}


def test_what_is_recorded_later_is_shown(shown: dashboard.Dashboard, directory: StudyDirectory) -> None:
    with closing(sqlite3.connect(directory.records)) as db:
        db.execute("UPDATE attempts SET state = 'failed' WHERE trial = 0")
        db.commit()

    deadline = time.monotonic() + 20
    states: set[str] = set()
    while "Fail" not in states and time.monotonic() < deadline:
        time.sleep(0.2)
        states = {trial["state"] for study_id in (1, 2) for trial in list_trials(shown.url, study_id)}
    assert states == {"Complete", "Fail"}


def test_it_answers_this_machine_and_no_page_that_points_a_name_at_it(shown: dashboard.Dashboard) -> None:
    port = urlsplit(shown.url).port

    assert shown.url == f"http://127.0.0.1:{port}/"
    assert ask(shown.url, "/api/studies", f"localhost:{port}")[0] == 200
    assert ask(shown.url, "/api/studies", f"elsewhere.example:{port}")[0] == 403


def test_a_port_that_is_taken_is_one_line_and_without_one_another_is_found(
    directory: StudyDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(dashboard, "PORTS", (taken, 0))

        with pytest.raises(StudyError, match=f"a free port: {taken} is not .*leave the port out"):
            dashboard.Dashboard(directory, taken)
        with dashboard.Dashboard(directory) as shown:
            found = urlsplit(shown.url).port
    assert found != taken


def test_where_there_is_no_study_there_is_no_dashboard(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"holds study\.yaml"):
        dashboard.Dashboard(StudyDirectory(tmp_path))


def test_the_library_that_is_missing_is_named(
    directory: StudyDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)

    with pytest.raises(ModuleNotFoundError, match=r'pip install "recurrent-study\[dashboard\]"$'):
        study.dashboard(directory.path)


@pytest.mark.slow
def test_the_command_prints_where_it_is_and_ctrl_c_ends_it_quietly(directory: StudyDirectory) -> None:
    command = [sys.executable, "-m", "study", "dashboard", str(directory.path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()

    status, page = ask(url, "/dashboard")
    process.send_signal(signal.SIGINT)

    assert status == 200
    assert "Optuna Dashboard" in page
    _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, "")
