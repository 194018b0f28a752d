from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis import Study, summarize
from analysis.records.provenance import compare_legs, find_changes, installed_version, read_change
from analysis.report.build import build_report

PACKAGES = {"recurrent-study": "0.1.0", "tensorflow": "2.21.0", "numpy": "2.4.0", "ray": "2.60.0"}


def leg(day: int, taken_up: tuple[tuple[int, int], ...] = (), **changes: Any) -> dict[str, Any]:
    machine = {"processor": "x86_64", "processor_model": "A"}
    entry = {"started_at": f"2026-01-{day:02d}T00:00:00+00:00", "packages": PACKAGES, "machine": machine}
    return entry | {"source_revision": None, "taken_up": [list(run) for run in taken_up]} | changes


def started(*days: int | None) -> list[dict[str, Any]]:
    return [{"started_at": None if day is None else f"2026-01-{day:02d}T12:00:00+00:00"} for day in days]


NEWER = PACKAGES | {"tensorflow": "2.22.0"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"packages": NEWER}, {"tensorflow": ("2.21.0", "2.22.0")}),
        ({"packages": PACKAGES | {"ray": "2.61.0"}}, {}),
        ({"packages": PACKAGES | {"numpy": None}}, {"numpy": ("2.4.0", "none")}),
        ({"packages": {}}, {}),
        ({"packages": None, "machine": None}, {}),
        ({"machine": {"processor": "x86_64"}}, {}),
        ({"machine": {"processor_model": "B"}}, {"the driver's processor": ("A", "B")}),
        (
            {"source_revision": "c" * 40 + "+changes"},
            {"recurrent-study": ("0.1.0", "0.1.0 at cccccccccccc with changes")},
        ),
    ],
)
def test_legs_differ_in_what_figures_rest_on(
    change: dict[str, Any], expected: dict[str, tuple[str, str]]
) -> None:
    assert compare_legs(leg(1), leg(2, **change)) == expected


def test_a_change_divides_the_runs_by_when_their_training_started(make_trials: Callable[..., Any]) -> None:
    trials = make_trials(started(1, 1, 2, 3, None, 2))
    legs = [
        leg(1),
        leg(2),
        leg(3, taken_up=((2, 1),), packages=NEWER),
        leg(4, ((5, 1), (3, 1)), packages=NEWER),
    ]

    (change,) = find_changes({"legs": legs}, trials)

    assert (change.leg, change.n_before, change.after, change.across) == (3, 2, (3,), (2, 5))
    assert read_change(change) == (
        "From leg 3 on the study ran on tensorflow 2.22.0 instead of 2.21.0: 2 runs had been trained before, "
        "1 run (trial 3) came after, 2 runs (trials 2 and 5) began before and went on after. "
        "What differs between them may come of that."
    )


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"legs": None},
        {"legs": [1, "two", None]},
        {"legs": [leg(1), leg(2, packages=NEWER, started_at=None)]},
        {"legs": [leg(1), leg(2, packages=["tensorflow"], machine="x86_64")]},
    ],
)
def test_a_manifest_that_tells_nothing_of_changes_has_none(
    manifest: dict[str, Any], make_trials: Callable[..., Any]
) -> None:
    assert find_changes(manifest, make_trials(started(1, 2))) == []


def test_runs_that_were_taken_up_may_be_noted_wrongly_and_are_then_not_known(
    make_trials: Callable[..., Any],
) -> None:
    legs = [leg(1), leg(2, packages=NEWER) | {"taken_up": [3, [1], "x"]}]

    (change,) = find_changes({"legs": legs}, make_trials(started(1)))

    assert change.across == ()


def test_the_report_says_first_that_versions_changed(one_setting: Study) -> None:
    study = replace(one_setting, manifest={"legs": [leg(1), leg(2, packages=NEWER)]})

    found = [finding for finding in summarize(study) if finding.kind == "versions"]
    (chapter,) = (section for section in build_report(study).sections if section.anchor == "asked")

    assert found[0].text.startswith("From leg 2 on the study ran on tensorflow 2.22.0 instead of 2.21.0")
    assert found[0].text in [getattr(block, "text", None) for block in chapter.blocks]


def test_a_package_that_is_missing_has_no_version() -> None:
    assert installed_version("numpy") == np.__version__
    assert installed_version("surely-not-installed") is None
