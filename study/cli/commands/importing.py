"""The command that reads what other tools ran."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from study.cli.commands.reporting import say_faults

_METRIC = "Which metric there is {}, where its name does not tell."


def _complete_kind(incomplete: str) -> list[str]:
    from analysis.imports.reading import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def import_(
    source: Annotated[
        str,
        typer.Argument(
            help="A file, a folder, or the URL of an Optuna storage or of MLflow's SQLite database.",
            metavar="SOURCE",
            show_default=False,
        ),
    ],
    to: Annotated[Path, typer.Option(help="Folder of the study, new or empty.", show_default=False)],
    kind: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="optuna, ray, keras-tuner, mlflow, tensorboard, keras or table.",
            show_default="what is there",
            autocompletion=_complete_kind,
        ),
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="Of Optuna: the study's name; of MLflow's database: the experiment's.")
    ] = None,
    train_loss: Annotated[str | None, typer.Option(help=_METRIC.format("the training loss"))] = None,
    train_accuracy: Annotated[str | None, typer.Option(help=_METRIC.format("the training accuracy"))] = None,
    val_loss: Annotated[str | None, typer.Option(help=_METRIC.format("the validation loss"))] = None,
    val_accuracy: Annotated[str | None, typer.Option(help=_METRIC.format("the validation accuracy"))] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS", help="Any metric, e.g. val_macro_f1=f1; may be repeated."),
    ] = None,
    seed: Annotated[str | None, typer.Option(help="The parameter that is the seed.")] = None,
    objective: Annotated[
        str | None, typer.Option(help="The metric that chooses epochs and settings.")
    ] = None,
    percent: Annotated[bool, typer.Option("--percent", help="Shares are out of 100 there.")] = False,
    n_validation: Annotated[
        int, typer.Option("--validation-texts", min=0, help="Samples behind each validation figure.")
    ] = 0,
    shorter: Annotated[
        str, typer.Option(help="Of Ray Tune: runs that ended early were pruned, or completed.")
    ] = "pruned",
) -> None:
    """Make a study of runs of another tool, and its report."""
    import analysis
    from analysis.imports.assembly import describe
    from analysis.imports.metrics import split_metric
    from analysis.records.plain import find_obstacle

    obstacle = find_obstacle(to.parent)
    if obstacle is not None:
        raise analysis.AnalysisError(f"--to {to}: {obstacle} is no folder; name another")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise analysis.AnalysisError(f"--to {to}: is there already and not an empty folder; name another")
    named = {
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
    }
    metrics = {ours: theirs for ours, theirs in named.items() if theirs is not None}
    imported = analysis.import_study(
        source,
        kind=kind,
        study_name=study,
        shorter=shorter,
        name=to.resolve().name,
        metrics=metrics | dict(map(split_metric, metric or [])),
        seed=seed,
        objective=objective,
        percent=percent,
        n_validation=n_validation,
    )
    for note in (describe(imported), *imported.notes):
        print(note, file=sys.stderr)
    with _undone(to):
        to.mkdir(parents=True, exist_ok=True)
        analysis.write_parquet(imported, to)
        page = analysis.write_report(imported, to / "report")
    print(page)
    say_faults(to / "report")


@contextmanager
def _undone(folder: Path) -> Iterator[None]:
    """Leave no half-made study, as on a full disk: a second try would be refused by what there is."""
    was_there = folder.exists()
    try:
        yield
    except BaseException:
        for path in folder.iterdir() if folder.is_dir() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if folder.is_dir() and not was_there:
            folder.rmdir()
        raise
