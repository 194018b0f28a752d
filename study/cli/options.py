"""Arguments and options that several commands share, and how `KEY=VALUE` is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.spec.keys import put_setting

if TYPE_CHECKING:
    from study.spec.schema import StudySpec

StudyPath = Annotated[
    Path, typer.Argument(help="The study's directory, e.g. studies/quick.", show_default=False)
]
Studies = Annotated[Path, typer.Option("--out", help="Folder of studies.")]
Address = Annotated[
    str | None,
    typer.Option(help="The Ray cluster of this node: auto, or HOST:6379.", show_default="this machine"),
]
Format = Annotated[str, typer.Option("--format", help="html or md.")]
Spec = Annotated[
    str, typer.Argument(help="A preset (see `study presets`) or a YAML file.", show_default=False)
]
Data = Annotated[str | None, typer.Option(help="Source of the texts: a name or a path.")]
Workers = Annotated[
    int | None,
    typer.Option(help="Price it for so many runs at once.", show_default="as many as this machine takes"),
]
Trials = Annotated[int | None, typer.Option(help="Settings to try.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs of a trial at most.")]
Seeds = Annotated[int | None, typer.Option(help="Replicates of each setting.")]
WarmStarts = Annotated[
    list[str] | None,
    typer.Option(
        "--warm-start", metavar="DIR", help="Begin with the best settings of this study; may be repeated."
    ),
]
AuditPruned = Annotated[
    float | None, typer.Option(help="Share of the stopped runs to finish after the search, up to 1.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any key, e.g. space.units=[16,32].")
]


def gather_spec(spec: str, options: Mapping[str, object], settings: Iterable[str] | None) -> StudySpec:
    """Read a preset or file, and put options and settings over it.

    Args:
        spec: A preset's name or a file's path.
        options: Values by dotted key; None leaves what is there.
        settings: `KEY=VALUE`, which come last.

    Raises:
        StudyError: If what comes of it is no valid spec.
        SpaceError: If something in it is no safe YAML.
    """
    from study.spec.presets import find_document
    from study.spec.schema import StudySpec

    document, origin = find_document(spec)
    given = {key: value for key, value in options.items() if value is not None}
    set_ = dict(parse_settings(settings))
    for key, value in (given | set_).items():
        put_setting(document, key, value)
    overrides = dict.fromkeys(given, "the command line") | {key: f"--set {key}" for key in set_}
    return StudySpec.from_document(document, replace(origin, overrides=overrides))


def parse_settings(settings: Iterable[str] | None) -> Iterable[tuple[str, Any]]:
    """Read each `KEY=VALUE`, the value as YAML.

    Raises:
        StudyError: If there is no key.
        SpaceError: If the value is no safe YAML.
    """
    from search_spaces.documents import load_document
    from study.errors import StudyError

    for setting in settings or ():
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise StudyError(
                f"--set takes KEY=VALUE: {setting!r} has no '='; write e.g. --set space.units=[16,32]"
            )
        yield key, load_document(text, f"--set {key}")


def one_of(value: str, choices: tuple[str, ...]) -> Any:
    """Return `value` if it is one of `choices`."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}")
    return value
