from __future__ import annotations

import pytest

from analysis.words.numbers import (
    MINUS,
    NONE,
    byte_size,
    count,
    count_of,
    duration,
    listing,
    number,
    numbers,
    percent,
    points,
    rough_duration,
    whole,
    with_margin,
    with_sign,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(0.8736), "87.4%"),
        (percent(NAN), NONE),
        (points(0.0123), "1.2 points"),
        (points(0.01), "1.0 point"),
        (points(-0.01, signed=True), f"{MINUS}1.0 point"),
        (points(NAN), NONE),
        (points(-0.0001, signed=True), "0.0 points"),
        (points(0.0001, signed=True), "0.0 points"),
        (points(-0.0001), "0.0 points"),
        (with_sign(-0.01), "0.0"),
        (with_sign(-1.24), f"{MINUS}1.2"),
        (with_sign(1.26), "+1.3"),
        (with_margin(0.8736, 0.0134), "87.4% \u00b1 1.3"),
        (with_margin(0.9633, 0.188), "96.3% (77.5 to 100)"),
        (with_margin(0.02, 0.031), "2.0% (0 to 5.1)"),
        (with_margin(0.8736, NAN), "87.4%"),
        (number(-1.25, 1), f"{MINUS}1.3"),  # halves away from zero
        (number(2.25, 1), "2.3"),
        (percent(0.145, 0), "15%"),
        (percent(0.1449, 0), "14%"),
        (number(-0.04, 1), "0.0"),
        (number(1234.5), "1,234.50"),
        (number(NAN), NONE),
        (whole(2117761), "2,117,761"),
        (count(1, "trial"), "1 trial"),
        (count(2000, "class", "classes"), "2,000 classes"),
        (count_of(1, 4, "text"), "1 of 4 texts is"),
        (count_of(1, 1, "text"), "1 of 1 text is"),
        (count_of(2, 4, "text", ("holds", "hold")), "2 of 4 texts hold"),
        (duration(0.0), "0.0 s"),
        (duration(0.0342), "0.034 s"),
        (duration(0.4), "0.40 s"),
        (duration(1.24), "1.2 s"),
        (duration(59.7), "1 min"),
        (duration(200), "3 min 20 s"),
        (duration(7500), "2 h 5 min"),
        (duration(NAN), NONE),
        (listing([]), ""),
        (listing(["a"]), "a"),
        (listing(["a", "b", "c"]), "a, b and c"),
        (listing(list("abcd"), 2), "a, b and 2 more"),
        (
            listing(["GRU, 1,600 texts", "GRU, 800 texts", "LSTM"]),
            "GRU, 1,600 texts; GRU, 800 texts; and LSTM",
        ),
        (listing(["1,600", "3,200"]), "1,600 and 3,200"),
    ],
)
def test_figures_are_worded_the_same_way_everywhere(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (7.4, "7 s"),
        (44.0, "40 s"),
        (100.0, "1.7 min"),
        (700.0, "12 min"),
        (7200.0, "2.0 h"),
        (72000.0, "20 h"),
        (2e5, "2.3 days"),
    ],
)
def test_estimated_durations_are_said_in_their_own_unit(seconds: float, said: str) -> None:
    assert rough_duration(seconds) == said


@pytest.mark.parametrize(
    ("n_bytes", "said", "at_most"),
    [
        (1, "0.0 MB", "0.1 MB"),
        (9_940_000, "9.9 MB", "10.0 MB"),
        (12_100_000, "12 MB", "13 MB"),
        (3.21e9, "3.2 GB", "3.3 GB"),
    ],
)
def test_sizes_are_rounded_and_limits_rounded_up(n_bytes: float, said: str, at_most: str) -> None:
    assert (byte_size(n_bytes), byte_size(n_bytes, round_up=True)) == (said, at_most)


def test_a_column_of_whole_figures_has_no_digits_after_the_point() -> None:
    assert numbers([8.0, NAN, 12.0], 1) == ["8", NONE, "12"]
    assert numbers([8.0, 7.5], 1) == ["8.0", "7.5"]
