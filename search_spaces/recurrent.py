"""The standard space of recurrent text classifiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from search_spaces.domains import Choice, Domain, Fixed, Integer, Real, Scalar
from search_spaces.domains.codec import DomainLike, as_domain
from search_spaces.errors import SpaceError, hint_name, shorten
from search_spaces.space import Space

CELLS = ("rnn", "lstm", "gru")
"""What a seed draws depends on their order."""

RECURRENT_DOMAINS: Mapping[str, Domain] = MappingProxyType(
    {
        "cell": Choice(CELLS),
        "bidirectional": Choice([False, True]),
        "units": Integer(8, 128, log=True),
        "layers": Integer(1, 3),
        "vocab_size": Choice([1_000, 2_000, 5_000, 10_000, 15_000, 20_000], ordered=True),
        "sequence_length": Choice([50, 100, 150, 200, 300, 400], ordered=True),
        "embedding_dim": Choice([16, 32, 64, 128, 256], ordered=True),
        "dropout": Real(0.0, 0.5),
        "optimizer": Choice(["adam", "adamax", "nadam", "rmsprop", "sgd"]),
        "learning_rate": Real(1e-4, 1e-2, log=True),
        "batch_size": Choice([16, 32, 64, 128, 256], ordered=True),
    }
)
"""A sensible range for each parameter.

Vocabularies and lengths are few on purpose: each pair is one encoded view of the corpus, cached and shared.
"""

RECURRENT_DEFAULTS: Mapping[str, Scalar] = MappingProxyType(
    {
        "embedding_dim": 128,
        "dropout": 0.0,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "batch_size": 64,
    }
)
"""The parameters that stay fixed unless they are freed."""


def recurrent_space(*, free: Iterable[str] = (), **overrides: DomainLike) -> Space:
    """The space of recurrent classifiers: cell, direction, units, layers, vocabulary and length are searched.

    Args:
        free: Parameters of `RECURRENT_DEFAULTS` to search too, over their range in `RECURRENT_DOMAINS`.
        overrides: Another domain for a parameter, as an object or in compact notation, `units=[32, 64]` say.

    Raises:
        SpaceError: If a parameter is unknown, or a domain is bad.
    """
    if not isinstance(free, Iterable):
        raise SpaceError(f"free is a list of parameters, not {free!r}: write e.g. ['dropout'].")
    freed = [free] if isinstance(free, str) else list(free)
    for name in (*freed, *overrides):
        if name not in RECURRENT_DOMAINS:
            raise SpaceError(
                f"{shorten(name)} is no recurrent parameter: {hint_name(str(name), RECURRENT_DOMAINS)}"
            )
    domains = dict(RECURRENT_DOMAINS)
    domains.update({name: Fixed(value) for name, value in RECURRENT_DEFAULTS.items() if name not in freed})
    domains.update({name: as_domain(value, name) for name, value in overrides.items()})
    return Space(domains)
