"""What is built of the project, and what it does where nothing but that is installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.study.pretend.programs import SPEC

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "search_spaces", "study")
BUILD = "from setuptools import build_meta; import sys; getattr(build_meta, sys.argv[1])(sys.argv[2])"


def list_tracked() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("what belongs to the project is known in a checkout alone")
    return set(listed.stdout.split("\0")) - {""}


class Environment:
    """A virtual environment, empty at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)

    def run(self, program: str, *arguments: object, at: Path, check: bool = True) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        ran = subprocess.run(
            [self.folder / "bin" / program, *map(str, arguments)],
            cwd=at,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert ran.returncode == 0 or not check, ran.stderr
        return ran.stdout if check else str(ran.returncode)

    def borrow(self) -> None:
        """See the libraries of this environment, behind what is installed in it: they are a gigabyte."""
        (packages,) = self.folder.glob("lib/python*/site-packages")
        lent = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "lent.pth").write_text("\n".join(lent) + "\n")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source distribution of what is tracked, and a wheel made from it alone."""
    folder = tmp_path_factory.mktemp("built")
    source, builder = folder / "source", Environment(folder / "builder")
    for name in list_tracked():
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    requires = read_pyproject()["build-system"]["requires"]
    if builder.run("pip", "install", "--quiet", *requires, at=folder, check=False) != "0":
        pytest.skip("a package index cannot be reached")
    dist = folder / "dist"
    dist.mkdir()
    builder.run("python", "-c", BUILD, "build_sdist", dist, at=source)
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    builder.run("python", "-c", BUILD, "build_wheel", dist, at=unpacked)
    return dist


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that holds the wheel, and sees the libraries of this one."""
    folder = tmp_path_factory.mktemp("installed")
    environment = Environment(folder / "venv")
    environment.run("pip", "install", "--quiet", "--no-index", "--no-deps", wheel, at=folder)
    environment.borrow()
    return environment


def read_pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read_metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def test_a_source_distribution_holds_all_that_the_repository_does(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}

    added = {name for name in names if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    assert names - added == list_tracked()


def test_a_wheel_holds_the_three_packages_and_the_pages_of_help_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    code = {name for name in list_tracked() if name.startswith(tuple(f"{p}/" for p in PACKAGES))}
    assert names == code | {f"study/pages/{page.name}" for page in (ROOT / "docs").glob("*.md")}


def test_links_of_the_readme_lead_somewhere_from_a_package_index(wheel: Path) -> None:
    metadata = read_metadata(wheel)
    page = str(metadata.get_payload())

    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) > 15
    assert all(link.startswith("https://") for link in links)
    home = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))["Repository"]
    assert f"{home}/raw/v{metadata['Version']}/docs/images/curves-by-cell.svg" in links
    tree = f"{home}/blob/v{metadata['Version']}/"
    own = [link.removeprefix(tree) for link in links if link.startswith(tree)]
    assert "docs/imdb.md" in own
    assert all((ROOT / path).exists() for path in own)


def test_the_command_of_the_readme_installs_the_wheel(installed: Environment, tmp_path: Path) -> None:
    (asked,) = re.findall(r"pip install (\"recurrent-study\[run\]\")", (ROOT / "README.md").read_text())

    # Without an index: whatever the wheel asks for and is not there would fail it.
    said = installed.run("pip", "install", "--no-index", asked.strip('"'), at=tmp_path)

    assert "recurrent-study[run]" in said


def test_an_installed_wheel_runs_a_study_and_reports_it(installed: Environment, tmp_path: Path) -> None:
    version = installed.run("study", "--version", at=tmp_path)
    help_ = installed.run("study", "--help", at=tmp_path)
    presets = installed.run("study", "presets", at=tmp_path)
    page = installed.run("study", "help", "report", at=tmp_path)
    small = SPEC | {"space": SPEC["space"] | {"cell": "rnn"}, "training": {"max_epochs": 1, "cells": "keras"}}
    (tmp_path / "small.yaml").write_text(json.dumps(small))  # JSON is YAML
    installed.run("study", "run", "small.yaml", at=tmp_path)
    report = installed.run("study", "report", "studies/cheap", at=tmp_path)
    where = installed.run("python", "-c", "import study; print(study.__file__)", at=tmp_path)

    assert version.startswith(f"recurrent-study {read_pyproject()['project']['version']},")
    assert "confirm" in help_
    assert "notebook" in presets
    assert page == (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / report.strip()).stat().st_size > 100_000
    assert Path(where.strip()).is_relative_to(installed.folder)
