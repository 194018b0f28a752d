from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from study.designs import Stratum
from study.errors import IntegrityError
from study.search.storage import StoredStratum, Suggestion, open_database, open_strata
from tests.study.pretend.small_study import make_spec

SPEC = make_spec(design={"kind": "search", "trials": 5, "scheduler": "none"})
SETTING = {"cell": "gru", "bidirectional": True}


@pytest.fixture
def stratum(tmp_path: Path) -> Iterator[StoredStratum]:
    database = open_database(tmp_path / "optuna.db")
    yield open_strata(SPEC, database, [Stratum({}, SPEC.space)])[0]
    database.engine.dispose()


def only(stratum: StoredStratum) -> Suggestion:
    (suggestion,) = stratum.recall()
    return suggestion


def test_a_setting_that_is_given_is_open_and_whole_until_it_is_told(stratum: StoredStratum) -> None:
    kept = stratum.keep(SETTING, stands_for=(4, 2))

    recalled = only(stratum)
    assert (recalled.number, recalled.is_open, recalled.stands_for) == (kept.number, True, (4, 2))
    assert recalled.complete() == SPEC.space.fix(SETTING).sample(np.random.default_rng(0))

    kept.tell_failed()

    assert not only(stratum).is_open
    assert stratum.n_asked == 1


def test_what_is_closed_is_amended_where_that_is_news_and_by_later_legs_too(stratum: StoredStratum) -> None:
    stratum.keep(SETTING).tell_completed([0.7], 3)

    for _ in range(2):
        only(stratum).tell_failed()
        only(stratum).tell_completed([0.6], 3)
        only(stratum).tell_completed([0.8], 9)

    assert [(t.number, t.values) for t in stratum.study.trials] == [(0, [0.7]), (1, [0.8])]


def test_fillers_and_settings_that_wait_are_no_suggestions(stratum: StoredStratum) -> None:
    stratum.fill()
    stratum.enqueue(SETTING)
    stratum.enqueue(SETTING)

    assert (stratum.recall(), stratum.n_asked, stratum.next_number) == ([], 0, 2)
    suggestion, params = stratum.ask()
    assert (suggestion.number, params["cell"], params["bidirectional"]) == (1, "gru", True)


def test_a_search_that_another_release_of_optuna_stored_is_refused(
    stratum: StoredStratum, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9.9.9.a'")

    with pytest.raises(
        IntegrityError, match=r"optuna\.db: The runtime optuna version .* no longer compatible"
    ):
        open_database(tmp_path / "optuna.db")
