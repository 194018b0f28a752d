"""The command line: flags only. What they mean is decided elsewhere, and loaded when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="study",
    help="Search recurrent text classifiers, and report how well they do and when they overfit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

StudyPath = Annotated[
    Path, typer.Argument(help="The study's directory, e.g. studies/quick.", show_default=False)
]
Address = Annotated[
    str | None,
    typer.Option(help="A Ray cluster to join: auto, or ray://HOST:10001.", show_default="this machine"),
]


@app.command()
def run(
    spec: Annotated[
        str, typer.Argument(help="A preset (see `study presets`) or a YAML file.", show_default=False)
    ],
    data: Annotated[str | None, typer.Option(help="Source of the texts: a name or a path.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the study and of its folder.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of studies.")] = Path("studies"),
    trials: Annotated[int | None, typer.Option(help="Settings to try.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of a trial at most.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Replicates of each setting.")] = None,
    limit_train: Annotated[int | None, typer.Option(help="Training texts at most.")] = None,
    cells: Annotated[str | None, typer.Option(help="auto, or keras: never use compiled cells.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any key, e.g. space.units=[16,32]."),
    ] = None,
    address: Address = None,
) -> None:
    """Run a study, or continue it where it stopped."""
    from study.presets import find_document
    from study.spec import StudySpec

    document, source = find_document(spec)
    options = {
        "name": name,
        "data.source": data,
        "design.trials": trials,
        "training.max_epochs": epochs,
        "seeds": seeds,
        "data.limit_train": limit_train,
        "training.cells": cells,
    }
    for key, value in options.items():
        if value is not None:
            _put(document, key, value)
    for key, value in _parse_settings(settings or []):
        _put(document, key, value)
    checked = StudySpec.from_document(document, source)
    _finish(lambda listener: _run().run_study(checked, out, address=address, listener=listener), checked)


@app.command()
def resume(path: StudyPath, address: Address = None) -> None:
    """Continue an interrupted study."""
    from study.directory import StudyDirectory

    runner = _run()
    spec = runner.read_spec(StudyDirectory(path).require())
    _finish(lambda listener: runner.resume_study(path, address=address, listener=listener), spec)


@app.command()
def report(
    path: StudyPath,
    format: Annotated[str, typer.Option(help="html or md.")] = "html",
) -> None:
    """Write a study's report again from its records."""
    import analysis
    from study.directory import StudyDirectory

    study = analysis.load(path)
    print(analysis.write_report(study, StudyDirectory(path).report, format=_one_of(format, ("html", "md"))))


@app.command()
def compare(
    paths: Annotated[list[Path], typer.Argument(help="Study directories, two or more.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the comparison.")] = Path("studies/comparison"),
    format: Annotated[str, typer.Option(help="html or md.")] = "html",
) -> None:
    """Compare studies in one report."""
    import analysis

    studies = [analysis.load(path) for path in paths]
    print(analysis.write_comparison(studies, out, format=_one_of(format, ("html", "md"))))


@app.command("list")
def list_studies(
    out: Annotated[Path, typer.Argument(help="Folder of studies.")] = Path("studies"),
) -> None:
    """List the studies in a folder."""
    from study.listing import print_studies

    print_studies(out)


@app.command()
def presets() -> None:
    """List the studies that come with the package."""
    from study.listing import print_presets

    print_presets()


@app.command()
def space() -> None:
    """Show the standard recurrent search space."""
    from rich.console import Console

    from search_spaces import recurrent_space

    Console().print(recurrent_space())


@app.command()
def data(
    source: Annotated[str, typer.Argument(help="docstrings, imdb, recall, or a path.")] = "docstrings",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any key of the spec's data section."),
    ] = None,
) -> None:
    """Describe a data set before anyone trains on it."""
    from study.listing import print_data

    print_data({"source": source, **dict(_parse_settings(settings or []))})


def _run() -> Any:
    from study import run as runner

    return runner


def _finish(leg: Any, spec: Any) -> None:
    """Run a leg under a console, print its closing lines, and exit with its status."""
    from rich.console import Console

    from study.console import ConsoleListener, print_result

    console = Console(highlight=False)
    result = leg(ConsoleListener(console, spec.space))
    print_result(console, result)
    if result.stop_signal is not None:
        raise typer.Exit(128 + result.stop_signal)
    raise typer.Exit(1 if result.n_unfinished_well else 0)


def _parse_settings(settings: Iterable[str]) -> Iterable[tuple[str, Any]]:
    from search_spaces.documents import load_document
    from study.errors import StudyError

    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise StudyError(
                f"--set takes KEY=VALUE: {setting!r} has no '='; write e.g. --set space.units=[16,32]"
            )
        yield key, load_document(text, f"--set {key}")


def _put(document: dict[str, Any], key: str, value: object) -> None:
    *path, last = key.split(".")
    for part in path:
        inner = document.setdefault(part, {})
        if not isinstance(inner, dict):
            from study.errors import StudyError

            raise StudyError(f"{key} is not a key: {part} holds a single value; see docs/spec.md")
        document = inner
    document[last] = value


def _one_of(value: str, choices: tuple[str, ...]) -> Any:
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}")
    return value


def main() -> None:
    """Run the command line; bad input is one line and its exit status, our own faults show a traceback."""
    try:
        app()
    except ValueError as error:
        status = _status_of(error)
        if status is None:
            raise
        print(f"study: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(status)


def _status_of(error: ValueError) -> int | None:
    from analysis.errors import AnalysisError
    from search_spaces.errors import SpaceError
    from study.errors import StudyError

    if isinstance(error, StudyError):
        return error.exit_status
    return 2 if isinstance(error, AnalysisError | SpaceError) else None
