from __future__ import annotations

from pathlib import Path

import pytest

from analysis.records.nodes import training_versions
from study.errors import EnvironmentFaultError
from study.running.listener import Listener
from study.running.nodes import NodeCheck
from study.store.manifest import Manifest
from study.trial import Report
from tests.study.pretend.programs import VERSIONS, finish, start

HERE = training_versions() | {"recurrent-study": "0.1.0", "keras": "3.15.1"}


class Ear(Listener):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def on_warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest(tmp_path / "manifest.json", {"legs": [{"nodes": {}}]})


@pytest.fixture
def nodes(manifest: Manifest, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> NodeCheck:
    monkeypatch.setattr("study.running.nodes.training_versions", lambda: HERE)
    return NodeCheck(manifest, ear)


def said_by(node: str, **versions: str) -> Report:
    return Report(
        state="running", node=node, versions=HERE | {k.replace("_", "-"): v for k, v in versions.items()}
    )


def test_a_difference_is_said_once_a_node_and_noted(nodes: NodeCheck, manifest: Manifest, ear: Ear) -> None:
    for node in ("a", "b", "b"):
        nodes.check(said_by(node, **({"keras": "3.15.0"} if node == "b" else {})))

    assert ear.warnings == [
        "node b trains with keras 3.15.0 instead of 3.15.1, the driver's; the report says which runs are its "
        "own"
    ]
    assert manifest.content["legs"][-1]["nodes"] == {"a": {}, "b": {"keras": ["3.15.1", "3.15.0"]}}


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({"keras": "3.14.1"}, "node b has keras 3.14.1 instead of 3.15.1"),
        ({"recurrent_study": "0.1.1"}, "node b has recurrent-study 0.1.1 instead of 0.1.0"),
    ],
)
def test_another_release_is_refused(
    nodes: NodeCheck, manifest: Manifest, versions: dict[str, str], said: str
) -> None:
    with pytest.raises(EnvironmentFaultError, match=said):
        nodes.check(said_by("b", **versions))
    assert list(manifest.content["legs"][-1]["nodes"]) == ["b"]


@pytest.mark.parametrize("package", ["recurrent_study", "tensorflow"])
def test_what_is_of_no_known_release_is_not_refused(nodes: NodeCheck, ear: Ear, package: str) -> None:
    nodes.check(said_by("b", **{package: "none"}))

    assert len(ear.warnings) == 1


@pytest.mark.slow
def test_a_worker_of_another_release_trains_nothing_and_the_study_goes_on_without_it(tmp_path: Path) -> None:
    status, said = finish(start(tmp_path, environment={VERSIONS: '{"tensorflow": "1.15.0"}'}))

    assert status == 3
    assert "has tensorflow 1.15.0 instead of " in said
    assert not any(line.startswith(("running", "failed", "completed")) for line in said.splitlines())
    assert "Traceback" not in said

    status, said = finish(start(tmp_path))

    assert status == 0, said
    assert said.count("completed") == 6
    assert "warning" not in said
