"""The command line: flags only. What they mean is decided elsewhere, and loaded when it is needed."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, Any

import typer

from study.cli.commands import (
    browsing,
    caring,
    dashboard,
    exporting,
    helping,
    importing,
    learning,
    planning,
    prediction,
    reporting,
    spaces,
    training,
)
from study.cli.output import drop_odd_widths, fill_streams, guard_streams
from study.errors import EXIT_STATUSES
from study.machine.interpreter import mend_environment

# Typer keeps it to itself; what it exports inherits from it.
_UsageError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    name="study",
    no_args_is_help=True,
    epilog="Exit status: "
    + "; ".join(f"{number} {meaning}" for number, meaning in EXIT_STATUSES.items())
    + ".",
    pretty_exceptions_enable=False,
)

for command in (
    planning.plan,
    planning.price,
    training.run,
    training.resume,
    training.retry,
    training.extend,
    training.confirm,
    learning.learn,
    reporting.report,
    reporting.compare,
    prediction.predict,
    prediction.evaluate,
    exporting.export,
    dashboard.dashboard,
    caring.verify,
    caring.doctor,
    caring.submit,
    caring.follow,
    caring.fetch,
    browsing.presets,
    spaces.space,
    browsing.data,
):
    app.command()(command)
app.command("list")(browsing.list_studies)
app.command("import")(importing.import_)
app.command("help")(helping.help_)
app.command(hidden=True)(caring.pack)


def say_version(is_asked: bool) -> None:
    """Print which release this is, and of which Python, and end."""
    if is_asked:
        import platform

        from analysis.records.provenance import installed_version

        release = installed_version("recurrent-study") or "not installed, run from its sources"
        print(f"recurrent-study {release}, Python {platform.python_version()}")
        raise typer.Exit


@app.callback()
def begin(
    version: Annotated[
        bool,
        typer.Option("--version", callback=say_version, is_eager=True, help="Say which release this is."),
    ] = False,
) -> None:
    """Search recurrent text classifiers, and report how well they do and when they overfit."""


def main() -> None:
    """Run the command line; what a `StudyError` says is one line and its exit status."""
    # Matplotlib refuses to load under a backend that it does not know, and none of a window's is used.
    os.environ["MPLBACKEND"] = "agg"
    drop_odd_widths()
    mend_environment()
    if any(action == "error" for action, *_ in warnings.filters):
        warnings.simplefilter("ignore")
    fill_streams()
    output = guard_streams()
    try:
        status = app(prog_name="study", standalone_mode=False)  # of typer.Exit; else what a command returns
        sys.exit(status if isinstance(status, int) else 0)
    except _UsageError as error:
        _say_usage(error)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(1)
    except ValueError as error:
        status = _status_of(error)
        if status is None:
            raise
        _say(str(error))
        sys.exit(status)
    except OSError as error:  # of a disk, a folder or a pipe: none of them is a fault of ours
        _say(f"{error.filename or 'the system'}: {error.strerror or error}; see `study doctor`")
        sys.exit(3)
    except SystemExit as left:
        output.flush()
        if output.has_failed and not left.code:
            sys.exit(3)
        raise


def _say_usage(error: Any) -> None:
    """Say in one line what is wrong with how a command was given; without any, its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    context = getattr(error, "ctx", None)
    command = "study" if context is None else context.command_path
    told = error.format_message().replace("Value error, ", "").rstrip(".")
    _say(f"{told}{_find_value(error)}; see `{command} --help`")


def _find_value(error: Any) -> str:
    """Return the value given, where typer leaves it to pydantic, whose messages keep it to themselves."""
    errors = getattr(error.__cause__, "errors", None)
    given = errors()[0]["input"] if errors is not None else None
    said = f"'{given}'"
    return "" if given is None or said in error.format_message() else f": {said} is not"


def _say(text: str) -> None:
    print(f"study: {' '.join(text.split())}", file=sys.stderr)


def _status_of(error: ValueError) -> int | None:
    from analysis.errors import AnalysisError, MissingLibraryError, UnwritableError
    from search_spaces.errors import SpaceError
    from study.errors import EnvironmentFaultError, IntegrityError, StudyError

    if isinstance(error, StudyError):
        return error.exit_status
    if type(error).__name__ == "DamagedRecordsError":  # by name: its module loads pandas
        return IntegrityError.exit_status
    if isinstance(error, MissingLibraryError | UnwritableError):
        return EnvironmentFaultError.exit_status
    return 2 if isinstance(error, AnalysisError | SpaceError) else None
