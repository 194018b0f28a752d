from __future__ import annotations

from ray.tune.execution import tune_controller

from study.cluster.plain_actors import plain_actors


class Trainee:
    """Stands for a trainable."""


def test_an_actor_of_tunes_has_no_environment_of_its_own() -> None:
    with plain_actors():
        actors = tune_controller._ActorClassCache()
        actor = actors.get(Trainee)
        assert actors.get(Trainee) is actor
    assert not actor._default_options.get("runtime_env")


def test_tunes_own_actors_come_back() -> None:
    original = tune_controller._ActorClassCache
    with plain_actors():
        assert tune_controller._ActorClassCache is not original
    assert tune_controller._ActorClassCache is original
