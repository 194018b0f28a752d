from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from study.store.database import check_database


@pytest.fixture
def torn(tmp_path: Path) -> Path:
    """A database as a process leaves it that was killed while it committed."""
    path = tmp_path / "whole.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [("a" * 500,)] * 500)
        connection.commit()
        connection.execute("PRAGMA cache_size = 1")  # so that pages are written before the end
        connection.execute("UPDATE t SET x = 'b' || x")
        for ending in ("", "-journal"):
            shutil.copyfile(f"{path}{ending}", tmp_path / f"torn.db{ending}")
    return tmp_path / "torn.db"


def test_a_database_whose_writer_died_in_a_transaction_is_sound_and_left_as_it_is(torn: Path) -> None:
    files = (torn, torn.with_name("torn.db-journal"))
    before = [file.read_bytes() for file in files]

    check_database(torn)

    assert [file.read_bytes() for file in files] == before
    with closing(sqlite3.connect(torn)) as connection:
        assert connection.execute("SELECT count(*) FROM t WHERE x GLOB 'b*'").fetchone() == (0,)
