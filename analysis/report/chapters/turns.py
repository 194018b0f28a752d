"""Where an early comparison and the final one contradict each other."""

from __future__ import annotations

from typing import Any

from analysis.records.files import as_records
from analysis.statistics.evidence import Evidence
from analysis.words.labels import label_level, label_value
from analysis.words.numbers import count, listing


def read_turns(evidence: Evidence) -> str:
    """Where the side that is ahead early is behind among the runs that went to their end; mostly nothing."""
    early = {(row["factor"], row["a"], row["b"]): row for row in as_records(evidence.early_level_verdicts)}
    phrases = []
    for row in as_records(evidence.level_verdicts):
        other = early.get((row["factor"], row["b"], row["a"]))
        is_known = other is not None and row["effect_pp"] > 0 and other["effect_pp"] > 0
        if other is None or not is_known or not (_is_clear(row) or _is_clear(other)):
            continue
        factor = row["factor"]
        phrases.append(
            f"{label_level(factor, other['a'])} is ahead of {label_value(factor, other['b'])} by "
            f"{other['effect_pp']:.1f} points, and behind by {row['effect_pp']:.1f} among those"
        )
    if not phrases:
        return ""
    epochs = count(evidence.equal_epochs or 0, "epoch")
    return (
        f" After {epochs} and among the runs that went to their end not the same is ahead: "
        f"{listing(phrases, 3)}."
    )


def _is_clear(row: dict[str, Any]) -> bool:
    return bool(row["answer"] == "better" or row["effect_low_pp"] > 0)
