"""A study as runs of MLflow: one for the study, and below it one for each run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from analysis.errors import AnalysisError
from analysis.exports.runs import METRICS, Run, list_runs
from analysis.records.loading import Study, as_study
from analysis.records.paths import AnyPath
from search_spaces.extras import needed_by

TAG = "recurrent_study.run"
"""Tells our runs: the study's own, or what a run is called, with its attempt."""

_EPOCHS = "recurrent_study.epochs"
"""How many epochs were sent."""

_MOST = 1000
"""Metrics that a server takes at once."""

_STATES = {"completed": "FINISHED", "pruned": "KILLED", "running": "RUNNING"}
"""What MLflow calls the states; whatever failed, FAILED."""


def write_mlflow(study: Study | AnyPath, uri: str | None = None) -> str:
    """Send a study to MLflow, or what has come since; it may be running.

    It is an experiment by the study's name, in it a run for the study and one below it for each replicate,
    with its parameters, seed, and metrics by epoch. Nothing of MLflow's telemetry is sent.

    Args:
        study: The study, or its directory.
        uri: Where MLflow tracks: a database's URL, or a server's; by default what `MLFLOW_TRACKING_URI` or
            `mlflow.set_tracking_uri` says.

    Returns:
        The name of the experiment.

    Raises:
        AnalysisError: If nothing says where, or MLflow does not take it.
        ModuleNotFoundError: If MLflow is not installed.
    """
    study = as_study(study)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # of seven, the last waits two minutes
    with needed_by("an export to MLflow"):
        from mlflow import MlflowClient, is_tracking_uri_set
        from mlflow.exceptions import MlflowException
    if uri is None and not is_tracking_uri_set():
        # By itself MLflow would make a database in whatever folder this is.
        raise AnalysisError(
            "a study is sent to a server or a database: none is given; name one, e.g. sqlite:///mlflow.db, "
            "or set MLFLOW_TRACKING_URI"
        )
    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name(study.name)
        number = experiment.experiment_id if experiment else client.create_experiment(study.name)
        known = {run.data.tags[TAG]: run for run in _find_runs(client, number)}
        runs = list(list_runs(study))
        parent = _send_parent(client, number, study, runs, known)
        names = {_name_of(run) for run in runs}
        for run in runs:
            _send_run(client, number, study, run, parent, known.get(_name_of(run)))
        for name, run in known.items():
            if name not in names and name != "study":
                client.delete_run(run.info.run_id)  # an attempt that counts no more
    except (MlflowException, OSError) as error:
        said = " ".join(str(error).split())[:300]
        raise AnalysisError(f"MLflow at {uri or 'its default'} does not take the study: {said}") from error
    return study.name


def _find_runs(client: Any, experiment: str) -> Iterator[Any]:
    token: str | None = None
    while True:
        page = client.search_runs([experiment], f"tags.`{TAG}` != ''", max_results=_MOST, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _send_parent(client: Any, experiment: str, study: Study, runs: list[Run], known: dict[str, Any]) -> str:
    """Make the study's run unless it is there, and say whether it runs."""
    facts = study.facts
    if "study" in known:
        number: str = known["study"].info.run_id
    else:
        began_s = min((run.began_s for run in runs), default=0.0)
        tags = {TAG: "study", "mlflow.note.content": facts.description}
        made = client.create_run(experiment, _milliseconds(began_s), tags, run_name=study.name)
        number = made.info.run_id
        for name in ("source", "design", "objective", "max_epochs", "n_train", "n_validation"):
            client.log_param(number, name, getattr(facts, name))
    if any(run.ended_s is None for run in runs):
        client.update_run(number, status="RUNNING")
    else:
        ended_s = max((run.ended_s or 0.0 for run in runs), default=0.0)
        client.set_terminated(number, "FINISHED", _milliseconds(ended_s))
    return number


def _send_run(client: Any, experiment: str, study: Study, run: Run, parent: str, found: Any | None) -> None:
    """Send a run, or its epochs since the last time."""
    from mlflow.entities import Metric, Param, RunTag

    if found is not None and found.info.status != "RUNNING":
        return
    if found is None:
        tags = {TAG: _name_of(run), "mlflow.parentRunId": parent}
        found = client.create_run(experiment, _milliseconds(run.began_s), tags, run_name=run.name)
        params = [Param(name, str(value)) for name, value in (run.params | {"seed": run.seed}).items()]
        client.log_batch(found.info.run_id, params=params)
    number, sent = found.info.run_id, int(found.data.tags.get(_EPOCHS, 0))
    curves = {name: run.curve(name) for name in (*METRICS, "learning_rate")}
    curves[f"best_{study.facts.objective}"] = run.best_curve(study.facts)
    metrics = [
        Metric(name, value, _milliseconds(end_s), epoch)
        for name, curve in curves.items()
        for epoch, end_s, value in curve
        if epoch > sent
    ]
    for start in range(0, len(metrics), _MOST):
        client.log_batch(number, metrics=metrics[start : start + _MOST])
    if len(run.epochs):
        client.log_batch(number, tags=[RunTag(_EPOCHS, str(int(run.epochs["epoch"].max())))])
    if run.reason is not None:
        client.set_tag(number, "reason", run.reason)
    if run.ended_s is not None:
        client.set_terminated(number, _STATES.get(run.state, "FAILED"), _milliseconds(run.ended_s))


def _name_of(run: Run) -> str:
    return f"{run.name} attempt {run.attempt}"


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
