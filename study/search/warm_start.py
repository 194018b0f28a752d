"""Warm starts: what earlier studies found, proposed first and, if comparable, told to the sampler."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from analysis.records.paths import as_path
from analysis.words.numbers import count
from search_spaces import Choice, Domain, Fixed, Integer, Space, SpaceError
from study.designs import SearchDesign
from study.errors import StudyError
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory

if TYPE_CHECKING:
    from analysis import Study

_COMPARABLE = ("objective", "model", "space", "training")
"""Keys of two specs that must agree, or a figure of the one means something else in the other."""


@dataclass(frozen=True)
class Known:
    """A setting of an earlier study, with what it reached.

    Attributes:
        source: The study and the setting, `quick/3`.
        params: Legal in this space.
        value: Its mean objective over seeds.
    """

    source: str
    params: Mapping[str, Any]
    value: float


@dataclass(frozen=True)
class WarmStart:
    """What a search begins with.

    Attributes:
        proposals: Legal settings of earlier studies, the best of each first, in turns.
        known: What the sampler may learn from.
        said: What became of each study, a sentence each.
    """

    proposals: Sequence[Mapping[str, Any]]
    known: Sequence[Known]
    said: Sequence[str]

    def to_document(self) -> dict[str, Any]:
        """Return what a later leg must know of it, as JSON has it."""
        return {
            "proposals": [dict(params) for params in self.proposals],
            "known": [[setting.source, dict(setting.params), setting.value] for setting in self.known],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return what `to_document` was given."""
        return cls(document["proposals"], [Known(*setting) for setting in document["known"]], ())


def check_sources(spec: StudySpec) -> None:
    """Refuse, before anything is started, to begin with what holds no study.

    Raises:
        StudyError: In one line.
    """
    for source in spec.warm_start:
        StudyDirectory(as_path(source, error=StudyError)).require()


def gather_warm_start(spec: StudySpec, data: Mapping[str, Any]) -> WarmStart:
    """Read the earlier studies that a spec names; nothing that they hold is executed.

    Args:
        spec: What is asked.
        data: What this study's manifest says of its data.

    Raises:
        StudyError: If a directory holds no study.
        AnalysisError: If its records cannot be read.
    """
    import analysis

    check_sources(spec)
    ranked: list[list[Mapping[str, Any]]] = []
    known: list[Known] = []
    said = []
    for source in spec.warm_start:
        study = analysis.load(source)
        legal, n_others = _rank_settings(study, spec.space)
        is_comparable = _is_comparable(study, spec, data)
        ranked.append([setting.params for setting in legal])
        known += legal if is_comparable else []
        said.append(_say(source, len(legal), n_others, is_comparable))
    turns = itertools.chain.from_iterable(itertools.zip_longest(*ranked))
    return WarmStart([params for params in turns if params is not None], known, said)


def _say(source: str, n_legal: int, n_others: int, is_comparable: bool) -> str:
    others = f", {n_others} {_are(n_others)} not" if n_others else ""
    learns = (
        "the sampler learns from them"
        if is_comparable
        else "the sampler does not learn from them, for data, objective, space or training differ"
    )
    return (
        f"Of {source}, {count(n_legal, 'setting')} that completed {_are(n_legal)} legal in this space"
        f"{others}; the best are proposed first, and {learns}."
    )


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _rank_settings(study: Study, space: Space) -> tuple[list[Known], int]:
    """Return the completed settings that are legal here, the best first, and how many are not."""
    from analysis.records.files import as_records
    from analysis.statistics.settings import summarize_settings

    facts = study.facts
    table = summarize_settings(study.trials, facts.objective, phase="search").dropna(subset="mean")
    table = table.sort_values("mean", ascending=not facts.maximizes, kind="stable")
    rows = as_records(table)
    legal = [
        Known(f"{study.name}/{row['setting']}", params, float(row["mean"]))
        for row in rows
        if (params := _read_setting(row, study.parameters, space)) is not None
    ]
    return legal, len(rows) - len(legal)


def _read_setting(row: Mapping[str, Any], names: Iterable[str], space: Space) -> dict[str, Any] | None:
    """Return a setting of a table as one of this space, None where it is not legal."""
    # Not equal to itself: a number that is missing from the table.
    given = {name: row[name] for name in names if row[name] is not None and row[name] == row[name]}
    params = {name: _restore(value, space.parameters.get(name)) for name, value in given.items()}
    try:
        space.validate(params)
    except SpaceError:
        return None
    return {name: params[name] for name in space.parameters if name in params}


def _restore(value: Any, domain: Domain | None) -> Any:
    """Undo what a table's column does to its values: whole numbers beside missing ones become floats."""
    value = value.item() if hasattr(value, "item") else value
    same: tuple[Any, ...] = ()
    if isinstance(domain, Choice):
        same = domain.choices
    elif isinstance(domain, Fixed):
        same = (domain.value,)
    elif isinstance(domain, Integer) and isinstance(value, float) and value.is_integer():
        return int(value)
    # True equals 1, but is another value.
    return next((s for s in same if s == value and isinstance(s, bool) == isinstance(value, bool)), value)


def _is_comparable(study: Study, spec: StudySpec, data: Mapping[str, Any]) -> bool:
    """Whether a figure of an earlier study is one that this study could have measured."""
    if isinstance(spec.design, SearchDesign) and spec.design.objectives:
        return False  # it has been recorded, but not for each setting as a sampler wants it
    document, earlier = spec.to_document(), study.spec
    theirs = study.manifest.get("data", {})
    prints = ("fingerprint", "split_fingerprint")
    return (
        all(document[key] == earlier.get(key) for key in _COMPARABLE)
        # The same texts may lie elsewhere: their fingerprint says whether they are the same.
        and document["data"] | {"source": None} == earlier.get("data", {}) | {"source": None}
        and all(theirs.get(name) == data[name] for name in prints)
    )
