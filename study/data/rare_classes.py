"""Classes with too few rows to be learnt and judged: named, left out or put together, as was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from study.data.messages import quoted
from study.data.rows import Reading, Rows
from study.data.spec import DataSpec
from study.errors import DataError

MERGED = "other"
"""The class that rare ones are put together in."""

_SHOWN = 8


def settle_rare_classes(rows: Rows, spec: DataSpec) -> Rows:
    """Do with rare classes what a spec says.

    A class is rare if it has fewer rows than `rare_classes.below`, unless all have; or if a training or
    validation split that the source brings has none of it.

    Raises:
        DataError: If there are any and they are to be an error, or nothing is left without them.
    """
    counts = Counter(rows.labels)
    rare = _find_rare(rows, counts, spec.rare_classes.below)
    if not rare:
        return rows
    if spec.rare_classes.do == "error":
        raise _too_rare(rows, rare, counts, spec)
    if spec.rare_classes.do == "merge":
        merged = _name_apart(set(counts) - rare)
        note = f"{_count_rare(rare)} one class, {merged!r}: {_say_counts(rare, counts)}"
        labels = [merged if label in rare else label for label in rows.labels]
        settled = replace(rows, labels=labels, reading=_noted(rows.reading, note, 0))
        still = _find_rare(settled, Counter(labels), spec.rare_classes.below)
        if merged in still:
            raise DataError(
                f"rare classes must be enough together to be one class: {_say_counts(rare, counts)}; drop "
                "them with data.rare_classes.do=drop, or lower data.rare_classes.below"
            )
        return settled
    kept = [row for row, label in enumerate(rows.labels) if label not in rare]
    note = f"{_count_rare(rare)} left out: {_say_counts(rare, counts)}"
    return replace(
        rows,
        texts=[rows.texts[row] for row in kept],
        labels=[rows.labels[row] for row in kept],
        splits=None if rows.splits is None else [rows.splits[row] for row in kept],
        places=[row if rows.places is None else rows.places[row] for row in kept],
        reading=_noted(rows.reading, note, len(rows.labels) - len(kept)),
    )


def _count_rare(rare: Collection[str]) -> str:
    return "1 rare class is" if len(rare) == 1 else f"{len(rare)} rare classes are"


def _find_rare(rows: Rows, counts: Counter[str], below: int) -> set[str]:
    few = {label for label, n_rows in counts.items() if n_rows < below}
    if len(few) == len(counts):  # all of the data are few, and none of them is rare among the others
        few = set()
    if rows.splits is not None and "train" in rows.splits:
        pairs = Counter(zip(rows.splits, rows.labels, strict=True))
        is_cut = "validation" not in rows.splits  # from the training rows, so two are needed
        few |= {label for label in counts if pairs["train", label] < 1 + is_cut}
        few |= {label for label in counts if not is_cut and not pairs["validation", label]}
    return few if len(few) < len(counts) else set()


def _name_apart(others: set[str]) -> str:
    name = MERGED
    while name in others:
        name += "_"
    return name


def _noted(reading: Reading | None, note: str, n_dropped: int) -> Reading | None:
    if reading is None:
        return None
    left_out = dict(reading.left_out) | ({"rare class": n_dropped} if n_dropped else {})
    return replace(reading, left_out=left_out, notes=[*reading.notes, note])


def _say_counts(rare: set[str], counts: Counter[str]) -> str:
    names = sorted(rare, key=lambda label: (counts[label], label))
    shown = ", ".join(f"{quoted(name)} ({counts[name]})" for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _too_rare(rows: Rows, rare: set[str], counts: Counter[str], spec: DataSpec) -> DataError:
    below = spec.rare_classes.below
    few: Sequence[str] = sorted(label for label in rare if counts[label] < below)
    rule = f"a class needs {below} texts" if few else "a class needs texts in training and in validation"
    where = "" if few else " have none in one of these"
    return DataError(
        f"{rule}: {_say_counts(rare, counts)}{where}; leave them out with --rare-classes drop, make them one "
        "class with --rare-classes merge, or, if fewer texts are enough, lower "
        f"--set data.rare_classes.below={below}"
    )
