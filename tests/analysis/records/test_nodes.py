from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from analysis import Study, summarize
from analysis.records.nodes import compare_versions, find_odd_nodes, read_odd_node
from analysis.report.build import build_report

ODD = {"even": {}, "odd": {"keras": ["3.15.1", "3.15.0"]}}


def leg(day: int, nodes: object) -> dict[str, Any]:
    return {"started_at": f"2026-01-{day:02d}T00:00:00+00:00", "nodes": nodes}


def ended(node: str | None, day: int) -> dict[str, Any]:
    return {"node": node, "started_at": f"2026-01-{day:02d}T12:00:00+00:00"}


def test_versions_are_compared_by_name() -> None:
    ours = {"python": "3.11.7", "keras": "3.15.1", "numba": "0.61"}

    assert compare_versions(ours, {"python": "3.11.7", "keras": "3.14.0"}) == {
        "keras": ("3.15.1", "3.14.0"),
        "numba": ("0.61", "none"),
    }


def test_an_odd_node_has_the_runs_that_ended_there_in_the_legs_that_note_it(
    make_trials: Callable[..., Any],
) -> None:
    trials = make_trials(
        [ended("odd", 1), ended("odd", 2), ended("even", 2), ended("odd", 3), ended(None, 2)]
    )
    legs = [leg(1, {}), leg(2, ODD), leg(3, {"odd": {}})]

    (odd,) = find_odd_nodes({"legs": legs}, trials)

    assert read_odd_node(odd) == (
        "Node odd trained with keras 3.15.0 instead of 3.15.1, the driver's: 1 run (trial 1) ended there. "
        "What differs between them and the others may come of that."
    )


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"legs": [None, {"nodes": ODD}, leg(1, ["odd"]), leg(1, {"odd": ["keras"]})]},
        {"legs": [leg(1, {"odd": {"keras": "3.15.0"}})]},
        {"legs": [leg(1, {"away": {"keras": ["3.15.1", "3.15.0"]}})]},
    ],
)
def test_a_manifest_that_tells_of_no_odd_node_has_none(
    manifest: dict[str, Any], make_trials: Callable[..., Any]
) -> None:
    assert find_odd_nodes(manifest, make_trials([ended("odd", 1)])) == []


def test_the_report_says_which_runs_an_odd_node_trained(one_setting: Study) -> None:
    trials = one_setting.trials.assign(node="odd", started_at="2026-01-01T12:00:00+00:00")
    study = replace(one_setting, trials=trials, manifest={"legs": [leg(1, ODD)]})

    found = [finding.text for finding in summarize(study) if finding.kind == "versions"]
    (chapter,) = (section for section in build_report(study).sections if section.anchor == "asked")

    assert found[0].startswith("Node odd trained with keras 3.15.0 instead of 3.15.1")
    assert found[0] in [getattr(block, "text", None) for block in chapter.blocks]
