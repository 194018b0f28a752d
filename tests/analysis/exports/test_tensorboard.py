"""Event files are written for TensorBoard, read by TensorBoard, and imported again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import Study
from analysis.records.schema import EPOCH_METRICS, RUN_KEY

pytest.importorskip("tensorboard")

METRICS = list(EPOCH_METRICS)


def read_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def list_epochs(study: Study) -> pd.DataFrame:
    """Epochs in the order of settings and seeds, which other numbers of trials do not change."""
    runs = study.trials[[*RUN_KEY, "seed", *study.parameters]]
    order = [*sorted(study.parameters), "seed", "epoch"]
    return study.epochs.merge(runs, on=list(RUN_KEY), suffixes=("_used", "")).sort_values(order)[
        order + METRICS
    ]


def test_what_is_written_and_imported_again_has_the_same_epochs(small_study: Study, tmp_path: Path) -> None:
    analysis.write_tensorboard(small_study, tmp_path / "events")

    again = list_epochs(analysis.import_study(str(tmp_path / "events")))

    before = list_epochs(small_study)
    settings = [name for name in before.columns if name not in METRICS]
    assert again[settings].to_numpy().tolist() == before[settings].to_numpy().tolist()
    np.testing.assert_allclose(again[METRICS], before[METRICS], rtol=1e-6)


def test_a_second_export_of_the_same_records_changes_nothing(small_study: Study, tmp_path: Path) -> None:
    analysis.write_tensorboard(small_study, tmp_path / "events")
    first = read_files(tmp_path)

    analysis.write_tensorboard(small_study, tmp_path / "events")

    assert read_files(tmp_path) == first


def test_an_export_of_a_study_that_runs_grows_with_it(write_database: Any, tmp_path: Path) -> None:
    records = write_database()
    whole = analysis.write_tensorboard(analysis.load(records), tmp_path / "whole")
    complete = read_files(whole)
    with closing(sqlite3.connect(records)) as db:
        db.execute("UPDATE attempts SET state = 'running', wall_s = NULL")
        db.execute("DELETE FROM epochs WHERE epoch > 2")
        db.commit()

    early = analysis.write_tensorboard(analysis.load(records), tmp_path / "early")

    heads = {name for name in complete if ".study." in name}
    assert len(heads) == 1
    grown = [name for name, content in read_files(early).items() if len(content) < len(complete[name])]
    assert len(grown) > len(complete) / 2
    assert all(complete[name].startswith(content) for name, content in read_files(early).items())


def test_files_of_an_earlier_attempt_give_way(write_database: Any, tmp_path: Path) -> None:
    records = write_database()
    analysis.write_tensorboard(analysis.load(records), tmp_path / "events")
    with closing(sqlite3.connect(records)) as db:
        for table in ("attempts", "epochs", "predictions"):
            db.execute(f"UPDATE {table} SET attempt = attempt + 1")  # noqa: S608 - ours
        db.commit()

    analysis.write_tensorboard(analysis.load(records), tmp_path / "events")

    assert len(read_files(tmp_path / "events")) > 12
    assert not [name for name in read_files(tmp_path / "events") if name.endswith("attempt-1")]


def test_a_folder_that_holds_something_else_is_left_alone(small_study: Study, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")

    with pytest.raises(analysis.AnalysisError, match="holds something else; name one that does not exist"):
        analysis.write_tensorboard(small_study, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_name_that_leads_elsewhere_leads_nowhere(small_study: Study, tmp_path: Path) -> None:
    facts = small_study.facts.model_copy(update={"name": "../../elsewhere"})

    analysis.write_tensorboard(replace(small_study, facts=facts), tmp_path / "deep" / "events")

    assert {path.name for path in tmp_path.iterdir()} == {"deep"}
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"events"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_tensorboards_table_has_a_row_for_each_setting(small_study: Study, tmp_path: Path) -> None:
    """What its plugin answers a browser."""
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    analysis.write_tensorboard(small_study, tmp_path / "events")
    files = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "events"))
    files.Reload()
    provider = data_provider.MultiplexerDataProvider(files, str(tmp_path))
    context = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    best = api_pb2.MetricName(tag=f"best_{small_study.facts.objective}")
    request = api_pb2.ListSessionGroupsRequest(
        slice_size=1000,
        allowed_statuses=api_pb2.Status.values(),
        aggregation_type=api_pb2.AGGREGATION_AVG,
        col_params=[api_pb2.ColParams(metric=best)],
    )
    groups = list_session_groups.Handler(RequestContext(), context, "", request).run().session_groups

    shown = {
        group.name: value.value
        for group in groups
        for value in group.metric_values
        if value.name.tag == best.tag
    }
    runs = small_study.trials.query("epochs_run > 0").groupby("trial")[small_study.facts.objective]
    assert shown == pytest.approx({f"trial-{trial:04d}": mean for trial, mean in runs.mean().items()})


def test_a_run_of_which_nothing_can_be_read_is_named(small_study: Study, tmp_path: Path) -> None:
    analysis.write_tensorboard(small_study, tmp_path / "events")
    (tmp_path / "events" / "torn").mkdir()
    (tmp_path / "events" / "torn" / "events.out.tfevents.1.vm").touch()
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "events.out.tfevents.1.vm").touch()

    notes = analysis.import_study(tmp_path / "events").notes

    assert notes[0] == "Left out, for their event files hold no scalar, or are cut: torn."
    with pytest.raises(analysis.AnalysisError, match="its event files hold no scalar, or are cut"):
        analysis.import_study(tmp_path / "none")
