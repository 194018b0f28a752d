"""Who hears how a leg goes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.errors import EnvironmentFaultError
    from study.forecast.time_left import Backlog
    from study.machine.capacity import Capacity
    from study.trial import Assignment, Report

logger = logging.getLogger(__name__)


class Listener:
    """Hears nothing; a subclass hears what it wants to: the command line prints, a notebook may not care."""

    def on_stage(self, text: str) -> None:
        """Hear what is being done before and after the trials."""

    def on_design(self, sentences: Sequence[str]) -> None:
        """Hear, before anything runs, how much will be trained, and what that can and cannot answer."""

    def on_warning(self, text: str) -> None:
        """Hear what a user should know, though the study goes on."""

    def on_plan(self, backlog: Backlog, capacity: Capacity) -> None:
        """Hear what will be trained on what."""

    def on_start(self, assignment: Assignment) -> None:
        """Hear that a worker took a run, perhaps not for the first time."""

    def on_report(self, assignment: Assignment, report: Report, state: str) -> None:
        """Hear of one epoch, or of a trial's end."""

    def on_lost(self, error: EnvironmentFaultError) -> None:
        """Hear, on another thread, why the process ends the moment this returns."""
        logger.critical("%s", error)
