from __future__ import annotations

import importlib.util
import io
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from study.cli.doctor import Finding, examine, machine, print_findings
from study.cli.doctor.cluster import compare_nodes, describe_node
from study.cluster.submission import submit_study
from study.errors import EnvironmentFaultError
from study.spec.sources import make_spec


@pytest.fixture
def findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Finding]]:
    """What is found on this machine, by topic; TensorFlow is not loaded, and sees no GPU."""
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "auth_token"))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    (tmp_path / "auth_token").touch(mode=0o644)
    (tmp_path / "auth_token").chmod(0o644)

    def pretend(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, stdout="0\n")

    monkeypatch.setattr(machine.subprocess, "run", pretend)
    by_topic: dict[str, list[Finding]] = {}
    for finding in examine(None, tmp_path / "studies"):
        by_topic.setdefault(finding.topic, []).append(finding)
    return by_topic


def test_a_machine_that_can_run_studies_has_nothing_wrong(findings: dict[str, list[Finding]]) -> None:
    assert {"packages", "machine", "studies", "temporary files", "token", "GPUs"} <= findings.keys()
    assert not [f for found in findings.values() for f in found if f.is_wrong]


@pytest.mark.parametrize(
    ("load", "niceness", "verdict", "said"),
    [
        (
            0.5,
            None,
            "good",
            "0.5 programs at work, on the mean of a minute; Ray starts workers at niceness 15",
        ),
        (99.0, None, "note", "RAY_worker_niceness=0 makes them equal"),
        (99.0, "0", "good", "at niceness 0"),
    ],
)
def test_a_busy_machine_is_noted_with_the_niceness_of_workers(
    monkeypatch: pytest.MonkeyPatch, load: float, niceness: str | None, verdict: str, said: str
) -> None:
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.delenv("RAY_worker_niceness", raising=False)
    if niceness is not None:
        monkeypatch.setenv("RAY_worker_niceness", niceness)

    finding = machine.examine_load()

    assert finding.verdict == verdict
    assert said in finding.text


def test_a_token_that_others_can_read_is_noted(findings: dict[str, list[Finding]]) -> None:
    (token,) = findings["token"]

    assert token.verdict == "note"
    assert "others can read" in token.text


def test_a_gpu_that_tensorflow_does_not_see_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    glob = Path.glob

    def pretend_glob(path: Path, pattern: str) -> Any:
        return [Path("/dev/nvidia0")] if str(path) == "/dev" else glob(path, pattern)

    monkeypatch.setattr(Path, "glob", pretend_glob)
    monkeypatch.setattr(
        machine.subprocess, "run", lambda command, **rest: subprocess.CompletedProcess(command, 0, "0\n")
    )

    (gpus,) = [f for f in examine(None, tmp_path) if f.topic == "GPUs"]

    assert gpus.verdict == "note"
    assert "1 there, TensorFlow sees 0" in gpus.text


def test_a_tensorflow_that_does_not_start_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **rest: Any) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(machine.subprocess, "run", fail)

    assert [f.topic for f in examine(None, tmp_path) if f.is_wrong] == ["GPUs"]


def test_nodes_with_other_versions_are_wrong_and_named(tmp_path: Path) -> None:
    here = describe_node(str(tmp_path))
    there = here | {"versions": here["versions"] | {"ray": "2.0.0", "keras": None}, "sees_folder": False}

    versions, folder = compare_nodes("node n2", here, there)

    assert versions.is_wrong
    assert "ray 2.0.0 instead of" in versions.text
    assert "keras None instead of" in versions.text
    assert folder.verdict == "note"


def test_a_node_like_this_one_is_good(tmp_path: Path) -> None:
    here = describe_node(str(tmp_path))

    assert [f.verdict for f in compare_nodes("node n2", here, here)] == ["good"]


def test_findings_are_printed_as_they_are() -> None:
    console = Console(width=200, record=True, file=io.StringIO())

    print_findings(console, [Finding("ports", "note", "[red]raylet[/red] listens on :::1")])

    assert "note  ports: [red]raylet[/red] listens on :::1" in console.export_text()


@pytest.mark.skipif(importlib.util.find_spec("aiohttp") is not None, reason="Ray's dashboard is installed")
def test_without_rays_dashboard_submitting_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "auth_token"))

    with pytest.raises(EnvironmentFaultError, match=r'pip install "ray\[default\]", or on the head'):
        submit_study(make_spec("quick"), "http://127.0.0.1:8265", "studies")
