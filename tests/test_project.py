"""What stands beside the code says the same as the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture
def project() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))["project"]  # type: ignore[no-any-return]


def test_citation_and_changelog_tell_of_the_release_that_is_built(project: dict[str, Any]) -> None:
    citation = yaml.safe_load(read("CITATION.cff"))

    shared = {name: citation[name] for name in ("version", "license", "authors")}
    assert shared == {name: project[name] for name in shared}
    assert citation["title"] == project["name"]
    assert f"## [{project['version']}]" in read("CHANGELOG.md")


def test_a_commit_is_checked_by_what_make_check_calls() -> None:
    (recipe,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    (local,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]

    hooks = [hook["entry"] for hook in local["hooks"]]

    assert hooks == [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    assert all(hook["pass_filenames"] is False for hook in local["hooks"])


def test_the_workflow_runs_what_must_hold_on_every_python_that_is_named(project: dict[str, Any]) -> None:
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    (job,) = workflow["jobs"].values()

    named = re.findall(r"Python :: (\d\.\d+)", " ".join(project["classifiers"]))

    assert job["strategy"]["matrix"]["python"] == named
    assert job["steps"][-1] == {"run": ".ci/run"}
    assert workflow["permissions"] == {"contents": "read"}


def test_no_process_of_ours_takes_a_module_of_the_working_folder_for_its_own() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "study").rglob("*.py")]

    begun = [
        call for source in sources for call in re.findall(r"[\[(]\s*sys\.executable,\s*([^,]+),", source)
    ]

    assert begun
    assert set(begun) <= {'"-P"', '"-I"'}
