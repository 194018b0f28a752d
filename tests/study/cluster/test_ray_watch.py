from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from study.cluster.ray_watch import HeadWatch, answers, await_end


@dataclass
class FakeHead:
    """A head, and the clock that its watch looks at."""

    is_silent: bool = False
    now_s: float = 0.0

    def answers(self) -> bool:
        return not self.is_silent

    def clock(self) -> float:
        return self.now_s


def test_a_head_that_is_silent_for_too_long_is_lost() -> None:
    head = FakeHead()
    watch = HeadWatch(head.answers, patience_s=45.0, clock=head.clock)
    assert not watch.is_lost()
    head.is_silent = True

    lost_at = []
    for head.now_s in range(100, 160, 5):
        if watch.is_lost():
            lost_at.append(head.now_s)

    assert lost_at[0] == 145


def test_a_head_that_answers_again_in_time_is_not_lost() -> None:
    head = FakeHead()
    watch = HeadWatch(head.answers, patience_s=45.0, clock=head.clock)

    for head.now_s in range(0, 300, 5):
        head.is_silent = head.now_s % 45 != 0

        assert not watch.is_lost()


def test_a_process_that_was_stopped_itself_asks_before_it_judges() -> None:
    head = FakeHead()
    watch = HeadWatch(head.answers, patience_s=45.0, clock=head.clock)
    assert not watch.is_lost()

    head.now_s, head.is_silent = 1000.0, True

    assert not watch.is_lost()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def address_of(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_greets_answers(listener: socket.socket) -> None:
    heard = []

    def greet() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(100))
            connection.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))

    thread = threading.Thread(target=greet)
    thread.start()

    assert answers(address_of(listener))
    thread.join()
    assert heard[0].startswith(b"PRI * HTTP/2.0\r\n")


def test_a_process_that_hangs_does_not_answer_although_its_kernel_does(listener: socket.socket) -> None:
    assert not answers(address_of(listener), timeout_s=0.1)


def test_where_ray_uses_tls_a_connection_must_do(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_USE_TLS", "1")

    assert answers(address_of(listener), timeout_s=0.1)


def test_nobody_answers_at_a_closed_port(listener: socket.socket) -> None:
    address = address_of(listener)
    listener.close()

    assert not answers(address, timeout_s=0.1)


def test_a_process_that_ends_is_noticed_by_its_socket_and_one_that_only_hangs_up_has_not(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "raylet")
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        watch = threading.Thread(target=lambda: (await_end(path), ended.set()))
        watch.start()
        server.accept()[0].close()
        connection, _ = server.accept()  # it asks again

        assert not ended.is_set()
    connection.close()
    watch.join(timeout=5.0)

    assert ended.is_set()
