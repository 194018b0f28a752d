from __future__ import annotations

import pytest

from analysis.words.literature import concerns


@pytest.mark.parametrize(
    ("source", "n_classes", "n_texts", "is_imdb"),
    [
        ("imdb.parquet", 2, 50_000, True),
        ("my IMDB 5k.csv", 2, 5_000, True),
        ("imdb", 2, None, True),
        ("imdb_labelled.txt", 2, 1_000, False),  # sentences, another set
        ("imdb_genres.csv", 27, 50_000, False),
        ("reviews.csv", 2, 50_000, False),
    ],
)
def test_published_figures_are_those_of_the_reviews_alone(
    source: str, n_classes: int, n_texts: int | None, is_imdb: bool
) -> None:
    assert concerns(source, n_classes, n_texts) is is_imdb
