"""Commands that turn finished trials into reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from study.cli.options import Format, Margin, StudyPath, one_of


def report(
    path: StudyPath,
    output: Format = "html",
    margin: Margin = None,
) -> None:
    """Write a study's report again from its records."""
    from study.machine.preflight import REPORT_BYTES, check_address_space

    check_address_space(REPORT_BYTES, "a report")
    import analysis
    from study.store.checksums import renew_checksums
    from study.store.directory import StudyDirectory

    study, directory = analysis.load(path), StudyDirectory(path)
    form = one_of(output, ("html", "md"))
    print(analysis.write_report(study, directory.report, format=form, margin=margin))
    renew_checksums(directory, directory.report)
    say_faults(directory.report)


def compare(
    paths: Annotated[list[Path], typer.Argument(help="Study directories, two or more.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the comparison.")] = Path("studies/comparison"),
    output: Format = "html",
    margin: Margin = None,
) -> None:
    """Compare studies in one report."""
    from study.machine.preflight import REPORT_BYTES, check_address_space

    check_address_space(REPORT_BYTES, "a report")
    import analysis
    from study.errors import StudyError

    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise StudyError(f"a comparison is of different studies: {path} is given twice; leave one out")
        seen.add(path.resolve())
    studies = [analysis.load(path) for path in paths]
    form = one_of(output, ("html", "md"))
    print(analysis.write_comparison(studies, out, format=form, margin=margin))
    say_faults(out)


def say_faults(folder: Path) -> None:
    """Exit with status 1 where something of the report in a folder could not be made, and say what."""
    from analysis.report.faults import FAULTS_FILE, read_faults

    missing = read_faults(folder)
    if missing:
        print(f"study: could not be made: {', '.join(missing)}; see {folder / FAULTS_FILE}", file=sys.stderr)
        raise typer.Exit(1)
