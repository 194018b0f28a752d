"""A signal ends a process whatever it is doing; each test starts one that does something awkward."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.study.pretend.programs import ROOT

PROGRAM = """
import ctypes, sys, threading, time
from study.machine.signals import Interruption

def say_ready():
    print("ready", flush=True)

class Lasting:
    def __del__(self):
        say_ready()
        time.sleep(60)

interruption = Interruption()
with interruption.at_once():
{lines}
print("went on")
"""

SWALLOWED = "    Lasting()"
"""Python drops what is raised in there."""

NATIVE = "    say_ready()\n    ctypes.CDLL(None).sleep(60); ctypes.CDLL(None).sleep(60)"
"""No handler of Python's runs meanwhile; a signal ends one sleep."""

IN_ORDER = """
    with interruption.in_order():
        say_ready()
        while not interruption.is_due():
            time.sleep(0.01)
    print(interruption.reason)
"""

BUSY = """
    sys.setswitchinterval(10.0)  # no other thread hears of the signal while this one computes
    with interruption.in_order():
        say_ready()
        while not interruption.is_due():
            pass
    print(interruption.reason)
"""

DEAF = """
    with interruption.in_order():
        say_ready()
        while True:
            time.sleep(0.01)
"""


ENDING = """
import sys, time
from study.machine.signals import ignore_signals

class Late:
    def __del__(self, say=print, sleep=time.sleep):
        say("ready", flush=True)
        sleep(0.3)

late = Late()
ignore_signals()
sys.exit(143)
"""
"""Python has put the handlers of signals back when it comes to what lasted until the end."""


def run(lines: str, *signals: signal.Signals) -> tuple[int, str, float]:
    """Return the exit status of a process that gets `signals`, what it said, and how long it took to end."""
    return run_program(PROGRAM.format(lines=lines), *signals)


def run_program(program: str, *signals: signal.Signals) -> tuple[int, str, float]:
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for number in signals:
        process.send_signal(number)
        sent_s = time.monotonic()
        time.sleep(0.1)
    said, _ = process.communicate(timeout=30)
    return process.returncode, said, time.monotonic() - sent_s


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("lines", [SWALLOWED, NATIVE])
def test_a_signal_ends_a_process_that_could_not_handle_it(number: signal.Signals, lines: str) -> None:
    status, said, ended_s = run(lines, number)

    assert (status, said) == (128 + number, "")
    assert ended_s < 2.0


def test_the_first_signal_lets_a_leg_end_in_order() -> None:
    status, said, _ = run(IN_ORDER, signal.SIGTERM)

    assert (status, said) == (0, "signal SIGTERM\nwent on\n")


def test_a_leg_that_ends_before_another_thread_hears_of_the_signal_has_ended_in_order() -> None:
    status, said, _ = run(BUSY, signal.SIGTERM)

    assert (status, said) == (0, "signal SIGTERM\nwent on\n")


def test_what_fails_by_a_signal_is_no_error() -> None:
    status, said, _ = run(
        IN_ORDER.rstrip().removesuffix("print(interruption.reason)") + "    1 / 0", signal.SIGTERM
    )

    assert (status, said) == (0, "went on\n")


def test_the_second_signal_ends_a_leg_that_does_not_end() -> None:
    status, said, ended_s = run(DEAF, signal.SIGTERM, signal.SIGINT)

    assert (status, said) == (130, "")
    assert ended_s < 2.0


def test_whoever_signals_again_while_python_ends_changes_nothing() -> None:
    status, said, _ = run_program(ENDING, signal.SIGINT, signal.SIGTERM)

    assert (status, said) == (143, "")


@pytest.mark.slow
def test_one_signal_ends_a_leg_that_does_not_end_in_five_seconds() -> None:
    status, said, ended_s = run(DEAF, signal.SIGTERM)

    assert (status, said) == (143, "")
    assert 2.5 < ended_s < 5.0
