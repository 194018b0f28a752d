"""Records of schema 1, as the schema of today has them.

There a replicate's number told its phase too: those of confirmations began at 1,001, and the audit of a
stopped run had its number and 2,000.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from analysis.records.schema import FURTHER_METRICS, SCHEMA, SCHEMA_VERSION, Phase

OFFSETS: dict[Phase, int] = {"confirm": 1_000, "audit": 2_000}
"""How far replicates of schema 1 were beyond those of their phase."""


def list_columns(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Columns of each table."""
    query = (
        "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table'"
    )
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(query):
        columns.setdefault(table, []).append(column)
    return columns


def columns_of_schema() -> dict[str, list[str]]:
    """Columns of each table, as they are today."""
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(SCHEMA)
        return list_columns(model)


def read_version(connection: sqlite3.Connection) -> str | None:
    """The schema of records, None where there is none."""
    try:
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    except sqlite3.OperationalError:
        return None
    return None if row is None else str(row[0])


def show_as_today(connection: sqlite3.Connection) -> None:
    """Let whoever reads records of schema 1 see them as today's, and change nothing in the file."""
    if read_version(connection) == "1":
        connection.execute("PRAGMA query_only = OFF")  # a view that ends with the connection is no change
        for table, columns in _columns_by_phase().items():
            connection.execute(f"CREATE TEMP VIEW {table} AS {_select(table, columns, 'main.')}")
        connection.execute("PRAGMA query_only = ON")


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring records of schema 1 to that of today, in one transaction."""
    changed = _columns_by_phase()
    moved = "".join(f"ALTER TABLE {table} RENAME TO old_{table};" for table in columns_of_schema())
    filled = "".join(
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - names of our own
        + (_select(table, columns, "old_") if table in changed else f"SELECT * FROM old_{table}")  # noqa: S608
        + ";"
        for table, columns in columns_of_schema().items()
    )
    dropped = "".join(f"DROP TABLE old_{table};" for table in columns_of_schema())
    version = f"UPDATE meta SET value = '{SCHEMA_VERSION}' WHERE key = 'schema_version';"  # noqa: S608
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {moved} {SCHEMA} {filled} {dropped} {version} COMMIT;")
    except sqlite3.Error:
        connection.rollback()
        raise


def split_replicate(number: int) -> tuple[Phase, int]:
    """The phase and the replicate that a number of schema 1 stands for."""
    for phase, offset in sorted(OFFSETS.items(), key=lambda item: -item[1]):
        if number > offset:
            return phase, number - offset
    return "search", number


def _columns_by_phase() -> dict[str, list[str]]:
    """Columns of the tables that have a phase today."""
    return {table: columns for table, columns in columns_of_schema().items() if "phase" in columns}


def _select(table: str, columns: list[str], old: str) -> str:
    """The rows of a table as today's; `old` stands before the names of the old tables."""
    cases = " ".join(
        f"WHEN a.phase = '{phase}' AND t.replicate > {offset} THEN {offset}"
        for phase, offset in OFFSETS.items()
    )
    today = {
        "phase": "coalesce(a.phase, 'search') AS phase",
        "replicate": f"t.replicate - CASE {cases} ELSE 0 END AS replicate",
    }
    further = (*FURTHER_METRICS, "test_macro_f1", "test_balanced_accuracy")
    added = {name: f"NULL AS {name}" for name in further}
    chosen = ", ".join((today | added).get(name, f"t.{name}") for name in columns)
    return (
        f"SELECT {chosen} FROM {old}{table} AS t"  # noqa: S608 - names of our own
        f" LEFT JOIN {old}attempts AS a USING (trial, replicate, attempt)"
    )
