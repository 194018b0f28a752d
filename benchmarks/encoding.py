"""How long it takes to load, encode and view texts: `python benchmarks/encoding.py [SOURCE]`.

The bars hold for the 50,000 IMDB reviews on two cores. What a cache or a compiler spares later is measured
once; all else is the best of a few runs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from study.data import DataSpec, EncodedCorpus, Splits, encode, load_corpus
from study.data.sources.docstrings import read_docstrings

ENCODE_BAR_S = 8.0
VIEW_BAR_S = 0.05
VOCAB_SIZE = 15_000
LENGTHS = (50, 150, 400)


def best_of(n_runs: int, run: Callable[[], object]) -> float:
    """Seconds of the fastest run."""
    durations_s = []
    for _ in range(n_runs):
        started_s = time.perf_counter()
        run()
        durations_s.append(time.perf_counter() - started_s)
    return min(durations_s)


def show(what: str, duration_s: float, bar_s: float | None = None) -> None:
    """Print one line, with the bar and whether it is met."""
    verdict = "" if bar_s is None else f"   bar {bar_s:g} s: {'met' if duration_s <= bar_s else 'MISSED'}"
    print(f"{what:<58}{duration_s:>9.4f} s{verdict}")


def measure_docstrings(folder: Path) -> None:
    """Reading the installed libraries, and their texts from the cache."""
    show("docstrings, first", best_of(1, lambda: read_docstrings(folder)), 15.0)
    show("docstrings, from the cache", best_of(3, lambda: read_docstrings(folder)), 1.0)


def measure_source(source: str, folder: Path) -> None:
    """Loading, encoding and viewing one source."""
    spec = DataSpec(source=source)
    load_s = best_of(1, lambda: load_corpus(spec))
    show(f"load {spec.source_name}", load_s)
    corpus = load_corpus(spec)
    encode_s = best_of(1, lambda: encode(corpus, spec, folder))
    show(f"encode {len(corpus.texts):,} texts and cache them", encode_s)
    show("both together", load_s + encode_s, ENCODE_BAR_S)
    show("map them from the cache", best_of(5, lambda: encode(corpus, spec, folder)))
    measure_views(encode(corpus, spec, folder))


def measure_views(encoded: EncodedCorpus) -> None:
    """Views of the training split, and of all texts as one split."""
    whole = np.arange(len(encoded.labels))
    everything = replace(encoded, splits=Splits(whole, whole[:0], whole[:0]))
    show("first view, which loads numba", best_of(1, lambda: encoded.view("train", 5_000, 10)))
    for corpus in (encoded, everything):
        for length in LENGTHS:
            view_s = best_of(7, partial(corpus.view, "train", VOCAB_SIZE, length))
            n_texts = len(corpus.splits.train)
            show(f"view {n_texts:,} x {length} of a vocabulary of {VOCAB_SIZE:,}", view_s, VIEW_BAR_S)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        measure_docstrings(Path(name))
        measure_source(sys.argv[1] if len(sys.argv) > 1 else "docstrings", Path(name))
