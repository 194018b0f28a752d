"""Fixtures of the tests of `study`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from study.search.search import Search
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from tests.study.pretend.small_study import OpenStudy, make_facts


@pytest.fixture
def open_study(tmp_path: Path) -> OpenStudy:
    """Open a study's search and records; called again, it is a later leg of the same study."""

    def open_leg(spec: StudySpec) -> tuple[Search, Ledger]:
        path = tmp_path / "records.db"
        if path.exists():
            ledger = Ledger.open(path)
        else:
            ledger = Ledger.create(path, make_facts(spec), np.array([0, 1, 0, 1]))
        return Search(spec, ledger), ledger

    return open_leg
