"""How a leg is followed from Python: on one line, if nobody else listens, and ended as the signal asked."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from study.running.listener import Listener
from study.running.progress_line import ProgressLine, find_line
from study.running.result import StudyResult

if TYPE_CHECKING:
    from study.spec.schema import StudySpec


def follow(spec: StudySpec, listener: Listener | None, leg: Callable[..., StudyResult]) -> StudyResult:
    """Run a leg before the caller's listener, or the line that somebody can see.

    Args:
        spec: What the study asks.
        listener: The caller's; None where there is none.
        leg: Takes a listener by name.

    Raises:
        KeyboardInterrupt: After a SIGINT that ended the leg in order: the caller would go on as if all was
            done.
        SystemExit: The same after SIGTERM.
    """
    line = find_line() if listener is None else None
    if line is None:
        result = leg(listener=listener or Listener())
    else:
        progress = ProgressLine(spec, line)
        try:
            result = leg(listener=progress)
        except BaseException as error:
            progress.end(f"ended by {type(error).__name__}")
            raise
        progress.end(_say_end(result))
    if result.stop_signal == signal.SIGINT:
        raise KeyboardInterrupt(f"{result.path}: {_say_end(result)}")
    if result.stop_signal is not None:
        raise SystemExit(128 + result.stop_signal)
    return result


def _say_end(result: StudyResult) -> str:
    if result.interruption is not None:
        return f"stopped ({result.interruption}); what ended is recorded, and study.resume goes on"
    return f"done; report: {result.report}"
