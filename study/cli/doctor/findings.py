"""What was looked at, and what of it may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `good`, `note` if it may be meant so, `wrong` if it stops a study."""

    topic: str
    verdict: Literal["good", "note", "wrong"]
    text: str

    @property
    def is_wrong(self) -> bool:
        """Whether a study would fail of it."""
        return self.verdict == "wrong"


def print_findings(console: Console, findings: list[Finding]) -> None:
    """Print one line for each."""
    from rich.markup import escape

    styles = {"good": "green", "note": "yellow", "wrong": "red"}
    for finding in findings:
        style = styles[finding.verdict]
        console.print(
            f"[{style}]{finding.verdict:<5}[/] {escape(finding.topic)}: {escape(finding.text)}",
            soft_wrap=True,
        )
