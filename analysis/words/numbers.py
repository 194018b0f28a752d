"""Numbers and lists in sentences, the same way everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

NONE = "\u2013"
"""What stands where there is no value: a dash."""

MINUS = "\u2212"
"""The sign of numbers, wider than a hyphen."""

_HUGE, _HAIR = 1e12, 1e-12
"""What has no digits behind the point, and what calculations err by."""

_MOMENT_S = 1e-4
"""Less than this is no time that anybody compares."""


def percent(share: float, digits: int = 1) -> str:
    """A share in percent: 0.8736 is `87.4%`."""
    return NONE if math.isnan(share) else f"{_signed(100 * share, digits)}%"


def _round(value: float, digits: int) -> float:
    """Halves away from zero, as readers round: what they see as 1.25 is 1.3, and 2.5 of 100 is 3%."""
    if not math.isfinite(value) or abs(value) >= _HUGE:
        return value
    # A share times 100 is a hair below its half: 100 * 0.145 is 14.499999999999998.
    scaled = abs(value) * 10**digits
    return math.copysign(math.floor(scaled * (1 + _HAIR) + 0.5) / 10**digits, value)


def _signed(value: float, digits: int) -> str:
    """A number with a real minus, and none before a zero."""
    text = f"{_round(value, digits):,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text.replace("-", MINUS)


def with_sign(value: float, digits: int = 1) -> str:
    """A number with its sign, also a plus, and none before a zero."""
    text = f"{_round(value, digits):+.{digits}f}"
    return text.lstrip("+-") if not text.strip("+-0.") else text.replace("-", MINUS)


def points(difference: float, *, signed: bool = False) -> str:
    """A difference of shares in percentage points: 0.0123 is `1.2 points`."""
    if math.isnan(difference):
        return NONE
    number = with_sign(100 * difference) if signed else _signed(100 * difference, 1)
    return f"{number} {'point' if number.strip('+' + MINUS) == '1.0' else 'points'}"


def with_margin(share: float, half_width: float) -> str:
    """A share with its margin: `87.4% ± 0.4`.

    Where that would pass 0 or 100%, with the ends of its interval: `96.3% (77.5 to 100)`. Without a
    margin where none is known.
    """
    if math.isnan(half_width) or math.isnan(share):
        return percent(share)
    low, high = share - half_width, share + half_width
    if low < 0 or high > 1:
        ends = (f"{_round(100 * end, 1):.1f}".removesuffix(".0") for end in (max(low, 0.0), min(high, 1.0)))
        return f"{percent(share)} ({' to '.join(ends)})"
    return f"{percent(share)} ± {_round(100 * half_width, 1):.1f}"


def number(value: float, digits: int = 2) -> str:
    """A plain number, a dash where there is none."""
    return NONE if value is None or math.isnan(value) else _signed(value, digits)


def whole(value: float) -> str:
    """A count: `2,117,761`."""
    return NONE if value is None or math.isnan(value) else f"{round(value):,}"


def count(n: int, noun: str, nouns: str | None = None) -> str:
    """A count with its noun: `1 trial`, `2 trials`."""
    return f"{n:,} {noun if n == 1 else nouns or noun + 's'}"


def count_of(n: int, n_all: int, noun: str, verbs: tuple[str, str] = ("is", "are")) -> str:
    """Some of all, with the verb of as many: `1 of 4 texts is`, `2 of 4 texts are`."""
    return f"{n:,} of {count(n_all, noun)} {verbs[n != 1]}"


def numbers(values: Iterable[float], digits: int) -> list[str]:
    """A column of figures, all with `digits` digits after the point; with none where all are whole."""
    known = list(values)
    is_whole = all(math.isnan(value) or float(value).is_integer() for value in known)
    return [number(value, 0 if is_whole else digits) for value in known]


def duration(seconds: float) -> str:
    """A time span as people say it: `0.034 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    if math.isnan(seconds):
        return NONE
    if 0 < seconds < 0.995:
        # Two digits, wherever they begin: epochs of tiny models take thousandths.
        return f"{seconds:#.2g} s" if seconds >= _MOMENT_S else "under 0.1 ms"
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def rough_duration(seconds: float) -> str:
    """An estimated time span, to two digits or so: `40 s`, `2.5 min`, `12 min`, `3.5 h`, `2.1 days`."""
    if seconds < 90.0:
        return f"{seconds:.0f} s" if seconds < 20.0 else f"{round(seconds, -1):.0f} s"
    if seconds < 90.0 * 60.0:
        minutes = seconds / 60.0
        return f"{minutes:.1f} min" if minutes < 4.95 else f"{minutes:.0f} min"
    hours = seconds / 3600.0
    if hours < 48.0:
        return f"{hours:.1f} h" if hours < 10.0 else f"{hours:.0f} h"
    return f"{hours / 24.0:.1f} days"


def byte_size(n_bytes: float, *, round_up: bool = False) -> str:
    """A size to two digits or so: `0.9 MB`, `45 MB`, `3.2 GB`; one that is a limit is rounded up."""
    unit, name = (1e9, "GB") if n_bytes >= 1e9 else (1e6, "MB")
    digits = 0 if n_bytes / unit >= 10 else 1
    size = math.ceil(n_bytes / unit * 10**digits) / 10**digits if round_up else n_bytes / unit
    return f"{size:.{digits}f} {name}"


def listing(items: Sequence[str], limit: int = 6) -> str:
    """Items in a sentence: `a, b and c`; what is beyond `limit` is counted.

    Items that hold commas themselves are set apart by semicolons: `a, b; and c, d`.
    """
    shown = list(items[:limit])
    if len(items) > limit:
        shown.append(f"{len(items) - limit} more")
    if len(shown) > 1 and any(", " in item for item in shown):
        return f"{'; '.join(shown[:-1])}; and {shown[-1]}"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def epoch_range(epochs: Sequence[float]) -> str:
    """Epochs as a range: `epoch 2`, `epochs 2 to 4`."""
    low, high = min(epochs), max(epochs)
    return f"epoch {low:.0f}" if low == high else f"epochs {low:.0f} to {high:.0f}"
