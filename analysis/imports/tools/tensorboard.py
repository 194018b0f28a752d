"""TensorBoard's event files, with the parameters that its HParams plugin keeps."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.commentary import without_commentary
from analysis.errors import AnalysisError, MissingLibraryError
from analysis.imports.runs import ForeignRun, Source, gather
from analysis.imports.values import read_path
from analysis.words.numbers import listing

EVENTS = "*events.out.tfevents.*"
_SIDES = ("train", "validation", "val", "valid", "eval", "test")
"""Folders of one run that Keras and others split its figures into."""


def holds_events(path: Path) -> bool:
    """Whether a folder holds event files."""
    return path.is_dir() and next(path.rglob(EVENTS), None) is not None


def read_tensorboard(path: Path) -> Source:
    """Read scalars and hyperparameters of the runs under a log folder; a run is a folder.

    A folder `train` or `validation` is a part of the run above it, as Keras writes them: its `epoch_loss`
    is `validation/epoch_loss` then. Parameters that no file holds are read from names, in parts `key=value`.

    Raises:
        MissingLibraryError: If TensorBoard is not installed.
        AnalysisError: If no file holds a scalar.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from tensorboard.backend.event_processing import event_accumulator
        from tensorboard.compat import tf
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            "event files are read by TensorBoard: it is not installed; pip install "
            "'recurrent-study[tensorboard]'"
        ) from error
    with without_commentary():
        dir(tf)  # at its first use TensorBoard loads TensorFlow, where that is installed
    rows: dict[Path, list[tuple[float, str, float]]] = defaultdict(list)
    params: dict[Path, dict[str, Any]] = defaultdict(dict)
    began: dict[Path, float] = {}
    ended: dict[Path, float] = {}
    silent: set[Path] = set()
    for folder in sorted({file.parent for file in path.rglob(EVENTS)}):
        side = folder.name if folder.name in _SIDES and folder != path else ""
        run = folder.parent if side else folder
        events = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
        events.Reload()  # it stops, in silence, where a file is cut
        for time_s, step, name, value in _read_scalars(events):
            rows[run].append((step, f"{side}/{name}" if side else name, value))
            began[run], ended[run] = min(time_s, began.get(run, time_s)), max(time_s, ended.get(run, time_s))
        params[run] |= _read_hparams(events)
        if not any(name.startswith("_hparams_") for name in events.summary_metadata):
            silent.add(run)
    silent -= {*rows, path} if rows else set()  # a writer of the root may have had nothing to say
    names = [str(run.relative_to(path)) for run in sorted(silent)]
    if silent and not rows:
        raise AnalysisError(f"{path}: its event files hold no scalar, or are cut: {listing(names)}")
    notes = (f"Left out, for their event files hold no scalar, or are cut: {listing(names)}.",)
    runs = []
    for run in rows:
        steps, metrics = gather(rows[run])
        runs.append(
            ForeignRun(
                name=str(run.relative_to(path)),
                params=read_path(run.relative_to(path)) | params[run],
                steps=steps,
                metrics=metrics,
                wall_s=ended[run] - began[run],
            )
        )
    return Source(tool="TensorBoard", name=path.resolve().name, runs=runs, notes=notes if silent else ())


def _read_scalars(events: Any) -> Iterator[tuple[float, float, str, float]]:
    from tensorboard.util import tensor_util

    tags = events.Tags()
    for name in tags["scalars"]:
        yield from ((e.wall_time, float(e.step), name, float(e.value)) for e in events.Scalars(name))
    for name in tags["tensors"]:
        if events.SummaryMetadata(name).plugin_data.plugin_name not in ("scalars", ""):
            continue
        for event in events.Tensors(name):
            value = tensor_util.make_ndarray(event.tensor_proto)
            if value.ndim == 0 and value.dtype.kind in "fiu":
                yield event.wall_time, float(event.step), name, float(value)


def _read_hparams(events: Any) -> dict[str, Any]:
    from google.protobuf.message import DecodeError
    from tensorboard.plugins.hparams import plugin_data_pb2

    content = events.summary_metadata.get("_hparams_/session_start_info")
    if content is None:
        return {}
    data = plugin_data_pb2.HParamsPluginData()
    try:
        data.ParseFromString(content.plugin_data.content)
    except DecodeError:
        return {}
    return {
        name: _as_whole(getattr(value, kind))
        for name, value in sorted(data.session_start_info.hparams.items())
        if (kind := value.WhichOneof("kind")) in ("number_value", "string_value", "bool_value")
    }


def _as_whole(value: Any) -> Any:
    """The plugin keeps all numbers as floating ones."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
