from __future__ import annotations

import logging
import os
import re
import socket
import stat
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.cluster import session
from study.cluster.session import check_address, driver_paths, ensure_token
from study.errors import EnvironmentFaultError, StudyError
from study.machine.capacity import Capacity


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the token will lie; nobody has decided anything yet."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "ray" / "auth_token"))
    return tmp_path / "ray" / "auth_token"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_token_is_made_for_its_owner_alone_whatever_the_umask(token: Path) -> None:
    previous = os.umask(0)
    try:
        ensure_token()
    finally:
        os.umask(previous)

    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert mode_of(token) == 0o600
    assert mode_of(token.parent) == 0o700
    assert len(token.read_text()) == 64
    assert [path.name for path in token.parent.iterdir()] == ["auth_token"]


def test_a_token_that_others_can_read_is_closed_and_kept(token: Path) -> None:
    token.parent.mkdir()
    token.write_text("given")
    token.chmod(0o644)

    ensure_token()

    assert mode_of(token) == 0o600
    assert token.read_text() == "given"


def test_studies_that_start_together_agree_on_one_token(token: Path) -> None:
    seen: list[str] = []

    def begin() -> None:
        ensure_token()
        seen.append(token.read_text())

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(seen)) == 1
    assert len(seen) == 8
    assert len(seen[0]) == 64


def test_whoever_decided_about_tokens_is_left_alone(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")

    ensure_token()

    assert not token.exists()
    assert os.environ["RAY_AUTH_MODE"] == "disabled"


def test_ray_client_is_refused_with_the_ways_that_work() -> None:
    with pytest.raises(
        StudyError, match=r"ray://head:10001 is reached through Ray Client; use `study submit`"
    ):
        check_address("ray://head:10001")
    for address in (None, "auto"):
        check_address(address)


@pytest.fixture
def dead_head(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address at which nobody listens; nobody waits long for it."""
    monkeypatch.setattr(session, "HEAD_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_a_head_that_does_not_answer_is_refused_before_ray_would_end_the_process(
    token: Path, dead_head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = pretend_start(monkeypatch, n_lost=0)

    for address in (dead_head, "nowhere.invalid:6379", "127.0.0.1:99999"):
        with pytest.raises(EnvironmentFaultError, match=rf"{re.escape(address)} does not within 0 s"):
            check_address(address)
        with pytest.raises(EnvironmentFaultError, match="head answers"), session.ray_session(address):
            pass

    assert not starts


def test_the_head_that_ray_would_find_for_auto_is_asked_too(
    dead_head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", dead_head)

    with pytest.raises(EnvironmentFaultError, match=dead_head):
        check_address("auto")


def test_a_head_that_is_starting_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10.0)

        def serve() -> None:
            server.accept()[0].close()  # not yet
            with server.accept()[0] as connection:
                connection.sendall(b"settings")

        head = threading.Thread(target=serve)
        head.start()
        check_address(f"127.0.0.1:{server.getsockname()[1]}")
        head.join()


def test_a_session_of_the_callers_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: True))

    for address in (None, "auto"):
        with pytest.raises(StudyError, match=r"call ray\.shutdown\(\) first"):
            check_address(address)


def test_ray_may_have_been_imported_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))

    check_address(None)


def test_workers_look_for_modules_where_the_driver_does_and_in_the_working_folder_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray.job_config  # noqa: F401  # while the path still leads to it

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "/first", "/second"])
    paths = driver_paths()._py_driver_sys_path
    paths.extend(["/added/by/ray"])
    seen: list[str] = []
    for path in paths:
        seen.insert(0, path)  # what a worker does with them
    assert seen == ["/first", "/second", str(tmp_path)]


@pytest.mark.parametrize("asked", ["error", "default,error::DeprecationWarning"])
def test_a_warning_is_no_error_in_rays_processes(
    token: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", asked)

    session._make_ready(None)

    assert "PYTHONWARNINGS" not in os.environ


def pretend_start(monkeypatch: pytest.MonkeyPatch, n_lost: int) -> list[dict[str, Any]]:
    """Let the first starts of Ray end as they do where its raylet was killed; return the starts."""
    starts: list[dict[str, Any]] = []

    def init(**options: Any) -> None:
        starts.append(options)
        if len(starts) <= n_lost:
            raise Exception("The current node timed out during startup.\nAnd more.")  # as Ray does

    monkeypatch.setattr("ray.init", init)
    for name, value in {
        "_make_ready": lambda address: {},
        "_leave_ray": lambda: None,
        "measure_capacity": lambda: Capacity(2, 0.0, 1),
    }.items():
        monkeypatch.setattr(session, name, value)
    return starts


def test_a_local_ray_that_is_lost_while_it_starts_is_started_again(
    token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = pretend_start(monkeypatch, n_lost=1)

    with session.ray_session() as capacity:
        assert capacity.cpus == 2

    assert len(starts) == 2


@pytest.mark.parametrize("n_lost", [0, 9])
def test_the_callers_process_is_given_back_as_it_was(
    token: Path, monkeypatch: pytest.MonkeyPatch, n_lost: int
) -> None:
    make_ready = session._make_ready
    starts = pretend_start(monkeypatch, n_lost)
    monkeypatch.setattr(session, "_make_ready", make_ready)
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("TUNE_GLOBAL_CHECKPOINT_S", "7")
    monkeypatch.delenv("TUNE_DISABLE_SIGINT_HANDLER", raising=False)
    before = dict(os.environ)
    levels = [logging.getLogger(name).level for name in ("ray.tune", "ray.widgets")]

    with suppress(EnvironmentFaultError), session.ray_session():
        assert os.environ["TUNE_GLOBAL_CHECKPOINT_S"] == "7"  # whoever has set it has decided
        assert os.environ["TUNE_DISABLE_SIGINT_HANDLER"] == "1"
        assert "PYTHONWARNINGS" not in os.environ
        os.environ["PYTHONBREAKPOINT"] = "ray.util.rpdb._driver_set_trace"  # as Ray does

    assert starts
    assert dict(os.environ) == before
    assert [logging.getLogger(name).level for name in ("ray.tune", "ray.widgets")] == levels


@pytest.mark.parametrize(("address", "n_starts"), [(None, 2), ("auto", 1)])
def test_a_ray_that_cannot_be_had_is_said_in_one_line(
    token: Path, monkeypatch: pytest.MonkeyPatch, address: str | None, n_starts: int
) -> None:
    starts = pretend_start(monkeypatch, n_lost=9)

    with (
        pytest.raises(EnvironmentFaultError, match=r"timed out during startup\.; check address"),
        session.ray_session(address),
    ):
        pass

    assert len(starts) == n_starts
