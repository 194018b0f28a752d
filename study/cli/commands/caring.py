"""Commands that look after studies and machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from study.cli.flags import RUN, Given, takes
from study.cli.options import Address, Like, Settings, Spec, Studies, StudyPath, gather_spec


def verify(
    path: StudyPath,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Make tables, report and optuna.db anew from the records."),
    ] = False,
) -> None:
    """Check every file of a study that no process is at work on; exit with 5 if one is damaged."""
    from study.errors import IntegrityError
    from study.running.verification import mend
    from study.running.verification import verify as look
    from study.store.directory import StudyDirectory

    directory = StudyDirectory(path).require()
    with directory.lock():
        verdict = look(directory)
        for damage in verdict.damages:
            print(f"{damage.path}: {damage.fault}")
        if verdict.damages and not (repair and verdict.is_mendable):
            way_out = "make it again with --repair" if verdict.is_mendable else "restore it from a copy"
            raise IntegrityError(
                f"a study's files are what was written: {len(verdict.damages)} of {path} are not; {way_out}"
            )
        if verdict.damages:
            mend(directory)
            print("made again from the records")
    if verdict.has_checksums:
        print(f"{path}: every file is what was written")
    else:
        print(
            f"{path}: every file makes sense; its last leg was interrupted, so that there are no digests to "
            "compare bit by bit before it is resumed to its end"
        )


def doctor(
    address: Address = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of studies.")] = Path("studies"),
    warm: Annotated[
        bool, typer.Option("--warm", help="Compile the cells now, as in an image; else the first study does.")
    ] = False,
) -> None:
    """Say what is wrong with this machine, or with a cluster, before a study finds out."""
    from rich.console import Console

    from study.cli.doctor import examine, examine_cells, print_findings

    findings = examine(address, out)
    if warm:
        findings += examine_cells()
    print_findings(Console(highlight=False), findings)
    raise typer.Exit(3 if any(finding.is_wrong for finding in findings) else 0)


Dashboard = Annotated[str, typer.Option("--address", help="The dashboard of the cluster.")]


@takes(RUN)
def submit(
    spec: Spec = None,
    *,
    given: Given,
    like: Like = None,
    settings: Settings = None,
    address: Dashboard = "http://127.0.0.1:8265",
    out: Annotated[
        str, typer.Option(help="Folder of studies on the cluster's head; ~ is the home there.")
    ] = "~/studies",
    follow_it: Annotated[
        bool, typer.Option("--follow", help="Show its lines until it ends, as `study follow` does.")
    ] = False,
) -> None:
    """Hand a study to a cluster as a Ray job; it runs on when this terminal is closed."""
    checked = gather_spec(spec, given, settings, like=like)
    from study.cluster.submission import submit_study

    job = submit_study(checked, address, out)
    print(job, flush=True)
    print(
        f"{checked.name} goes to {out} on the head; study follow {job} --address {address}", file=sys.stderr
    )
    if follow_it:
        follow(job, address)


Job = Annotated[str, typer.Argument(help="What `study submit` printed.", show_default=False)]


def follow(
    job: Job,
    address: Dashboard = "http://127.0.0.1:8265",
) -> None:
    """Show what a submitted study prints until it ends, and end with its exit status."""
    from study.cluster.submission import follow_job

    raise typer.Exit(follow_job(job, address, lambda lines: print(lines, end="", flush=True)))


def fetch(job: Job, address: Dashboard = "http://127.0.0.1:8265", out: Studies = Path("studies")) -> None:
    """Bring a submitted study that has ended home, with its report and models."""
    from study.cluster.submission import fetch_study

    print(fetch_study(job, address, out))


def pack(path: StudyPath) -> None:
    """Print a study as lines of text, for `study fetch`."""
    from study.cluster.archive import pack_study

    for line in pack_study(path):
        print(line)
