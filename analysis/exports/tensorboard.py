"""A study as event files of TensorBoard: the curves of every run, and the table of its HParams plugin.

Each run is a folder with a part `train` and a part `validation`, so that one chart shows both sides. Files
follow from the records and only grow while these do: a TensorBoard that has them open reads on.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError, UnwritableError
from analysis.exports.runs import METRICS, Run, list_runs
from analysis.records.loading import Study, as_study
from analysis.records.paths import AnyPath, as_path
from search_spaces.extras import needed_by

PARTS = {"train": "train", "val": "validation"}
"""The folder of each side's figures."""

_PREFIX = "events.out.tfevents"
_MOST_LISTED = 12
"""Of a number that took more values the table offers a range to filter by, not each value."""

_SHOWN = ("val_accuracy", "val_loss", "train_accuracy", "train_loss")
"""Columns of the table beside the best objective; all else has its curves."""

Moment = tuple[float, int, Any]
"""A time in seconds since 1970, a step, and a summary."""


def write_tensorboard(study: Study | AnyPath, folder: AnyPath) -> Path:
    """Write or bring up to date the event files of a study, which may be running.

    The table has a row per setting, over whose seeds TensorBoard takes the mean; its objective is the best so
    far of each run. `import_study` reads the same epochs again, as 32-bit floats.

    Args:
        study: The study, or its directory.
        folder: A folder of its own, which may hold an earlier export of the same study.

    Returns:
        `folder`.

    Raises:
        AnalysisError: If the folder holds anything else, or nothing can be written there.
        ModuleNotFoundError: If TensorBoard is not installed.
    """
    study, folder = as_study(study), as_path(folder)
    with needed_by("an export to TensorBoard"):
        import tensorboard.summary.writer.record_writer  # noqa: F401 - said before anything is written
    named = re.sub(r"[^\w.-]", "_", study.name)  # others may have called it anything
    head = folder / f"{_PREFIX}.0.study.{named}"
    if folder.exists() and not head.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AnalysisError(
            f"an export has a folder of its own: {folder} holds something else; name one that does not exist"
        )
    try:
        runs = list(list_runs(study))
        _put(head, [(0.0, 0, _describe_study(study, runs))])
        for run in runs:
            _write_run(study, run, folder / run.name)
    except OSError as error:
        raise UnwritableError(
            f"{error.filename or folder}: {error.strerror}; make room, or name another"
        ) from error
    return folder


def _write_run(study: Study, run: Run, folder: Path) -> None:
    name = f"{_PREFIX}.{int(run.began_s)}.attempt-{run.attempt}"
    for earlier in folder.glob(f"**/{_PREFIX}.*"):
        if earlier.name != name:
            earlier.unlink()  # of an attempt that counts no more
    _put(folder / name, _moments_of(study, run))
    for side, part in PARTS.items():
        curves = [
            (end_s, epoch, _scalar(f"epoch_{metric.removeprefix(f'{side}_')}", value))
            for metric in METRICS
            if metric.startswith(f"{side}_")
            for epoch, end_s, value in run.curve(metric)
        ]
        _put(folder / part / name, sorted(curves, key=lambda moment: moment[1]))


def _moments_of(study: Study, run: Run) -> Iterator[Moment]:
    """What is said of a run as a whole: its setting, the best so far after each epoch, and its end."""
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    start = plugin_data_pb2.SessionStartInfo(group_name=run.group, start_time_secs=run.began_s)
    for name, value in sorted(run.params.items()):
        setattr(start.hparams[name], f"{_kind_of([value])}_value", value)
    data = plugin_data_pb2.HParamsPluginData(session_start_info=start)
    yield run.began_s, 0, _plugin(metadata.SESSION_START_INFO_TAG, data)
    rates = {epoch: rate for epoch, _, rate in run.curve("learning_rate")}
    for epoch, end_s, best in run.best_curve(study.facts):
        yield end_s, epoch, _scalar(f"best_{study.facts.objective}", best)
        if epoch in rates:
            yield end_s, epoch, _scalar("learning_rate", rates[epoch])
    if run.ended_s is not None:
        status = "STATUS_SUCCESS" if run.state in ("completed", "pruned") else "STATUS_FAILURE"
        end = plugin_data_pb2.SessionEndInfo(status=api_pb2.Status.Value(status), end_time_secs=run.ended_s)
        data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
        yield run.ended_s, 0, _plugin(metadata.SESSION_END_INFO_TAG, data)


