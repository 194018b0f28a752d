"""Arguments and options that several commands share, and how `KEY=VALUE` is read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.spec.keys import put_setting

if TYPE_CHECKING:
    from study.spec.schema import StudySpec


def _complete_preset(incomplete: str) -> list[str]:
    """Presets for a shell; it looks for files itself where none begins so."""
    from study.spec.presets import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


StudyPath = Annotated[
    Path, typer.Argument(help="The study's directory, e.g. studies/quick.", show_default=False)
]
Margin = Annotated[
    float | None,
    typer.Option(metavar="POINTS", help="Nobody acts on less; the spec's, 0.5 unless it says so."),
]
Studies = Annotated[Path, typer.Option("--out", help="Folder of studies.")]
Address = Annotated[
    str | None,
    typer.Option(help="The Ray cluster of this node: auto, or HOST:6379.", show_default="this machine"),
]
Format = Annotated[str, typer.Option("--format", help="html or md.")]
Spec = Annotated[
    str | None,
    typer.Argument(
        help="A preset (see `study presets`) or a YAML file; with --data none is needed.",
        show_default=False,
        autocompletion=_complete_preset,
    ),
]
MovedData = Annotated[
    str | None, typer.Option("--data", help="Where the same texts lie now, if they were moved.")
]
Like = Annotated[
    Path | None,
    typer.Option(
        "--like", metavar="DIR", help="Take all from the study in DIR, and begin with what it found."
    ),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any key, e.g. space.units=[16,32].")
]


def gather_spec(
    spec: str | None,
    options: Mapping[str, object],
    settings: Iterable[str] | None,
    derive: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
    like: Path | None = None,
) -> StudySpec:
    """Read a preset or file, and put options and settings over it.

    Args:
        spec: A preset's name or a file's path; None for a study that is made for its texts.
        options: Values by dotted key; None leaves what is there.
        settings: `KEY=VALUE`, which come last.
        derive: Makes a study's document for its texts; `derive_document` unless something else is asked.
        like: The directory of a study that all is taken from, in place of a spec.

    Raises:
        StudyError: If what comes of it is no valid spec.
        SpaceError: If something in it is no safe YAML.
    """
    from study.spec.derived import leave_out_fixed, share_trials
    from study.spec.origin import Origin
    from study.spec.presets import find_document
    from study.spec.schema import StudySpec

    given = {key: value for key, value in options.items() if value is not None}
    set_ = dict(parse_settings(settings))
    if like is not None:
        document, origin = _take_over(like, spec), Origin(f"the spec of {like}")
    elif spec is None:
        document, origin = _derive(given | set_, derive), Origin("the command line")
    else:
        document, origin = find_document(spec)
    if kind := (given | set_).get("design.kind"):
        _take_design(document, kind)
    for key, value in (given | set_).items():
        put_setting(document, _find_parameter(document, key), value)
    if spec is None and "design.scientific" not in set_:
        leave_out_fixed(document)
    # Who asks for eight of three levels gets nine.
    if "design.trials" in given and "design.trials" not in set_ and (said := share_trials(document)):
        print(said, file=sys.stderr)
    overrides = dict.fromkeys(given, "the command line") | {key: f"--set {key}" for key in set_}
    return StudySpec.from_document(document, replace(origin, overrides=overrides))


def _find_parameter(document: Mapping[str, Any], key: str) -> str:
    """The key of a parameter as a space has it that is written out with its conditions and constraints."""
    section, _, name = key.partition(".")
    space = document.get("space")
    if section == "space" and name and isinstance(space, Mapping) and "parameters" in space:
        from search_spaces.space import DOCUMENT_KEYS

        return key if name.split(".")[0] in DOCUMENT_KEYS else f"space.parameters.{name}"
    return key


def _take_over(like: Path, spec: str | None) -> dict[str, Any]:
    """The document of a study like one that is there."""
    from study.errors import StudyError
    from study.store.likeness import document_like

    if spec is not None:
        raise StudyError(
            f"a study is like one spec: {spec} and --like {like} are two; leave one out, and put what is to "
            "be otherwise over it with --set"
        )
    return document_like(like)


def _take_design(document: dict[str, Any], kind: object) -> None:
    """Put another kind of design into a document, without what only belongs to the one that was there."""
    there = document.get("design")
    if not isinstance(there, dict) or there.get("kind", "search") != kind:
        document["design"] = {"kind": kind}


def _derive(
    given: Mapping[str, object], derive: Callable[[Mapping[str, Any]], dict[str, Any]] | None
) -> dict[str, Any]:
    """The document of a study on the texts that options name."""
    from study.errors import StudyError
    from study.spec.derived import derive_document

    asked: dict[str, Any] = {}
    for key, value in given.items():
        if key.startswith("data."):
            put_setting(asked, key.removeprefix("data."), value)
    if "source" not in asked:
        raise StudyError(
            "a study needs a preset, a spec or texts: none was given; name one, e.g. `study run quick`, or "
            "give --data FILE"
        )
    if derive is not None:
        return derive(asked)
    return derive_document(asked, given.get("training.max_epochs"))


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
