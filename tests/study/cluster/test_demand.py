from __future__ import annotations

from typing import Any

import pytest

from study.cluster.demand import Demand, demand_room
from study.spec.schema import Resources


class Autoscaler:
    def __init__(self) -> None:
        self.asked: list[list[dict[str, float]]] = []

    def request(self, *, bundles: list[dict[str, float]]) -> None:
        self.asked.append(bundles)


@pytest.mark.parametrize(
    ("resources", "bundle", "sizes"),
    [
        (Resources(), {"CPU": 1.0}, [40, 39, 3, 0]),
        (Resources(cpus_per_trial=2, gpus_per_trial=0.5, max_workers=8), {"CPU": 2.0, "GPU": 0.5}, [8, 3, 0]),
    ],
)
def test_room_is_asked_for_all_that_is_left_and_for_less_as_it_ends(
    resources: Resources, bundle: dict[str, float], sizes: list[int]
) -> None:
    autoscaler = Autoscaler()
    demand = Demand(resources, autoscaler.request)

    for n_left in (40, 40, 39, 3, 0, -1):
        demand.ask(n_left)

    assert [len(bundles) for bundles in autoscaler.asked] == sizes
    assert all(asked == bundle for bundles in autoscaler.asked for asked in bundles)


def test_all_is_taken_back_at_the_end_however_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    autoscaler = Autoscaler()
    monkeypatch.setattr("ray.autoscaler.sdk.request_resources", autoscaler.request)

    with pytest.raises(KeyboardInterrupt), demand_room(Resources(), is_local=False) as ask:
        ask(2)
        raise KeyboardInterrupt

    assert [len(bundles) for bundles in autoscaler.asked] == [2, 0]


def test_a_cluster_that_does_not_take_a_request_ends_nothing() -> None:
    refused = []

    def refuse(**asked: Any) -> None:
        refused.append(len(asked["bundles"]))
        raise ConnectionError("gone")

    Demand(Resources(), refuse).ask(3)

    assert refused == [3]


def test_this_machine_alone_is_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    autoscaler = Autoscaler()
    monkeypatch.setattr("ray.autoscaler.sdk.request_resources", autoscaler.request)

    with demand_room(Resources(), is_local=True) as ask:
        ask(9)

    assert autoscaler.asked == []
