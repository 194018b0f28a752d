"""Hyperband's brackets: ASHA several times over, each with a later first rung. Knows no Ray."""

from __future__ import annotations

import math


def plan_brackets(grace_period: int, max_epochs: int, reduction_factor: int) -> list[int]:
    """Return the first rung of each bracket, the most impatient first; the last stops nothing early.

    Source: Li et al. (2018), JMLR 18(185), algorithm 1.
    """
    rungs = []
    rung = grace_period
    while rung < max_epochs:
        rungs.append(rung)
        rung *= reduction_factor
    return [*rungs, max_epochs]


def bracket_of(trial: int, n_brackets: int, reduction_factor: int) -> int:
    """Return the bracket of a setting, from 0, the most impatient.

    Brackets get settings in Hyperband's proportions, by the setting's number alone: its replicates are judged
    by the same rungs, whatever the order of trials. Ray's own brackets are drawn anew for each run, from
    NumPy's global state.

    Source: Li et al. (2018): n = ceil(B / (s + 1) * eta^s) settings in bracket s of B.
    """
    shares = [math.ceil(n_brackets / (s + 1) * reduction_factor**s) for s in reversed(range(n_brackets))]
    # Spread evenly over the cycle: the bracket furthest behind its share is next.
    given = [0] * n_brackets
    for number in range(trial % sum(shares) + 1):
        bracket = max(
            range(n_brackets), key=lambda b: (shares[b] * (number + 1) / sum(shares) - given[b], -b)
        )
        given[bracket] += 1
    return bracket
