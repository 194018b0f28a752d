from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest

pytest.importorskip("ray")

from study.cli.doctor.machine import _examine_ray, _examine_token
from study.cluster import private_apis, session
from study.cluster.private_apis import PRIVATE_APIS, PrivateApi, check_release, missing_apis
from study.cluster.start_guard import Guard
from study.errors import EnvironmentFaultError


def api(owner: str, name: str, **rest: Any) -> PrivateApi:
    return PrivateApi(owner=owner, name=name, without="it is slower", **rest)


def claim(monkeypatch: pytest.MonkeyPatch, release: str) -> None:
    """Say that another release of Ray's is installed."""
    monkeypatch.setattr(private_apis, "installed_version", lambda package: release)
    monkeypatch.setattr("study.cli.doctor.machine.installed_version", lambda package: release)


def test_the_ray_that_is_installed_has_all_that_is_reached_for() -> None:
    assert list(missing_apis()) == []
    assert len({(asked.owner, asked.name) for asked in PRIVATE_APIS}) == len(PRIVATE_APIS)


@pytest.mark.parametrize(
    "asked",
    [
        api("json.nowhere", "loads"),
        api("json:Nobody", "encode"),
        api("json", "nothing"),
        api("json:JSONEncoder", "encode", takes=("self", "o", "more")),
        api("json:JSONEncoder", "encode", takes=("self",)),
        api("json:JSONEncoder", "__init__", holds=("skipkeys", "nothing")),
        api("json.decoder", "NaN", takes=()),
    ],
    ids=lambda asked: f"{asked.owner}.{asked.name}",
)
def test_what_is_not_there_or_called_otherwise_is_done_without(asked: PrivateApi) -> None:
    assert asked.home is None


@pytest.mark.parametrize(
    "asked",
    [
        api("json", "loads"),
        api("json:JSONEncoder", "encode", takes=("self", "o")),
        api("json:JSONEncoder", "__init__", holds=("skipkeys",)),
    ],
    ids=lambda asked: asked.name,
)
def test_what_is_there_as_expected_is_found_at_home(asked: PrivateApi) -> None:
    import json

    assert asked.home is (json if ":" not in asked.owner else json.JSONEncoder)


def test_a_session_starts_without_anything_that_is_reached_for(
    monkeypatch: pytest.MonkeyPatch, guard: Guard
) -> None:
    from study.cluster.ray_patches import lean_tune, local_start, read_environment, signals_kept

    monkeypatch.setattr(PrivateApi, "home", None)

    read_environment()
    with signals_kept(), local_start(guard, on_loopback=True), lean_tune():
        missing = [without for _, without in missing_apis()]

    assert len(missing) == len(PRIVATE_APIS)


@pytest.mark.parametrize("release", ["2.49.2", "1.13.0", "2.51.0rc1"])
def test_a_ray_that_has_no_token_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, release: str
) -> None:
    claim(monkeypatch, release)

    with pytest.raises(EnvironmentFaultError, match=rf"Ray 2\.52 or newer.*{release} is installed"):
        check_release()
    (finding,) = _examine_ray()
    assert finding.is_wrong
    assert list(_examine_token()) == []


@pytest.mark.parametrize("release", ["2.52.0", "2.60.0", "3.0.0"])
def test_a_ray_that_has_a_token_is_taken(monkeypatch: pytest.MonkeyPatch, release: str) -> None:
    claim(monkeypatch, release)

    check_release()

    assert not any(finding.is_wrong for finding in _examine_ray())


def test_the_doctor_says_once_what_another_ray_does_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    claim(monkeypatch, "2.60.0")
    monkeypatch.setattr(private_apis, "PRIVATE_APIS", (api("json", "loads"), api("json", "nothing")))

    (finding,) = _examine_ray()

    assert (finding.verdict, finding.text) == (
        "note",
        "2.60.0 has no json.nothing as a study expects it: it is slower",
    )


def test_a_newer_ray_than_was_tried_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    claim(monkeypatch, "2.99.0")

    (finding,) = _examine_ray()

    assert finding.verdict == "note"
    assert "2.99.0 is newer than 2.60" in finding.text


def test_a_mismatch_of_versions_names_both() -> None:
    said = (
        "Version mismatch: The cluster was started with:\n    Ray: 2.59.0\n    Python: 3.11.7\n"
        "This process on node 10.0.0.1 was started with:\n    Ray: 2.60.0\n    Python: 3.11.7\n"
    )

    told = session._explain(RuntimeError(said))

    assert "\n" not in told
    assert told.index("Ray: 2.59.0") < told.index("Ray: 2.60.0")


def test_what_else_ray_says_is_cut_to_its_first_line() -> None:
    assert session._explain(Exception("\nno head\nat all")) == "no head"
    assert session._explain(Exception()) == "Exception"


def test_the_release_that_is_installed_is_in_the_range_that_is_promised() -> None:
    assert private_apis.release_of(version("ray")) >= private_apis.OLDEST_RAY
