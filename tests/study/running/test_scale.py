"""What a leg reads of the search's storage does not grow with the square of its trials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.study.pretend.small_study import OpenStudy, make_spec, train

RATES = {"cell": ["gru"], "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Every statement that Optuna sends to its storage."""
    sent: list[str] = []

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    yield sent
    event.remove(Engine, "before_cursor_execute", listen)


def test_a_leg_begins_with_as_many_statements_after_many_trials_as_after_few(
    open_study: OpenStudy, statements: list[str]
) -> None:
    spec = make_spec(space=RATES, design={"kind": "random", "trials": 20})
    counts = []
    for n_trials in (2, 6):
        search, ledger = open_study(spec)
        for _ in range(n_trials):
            assignment = search.next()
            assert assignment is not None
            train(search, ledger, assignment, max_epochs=1)
        ledger.close()
        statements.clear()
        _, ledger = open_study(spec)
        ledger.close()
        counts.append(len(statements))

    assert counts[0] == counts[1]
