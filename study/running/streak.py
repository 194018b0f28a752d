"""Runs that fail one after the other for the same reason, which then lies in none of their settings."""

from __future__ import annotations

N_ALIKE = 10
"""This many end a leg: a module that is missing on the workers fails every run, and each costs its start."""


class FailureStreak:
    """Counts the runs that failed alike since the last that did not."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._length = 0

    def note(self, state: str, reason: str | None) -> None:
        """Note how a run ended."""
        if state != "failed" or reason is None:
            self._reason, self._length = None, 0
        elif reason == self._reason:
            self._length += 1
        else:
            self._reason, self._length = reason, 1

    @property
    def verdict(self) -> str | None:
        """Why the leg should end, None while it should not."""
        if self._length < N_ALIKE:
            return None
        return f"the last {N_ALIKE} runs failed alike ({self._reason}); `study retry` trains them again"
