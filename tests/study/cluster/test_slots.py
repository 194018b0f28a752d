from __future__ import annotations

import itertools

import pytest

from study.cluster.slots import SlotCounter
from study.machine.capacity import Capacity
from study.spec.schema import Resources


def count(
    monkeypatch: pytest.MonkeyPatch, cpus: list[int], *, is_over: bool = False
) -> tuple[list[int], int]:
    """Count once for each number of CPUs that the cluster has by then; return counts and complaints."""
    measured = iter(cpus)
    monkeypatch.setattr("study.cluster.slots.measure_capacity", lambda: Capacity(next(measured), 0.0, 1))
    complaints: list[str] = []
    minutes = itertools.count(0.0, 60.0)
    resources = Resources(cpus_per_trial=2)
    counter = SlotCounter(resources, lambda: is_over, lambda: complaints.append("!"), lambda: next(minutes))
    return [counter() for _ in cpus], len(complaints)


def test_slots_follow_the_nodes_that_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, _ = count(monkeypatch, [5, 8, 2])

    assert counts == [2, 4, 1]


def test_a_cluster_whose_first_node_is_still_to_come_strands_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    _, n_complaints = count(monkeypatch, [0, 0, 4])

    assert n_complaints == 0


def test_each_time_that_no_room_is_left_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, n_complaints = count(monkeypatch, [4, 0, 1, 0, 4, 1])

    assert n_complaints == 2


def test_nobody_is_asked_when_the_leg_is_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, n_complaints = count(monkeypatch, [4, 4], is_over=True)

    assert (counts, n_complaints) == ([0, 0], 0)