def _describe_study(study: Study, runs: Sequence[Run]) -> Any:
    """What the table shows, and what it can be filtered by."""
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    experiment = api_pb2.Experiment(description=f"{study.name}: {study.facts.description}".removesuffix(": "))
    values = {name: [run.params[name] for run in runs if name in run.params] for name in study.parameters}
    # What is the same everywhere would only push what differs out of sight.
    varied = {name: seen for name, seen in values.items() if len(set(seen)) > 1 or len(seen) < len(runs)}
    experiment.hparam_infos.extend(_describe_parameter(name, seen) for name, seen in varied.items() if seen)
    best = api_pb2.MetricName(tag=f"best_{study.facts.objective}")
    experiment.metric_infos.add(name=best, display_name=f"best {study.facts.objective}")
    for metric in _SHOWN:
        side, _, kind = metric.partition("_")
        shown = api_pb2.MetricName(group=PARTS[side], tag=f"epoch_{kind}")
        experiment.metric_infos.add(name=shown, display_name=f"{metric}, last epoch")
    return _plugin(metadata.EXPERIMENT_TAG, plugin_data_pb2.HParamsPluginData(experiment=experiment))


def _describe_parameter(name: str, values: list[Any]) -> Any:
    from tensorboard.plugins.hparams import api_pb2

    info, kind = api_pb2.HParamInfo(name=name), _kind_of(values)
    info.type = {
        "bool": api_pb2.DATA_TYPE_BOOL,
        "number": api_pb2.DATA_TYPE_FLOAT64,
        "string": api_pb2.DATA_TYPE_STRING,
    }[kind]
    distinct = [value for value, _ in groupby(sorted(values))]
    if kind == "number" and len(distinct) > _MOST_LISTED:
        info.domain_interval.min_value, info.domain_interval.max_value = distinct[0], distinct[-1]
    else:
        for value in distinct:
            setattr(info.domain_discrete.values.add(), f"{kind}_value", value)
    return info


def _kind_of(values: list[Any]) -> str:
    """Return `bool`, `number` or `string`; a column of a study holds one kind."""
    if all(isinstance(value, bool) for value in values):
        return "bool"
    return "string" if any(isinstance(value, str) for value in values) else "number"


def _scalar(tag: str, value: float) -> Any:
    from tensorboard.compat.proto import summary_pb2

    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=value)])


def _plugin(tag: str, data: Any) -> Any:
    """A summary of the HParams plugin: `tensorboard.plugins.hparams.api` makes it, and loads TensorFlow."""
    from tensorboard.compat.proto import summary_pb2
    from tensorboard.plugins.hparams import metadata

    content = metadata.create_summary_metadata(data)
    value = summary_pb2.Summary.Value(tag=tag, metadata=content, tensor=metadata.NULL_TENSOR)
    return summary_pb2.Summary(value=[value])


def _put(path: Path, moments: Iterable[Moment]) -> None:
    """Write an event file, or add to the one that is there what it lacks, half-written or grown since."""
    from tensorboard.compat.proto import event_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter

    moments = list(moments)
    if not moments:
        return
    stream = io.BytesIO()
    writer = RecordWriter(stream)
    writer.write(event_pb2.Event(wall_time=moments[0][0], file_version="brain.Event:2").SerializeToString())
    for time_s, step, summary in moments:
        writer.write(event_pb2.Event(wall_time=time_s, step=step, summary=summary).SerializeToString())
    content = stream.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.read_bytes() if path.exists() else b""
    if not content.startswith(there):
        path.unlink()  # a reader of the old content keeps it
        there = b""
    if len(there) < len(content):
        with path.open("ab") as file:
            file.write(content[len(there) :])
