"""A spec from what a user has at hand: a preset, a file, texts, a table, or settings alone."""

from __future__ import annotations

import difflib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from pydantic import BaseModel

from analysis.records.paths import as_path
from search_spaces import SpaceError
from study.data.messages import path_quoted, quoted
from study.data.sources.frames import store_frame
from study.data.spec import BUILT_IN_SOURCES, DataSpec
from study.errors import StudyError
from study.spec.derived import derive_document, leave_out_fixed, name_after, share_trials
from study.spec.origin import Origin
from study.spec.presets import find_document, preset_names
from study.spec.schema import StudySpec

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

    SpecSource: TypeAlias = (
        str | os.PathLike[str] | pd.DataFrame | pyarrow.Table | StudySpec | Mapping[str, Any]
    )

logger = logging.getLogger(__name__)

_SPEC_SUFFIXES = (".yaml", ".yml")
_HERE = "the spec"


def make_spec(source: SpecSource, *, name: str | None = None, **settings: Any) -> StudySpec:
    """Return the spec that a source and settings over it come to; nothing is run or written but a DataFrame.

    Space and design suit the texts, where these are a user's own, as with `study run --data`.

    Args:
        source: A preset's name; the path of a YAML spec; texts, as a file, a folder or the name of a built-in
            source; a pandas DataFrame or Arrow table with a column of texts and one of labels; a `StudySpec`;
            or a mapping as a YAML spec holds it. A word that is both is the preset.
        name: The study's name. By default that of the preset or spec, or the name of the file of texts.
        settings: Any key of a spec. `data`, `training`, `resources`, `space` and a `design` without `kind`
            are put over what the source says, key by key; any other value replaces what it says.

    Raises:
        StudyError: If the source is none of these, or the spec is not valid, in one line.
    """
    if isinstance(source, StudySpec) and name is None and not settings:
        return source
    given = {key: _plain(value) for key, value in settings.items()}
    if name is not None:
        given["name"] = name
    try:
        document, origin = _read_source(source, given)
    except SpaceError as error:  # of what is no safe YAML
        raise StudyError(str(error)) from error
    return StudySpec.from_document(document, origin)


def _read_source(source: SpecSource, given: Mapping[str, Any]) -> tuple[dict[str, Any], str | Origin]:
    """Return a source's document with settings over it, and what to call it in messages."""
    origin: str | Origin = _HERE
    match source:
        case StudySpec():
            document = source.to_document()
        case Mapping():
            document = {key: _plain(value) for key, value in source.items()}
        case str() if source in preset_names():
            document, origin = find_document(source)
        case str() | os.PathLike() if Path(source).suffix in _SPEC_SUFFIXES:
            document, origin = find_document(os.fspath(source))
        case str() | os.PathLike():
            return _derive(_check_texts(os.fspath(source)), given), _HERE
        case _ if _is_frame(source):
            return _derive(_keep_frame(source, given), given), _HERE
        case _:
            raise StudyError(
                "a study is run from a preset, a spec, a path of texts, a DataFrame or an Arrow table: "
                f"{type(source).__name__} is none; see docs/api.md"
            )
    if isinstance(origin, Origin):
        origin = replace(origin, overrides=dict.fromkeys(_name_keys(given), "the arguments"))
    return _put_over(document, given), origin


def _name_keys(given: Mapping[str, Any]) -> Iterator[str]:
    """Dotted keys of what is put over a document, a space's parameters with and without `parameters`."""
    for key, value in given.items():
        if not isinstance(value, Mapping):
            yield key
            continue
        yield from (f"{key}.{name}" for name in value if name != "parameters")
        if key == "space" and isinstance(parameters := value.get("parameters", value), Mapping):
            yield from (f"{place}.{name}" for place in ("space", "space.parameters") for name in parameters)


def _is_frame(source: object) -> bool:
    """Whether it is a table of pandas or Arrow, neither of which is loaded to tell."""
    names = (("pandas", "DataFrame"), ("pyarrow", "Table"))
    loaded = [getattr(sys.modules[library], name) for library, name in names if library in sys.modules]
    return isinstance(source, tuple(loaded))


def _derive(source: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a study on texts, in ranges that suit them, as `study run --data` does."""
    if isinstance(data := given.get("data", {}), Mapping) and "source" in data:
        raise StudyError(
            f"texts come from one source: data.source={quoted(data['source'])} is a second; leave one out"
        )
    document: dict[str, Any] = {"name": name_after(source), "data": {"source": source}}
    parts = [given.get(key, {}) for key in ("data", "space", "design", "training")]
    if source in BUILT_IN_SOURCES or "model" in given or not all(isinstance(part, Mapping) for part in parts):
        return _put_over(document, given)  # the standard space; faults are said when the spec is checked
    data, _, design, training = parts
    asked = _put_over(derive_document({**data, "source": source}, training.get("max_epochs")), given)
    if "scientific" not in design:
        leave_out_fixed(asked)
    if "trials" in design and (said := share_trials(asked)):
        logger.warning(said)
    return asked


def _check_texts(source: str) -> str:
    path = Path(source)
    if _is_there(path / "study.yaml"):
        raise StudyError(
            f"a study is run from texts or a spec: {source} is a study already; go on with study.resume, or "
            "look at it with study.open"
        )
    if source not in BUILT_IN_SOURCES and not _is_there(path):
        near = difflib.get_close_matches(source, [*preset_names(), *BUILT_IN_SOURCES], n=1)
        hint = f"did you mean {near[0]}?" if near else f"presets: {', '.join(preset_names())}"
        raise StudyError(
            f"a study is run from a preset, a spec or texts that exist: {path_quoted(source)} is none; {hint}"
        )
    return source


def _is_there(path: Path) -> bool:
    try:
        return as_path(path).exists()
    except OSError:  # longer than a path may be
        return False


def _keep_frame(frame: pd.DataFrame | pyarrow.Table, given: Mapping[str, Any]) -> str:
    if "name" not in given:
        raise StudyError("a study needs a name, and a DataFrame has none: give one, e.g. name='reviews'")
    data = given.get("data", {})
    if not isinstance(data, Mapping):
        raise StudyError(f"data is a mapping of keys to values: {quoted(data)} is not; see docs/spec.md")
    # Read alone, and checked as it will be with the rest: a wrong key is named before a file is written.
    asked = StudySpec.from_document({"name": given["name"], "data": data}, _HERE).data
    columns = {key: getattr(asked, key) for key in ("text", "label", "split")}
    return str(store_frame(frame, DataSpec(**columns)))


def _put_over(document: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with settings over it."""
    merged = dict(document)
    for key, value in given.items():
        there = document.get(key)
        merged[key] = value
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            if key == "space":
                merged[key] = _put_over_space(there, value)
            elif key != "design" or "kind" not in value:
                merged[key] = {**there, **value}
    return merged


def _put_over_space(there: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a space with domains over it; `parameters` may be spelled out on either side, or neither."""
    if "parameters" not in there:
        there = {"parameters": there}
    if not {"parameters", "conditions", "constraints"} & given.keys():
        given = {"parameters": given}
    merged = {**there, **given}
    parameters = given.get("parameters", {})
    if isinstance(parameters, Mapping):
        merged["parameters"] = {**there["parameters"], **parameters}
    return merged


def _plain(value: Any) -> Any:
    """Return a value as YAML would give it: paths as texts, NumPy's numbers as Python's."""
    match value:
        case Mapping():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case os.PathLike():
            return os.fspath(value)
        case np.generic():
            return value.item()
        case BaseModel():
            return value.model_dump(exclude_unset=True)
    return value
