"""The schema of a study's records: what `study` writes and `analysis` reads.

`records.db` is a SQLite database written by one process, the study's driver, in one transaction per report.
Rows are keyed by (trial, phase, replicate, attempt, epoch); trials count from 0 as in Optuna, replicates of
each phase, attempts and epochs from 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 2
"""Raised by one whenever a reader of the old schema could misread the new; see `analysis.records.upgrade`."""

State = Literal["completed", "pruned", "diverged", "failed", "timeout", "running"]
"""How a replicate ended: `running` also means interrupted, to be continued by the next leg."""

Phase = Literal["search", "confirm", "audit"]
"""What a replicate was trained for.

Choosing a setting, confirming a chosen one on fresh seeds, or finishing a run that the scheduler had stopped
(`audit`: the same seed again; it chooses nothing and is compared with nothing but the best of the search).
"""

SCHEMA = """
CREATE TABLE meta (
    key    TEXT PRIMARY KEY,
    value  TEXT NOT NULL             -- 'schema_version': an integer; 'facts': StudyFacts as JSON
) STRICT;

CREATE TABLE attempts (
    trial         INTEGER NOT NULL,
    phase         TEXT    NOT NULL,
    replicate     INTEGER NOT NULL,  -- from 1 in each phase; an audit's is that of the run that it finishes
    attempt       INTEGER NOT NULL,  -- the last attempt of a replicate is the one that counts
    state         TEXT    NOT NULL,
    seed          INTEGER NOT NULL,
    params        TEXT    NOT NULL,  -- JSON object, one key per parameter that the space gave it
    n_weights     INTEGER,           -- trainable numbers of the model
    cells         TEXT,              -- who computed the recurrence: 'compiled', 'keras', 'own' (the user's)
    node          TEXT,              -- host that trained it
    started_at    TEXT,              -- UTC, ISO 8601
    setup_s       REAL,              -- from the trial's start to its first training step
    wall_s        REAL,              -- from the trial's start to its last report
    reason        TEXT,              -- why it did not complete, one line
    test_loss     REAL,              -- only where the sealed test split was opened for it
    test_accuracy REAL,
    test_macro_f1 REAL,
    test_balanced_accuracy REAL,
    PRIMARY KEY (trial, phase, replicate, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE epochs (
    trial          INTEGER NOT NULL,
    phase          TEXT    NOT NULL,
    replicate      INTEGER NOT NULL,
    attempt        INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    train_loss     REAL,             -- NULL where not finite; both sides by evaluation of the same weights
    train_accuracy REAL,
    val_loss       REAL,
    val_accuracy   REAL,
    learning_rate  REAL,
    epoch_s        REAL,             -- training and evaluation of this epoch
    train_macro_f1          REAL,    -- these NULL in records of earlier releases
    train_balanced_accuracy REAL,
    val_macro_f1            REAL,
    val_balanced_accuracy   REAL,
    val_roc_auc             REAL,    -- these of two classes alone
    val_average_precision   REAL,
    PRIMARY KEY (trial, phase, replicate, attempt, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE predictions (           -- of the best epoch, on the split that validates
    trial         INTEGER NOT NULL,
    phase         TEXT    NOT NULL,
    replicate     INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    probabilities BLOB    NOT NULL,  -- float16, little endian, (n_validation, n_classes) by rows; for two
                                     -- classes (n_validation,): the probability of the second
    PRIMARY KEY (trial, phase, replicate, attempt)
) STRICT;

CREATE TABLE gradients (             -- only where the study was asked for them
    trial     INTEGER NOT NULL,
    phase     TEXT    NOT NULL,
    replicate INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    moment    TEXT    NOT NULL,      -- 'start' (fresh weights) or 'end' (after the last epoch) of training
    norms     BLOB    NOT NULL,      -- float32, little endian, (sequence_length,): mean norm of the loss's
                                     -- gradient at the input 0, 1, 2 ... steps before the last; NaN where
                                     -- all is padding
    PRIMARY KEY (trial, phase, replicate, attempt, moment)
) STRICT;

CREATE TABLE labels (                -- the truth for `predictions`
    split  TEXT PRIMARY KEY,         -- 'validation'
    labels BLOB NOT NULL             -- uint16, little endian, (n_validation,)
) STRICT;

CREATE TABLE baselines (             -- simple models fitted on the same split: the lines to beat
    name         TEXT PRIMARY KEY,   -- 'majority class', 'TF-IDF + logistic regression', 'NB-SVM'
    val_accuracy REAL NOT NULL,
    val_loss     REAL,
    fit_s        REAL NOT NULL
) STRICT;
"""

TEXTS_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS views (      -- what a setting's models see of each text of a split
    split           TEXT PRIMARY KEY,   -- 'validation'
    vocab_size      INTEGER NOT NULL,   -- of the setting
    sequence_length INTEGER NOT NULL,
    n_tokens        BLOB    NOT NULL,   -- uint32, little endian, (n_validation,): tokens of the text
    n_seen          BLOB    NOT NULL,   -- those that sequence_length leaves
    n_unknown       BLOB    NOT NULL    -- those of them that are not in the vocabulary
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS excerpts (   -- texts that a report shows, cut
    row    INTEGER PRIMARY KEY,         -- place in the split that validates, from 0
    before TEXT NOT NULL,               -- cut off by the same setting's sequence_length
    seen   TEXT NOT NULL,
    after  TEXT NOT NULL
) STRICT
""",
)
"""Tables that are made when a report first wants them, and that records may lack: derived from the texts."""

LINES_SCHEMA = """
CREATE TABLE IF NOT EXISTS lines (      -- what lines to beat take the texts of a split for
    name              TEXT NOT NULL,    -- as in baselines
    split             TEXT NOT NULL,    -- 'validation'; 'test' only where that was opened
    predicted         BLOB NOT NULL,    -- uint16, little endian, (n_texts,): class numbers
    accuracy          REAL NOT NULL,
    loss              REAL,
    macro_f1          REAL,
    balanced_accuracy REAL,
    roc_auc           REAL,             -- these of two classes alone
    average_precision REAL,
    PRIMARY KEY (name, split)
) STRICT
"""
"""A table that is made with the lines to beat; records of earlier releases lack it."""

LINE_FIGURES = ("accuracy", "loss", "macro_f1", "balanced_accuracy", "roc_auc", "average_precision")
"""What a line to beat is measured by on each split, as runs are by epoch."""

BASELINE_COLUMNS = (
    "name",
    "val_accuracy",
    "val_loss",
    "fit_s",
    "val_macro_f1",
    "val_balanced_accuracy",
    "val_roc_auc",
    "val_average_precision",
    "test_accuracy",
    "test_loss",
    "test_macro_f1",
    "test_balanced_accuracy",
    "test_roc_auc",
    "test_average_precision",
)
"""Columns of the `baselines` table, all but the first four missing in studies of earlier releases."""

RUN_KEY = ("trial", "phase", "replicate")
"""What one run is known by, whatever the number of its attempts."""

EPOCH_METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
"""What each epoch is measured by."""

FURTHER_METRICS = (
    "train_macro_f1",
    "train_balanced_accuracy",
    "val_macro_f1",
    "val_balanced_accuracy",
    "val_roc_auc",
    "val_average_precision",
)
"""What else, in [0, 1]: missing where an earlier release or another tool recorded the epochs.

Macro-F1 is the mean over classes of the harmonic mean of precision and recall; balanced accuracy the mean
over classes of the share found; the areas under both curves are those of the second of two classes.
"""

Objective = Literal[
    "val_accuracy",
    "val_loss",
    "val_macro_f1",
    "val_balanced_accuracy",
    "val_roc_auc",
    "val_average_precision",
]
"""By what epochs and settings are chosen; all but the loss are the better the larger they are."""

TRIAL_COLUMNS = (
    "trial",
    "replicate",
    "attempt",
    "phase",
    "seed",
    "state",
    "n_weights",
    "cells",
    "best_epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "train_loss_last",
    "train_accuracy_last",
    "val_loss_last",
    "val_accuracy_last",
    "epochs_run",
    "setup_s",
    "wall_s",
    "started_at",
    "node",
    "reason",
    "test_loss",
    "test_accuracy",
    *FURTHER_METRICS,
    *(f"{name}_last" for name in FURTHER_METRICS),
    "test_macro_f1",
    "test_balanced_accuracy",
    "epoch_s",
    "to_best_s",
)
"""Columns of the `trials` table beside one per parameter: the last attempt of each replicate.

Metrics without `_last` are taken at `best_epoch`, the earliest epoch with the best objective. `wall_s` is all
of a run's time; `epoch_s` and `to_best_s` leave its start out: see `analysis.records.times`.
"""

EPOCH_COLUMNS = (*RUN_KEY, "epoch", *EPOCH_METRICS, "learning_rate", "epoch_s", *FURTHER_METRICS)
"""Columns of the `epochs` table: one row per replicate and epoch, last attempts only."""


def run_keys(*tables: pd.DataFrame) -> list[str]:
    """The columns of `RUN_KEY` that all these tables have: those of another tool may know no phases."""
    return [name for name in RUN_KEY if all(name in table for table in tables)]


class StudyFacts(BaseModel):
    """What a reader must know of a study to read its tables; kept beside them in every format."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    description: str = ""
    made_by: str = Field(default="", description="the tool whose runs these are, where it is not this one")
    remarks: tuple[str, ...] = Field(
        default=(), description="what a reader must know of runs that were imported, each a sentence"
    )
    source: str = Field(description="where the texts come from: docstrings, imdb, recall, or a file's name")
    classes: tuple[str, ...]
    n_train: int = Field(ge=0, description="texts trained on")
    n_validation: int = Field(ge=0, description="texts that chose the best epoch and setting")
    n_test: int = Field(ge=0, description="sealed texts, unread until settings are confirmed")
    validated_on: Literal["validation", "test"] = "validation"
    objective: Objective = "val_accuracy"
    max_epochs: int = Field(ge=1)
    design: str = Field(description="search, grid, random ...")
    sampler: str | None = None
    scheduler: str | None = None
    study_seed: int = 0
    data_warnings: tuple[str, ...] = Field(
        default=(), description="what may spoil a study of these texts, each with its number and a way out"
    )
    space: dict[str, Any] = Field(description="the search space, as Space.to_document gives it")
    spec: dict[str, Any] = Field(default_factory=dict, description="all that was asked, as in study.yaml")

    @property
    def maximizes(self) -> bool:
        """Whether more of the objective is better."""
        return self.objective != "val_loss"
