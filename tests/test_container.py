"""The image: what its file says holds, as far as it can be told without building it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

Stages = dict[str, list[tuple[str, str]]]


def read_stages() -> tuple[dict[str, str], Stages]:
    """The arguments before the first stage, and each stage's instructions, those that it stands on first."""
    lines = [line for line in DOCKERFILE.replace("\\\n", " ").splitlines() if line and line[0] != "#"]
    arguments: dict[str, str] = {}
    stages: Stages = {}
    name = ""
    for line in lines:
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages[name] = [*stages.get(base, [("FROM", base)])]
        elif not stages:
            arguments |= [rest.split("=")]
        else:
            stages[name].append((instruction, rest))
    return arguments, stages


ARGUMENTS, STAGES = read_stages()
TARGETS = ("cpu", "gpu")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]  # type: ignore[no-any-return]


def last(target: str, instruction: str) -> str:
    return [rest for name, rest in STAGES[target] if name == instruction][-1]


def test_the_python_is_one_that_the_project_takes(project: dict[str, Any]) -> None:
    named = re.findall(r"Python :: (\d\.\d+)", " ".join(project["classifiers"]))

    assert ARGUMENTS["PYTHON"] in named
    assert all(STAGES[target][0] == ("FROM", "python:${PYTHON}-slim") for target in TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_the_command_as_nobody_special_and_has_tried_it(target: str) -> None:
    assert last(target, "USER") == "1000"
    assert STAGES[target][-1] == ("RUN", "study doctor --warm")
    assert last(target, "ENTRYPOINT") == '["study"]'


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_holds_extras_that_there_are_in_the_releases_that_are_pinned(
    target: str, project: dict[str, Any]
) -> None:
    installs = [rest for name, rest in STAGES[target] if name == "RUN" and rest.startswith("pip install")]

    assert last(target, "ARG") in {f"EXTRAS={extra}" for extra in project["optional-dependencies"]}
    assert any("[${EXTRAS}]" in install for install in installs)
    assert all("--constraint /constraints.txt" in install for install in installs)
    assert all("--no-cache-dir" in install for install in installs)


def test_the_targets_differ_in_cuda_alone() -> None:
    cpu, gpu = (STAGES[target] for target in TARGETS)

    (added,) = [step for step in gpu if step not in cpu]

    assert "tensorflow[and-cuda]" in added[1]
    assert [step for step in gpu if step != added] == cpu


def test_what_is_copied_is_there_and_what_builds_a_wheel_is_sent() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    steps = [step for stage in STAGES.values() for step in stage]
    copied = [shlex.split(rest)[0] for name, rest in steps if name == "COPY" and "--from" not in rest]

    assert set(copied) <= {".", *sent}
    assert all((ROOT / name).exists() for name in sent)
    assert sent >= {"analysis", "search_spaces", "study", "pyproject.toml", "setup.py"}
    read = set(re.findall(r"Path\(\"([\w.]+)\"\)", (ROOT / "setup.py").read_text()))
    assert read <= sent


def test_the_job_on_kubernetes_runs_these_images_as_their_user(project: dict[str, Any]) -> None:
    job = yaml.safe_load((ROOT / "deploy" / "kuberay-rayjob.yaml").read_text())
    cluster = job["spec"]["rayClusterSpec"]
    pods = [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]
    built = set(re.findall(r"--target \w+ --tag (\S+)", DOCKERFILE))

    assert built == {f"recurrent-study:{project['version']}", f"recurrent-study:{project['version']}-gpu"}
    assert {pod["containers"][0]["image"].rpartition("/")[2] for pod in pods} == built
    assert {str(pod["securityContext"]["runAsUser"]) for pod in pods} == {last("cpu", "USER")}


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_the_file_is_clean() -> None:
    checked = subprocess.run(["hadolint", ROOT / "Dockerfile"], capture_output=True, text=True)

    assert (checked.returncode, checked.stdout) == (0, "")
