"""What a study is asked to do: `study.yaml`, typed, frozen and checked before anything starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import inf
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)

from analysis.records.schema import Objective
from analysis.words.numbers import count
from search_spaces import Space, SpaceError, recurrent_space
from search_spaces.recurrent import RECURRENT_DOMAINS
from study.data import DataSpec
from study.data.messages import explain, quoted
from study.designs import KINDS, Design, SearchDesign
from study.errors import StudyError
from study.spec.origin import Origin, find_path
from study.spec.parameters import FURTHER_RULES, check_parameters

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Names that stay inside their folder and mean nothing to a shell, a page or a spreadsheet."""


def check_name(name: str) -> str:
    """Return a study's name unchanged.

    Raises:
        StudyError: If it could leave the output folder or upset a tool that reads it.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise StudyError(
            "a study's name is up to 64 letters, digits, '.', '_' or '-', the first a letter or digit: "
            f"{quoted(name)} is not; give it another"
        )
    return name


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


def _check_class_weight(value: object) -> object:
    if value in ("none", "balanced"):
        return value
    if isinstance(value, Mapping) and all(type(w) in (int, float) and 0 < w < inf for w in value.values()):
        return {str(name): float(weight) for name, weight in value.items()}
    raise ValueError(
        f"a class weight is none, balanced or a weight above 0 by class: {quoted(value)} is not; "
        "write e.g. {spam: 3}"
    )


ClassWeight = Annotated[Literal["none", "balanced"] | dict[str, float], BeforeValidator(_check_class_weight)]
"""All texts alike; each class as much in all as any other; or by name, 1 for a class that is not named."""


class Training(_Part):
    """How each trial is trained."""

    max_epochs: int = Field(default=6, ge=1)
    patience: int | None = Field(
        default=None, ge=1, description="end after this many epochs without a better one"
    )
    gradients: bool = Field(
        default=False, description="record how far back in time the loss's gradient reaches"
    )
    class_weight: ClassWeight = Field(
        default="none",
        description="balanced: each class counts alike; or weights by class, 1 if not named",
    )
    cells: Literal["auto", "keras"] = Field(
        default="auto", description="auto: compiled cells where they are valid; keras: never"
    )


class Resources(_Part):
    """What each trial gets, and when it is given up."""

    cpus_per_trial: int = Field(default=1, ge=1)
    gpus_per_trial: float = Field(default=0.0, ge=0.0)
    max_workers: int | None = Field(
        default=None, ge=1, description="runs at once, at most; as many as there is room for by default"
    )
    trial_timeout_s: float | None = Field(
        default=None, gt=0.0, description="a trial is killed after this long"
    )
    time_budget_s: float | None = Field(
        default=None, gt=0.0, description="the study stops, resumable, after this long"
    )
    retries: int = Field(default=1, ge=0, description="further attempts when a worker is lost")

    def limit(self, n_slots: int) -> int:
        """Return how many runs go at once where there is room for `n_slots`."""
        return n_slots if self.max_workers is None else min(n_slots, self.max_workers)


def read_space(value: object, *, has_own_parameters: bool) -> Space:
    """Read `space`: domains that replace the standard ones, alone or beside conditions and constraints.

    Args:
        value: A mapping of parameters to domains, or one with `parameters`, `conditions` and `constraints`.
        has_own_parameters: Whether names that are not standard are allowed: with a model of the user's own.

    Raises:
        SpaceError: If it is no space.
    """
    parts: Mapping[str, Any] = {"parameters": value}
    if isinstance(value, Mapping) and {"parameters", "conditions", "constraints"} & value.keys():
        parts = value
    given = parts.get("parameters", {})
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise SpaceError(
            f"a space is a mapping of parameters to domains: {quoted(given)} is not; see `study space`"
        )
    further = {name for name in given if name not in RECURRENT_DOMAINS}
    own = further if has_own_parameters else further & FURTHER_RULES.keys()
    standard = recurrent_space(**{name: domain for name, domain in given.items() if name not in own})
    parameters = standard.to_document()["parameters"] | {name: given[name] for name in own}
    return Space.from_document({**parts, "parameters": parameters})


SpaceField = Annotated[Space, PlainSerializer(lambda space: space.to_document(), return_type=dict)]


class StudySpec(_Part):
    """One study, complete: running the same spec again gives the same study."""

    name: str = Field(description="the study's folder is called so")
    description: str = ""
    seed: int = Field(default=0, ge=0, lt=2**32, description="every random number follows from it")
    seeds: int = Field(default=1, ge=1, le=1000, description="replicates of each setting")
    objective: Objective = "val_accuracy"
    margin: float = Field(
        default=0.5, gt=0, lt=100, strict=False, description="points of accuracy under which nobody would act"
    )
    data: DataSpec = DataSpec()
    model: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="package.module:function that builds a model of your own",
    )
    space: SpaceField = Field(default_factory=recurrent_space)
    design: Design = SearchDesign()
    warm_start: tuple[str, ...] = Field(
        default=(), strict=False, description="directories of studies whose best settings are proposed first"
    )
    training: Training = Training()
    resources: Resources = Resources()
    keep_models: int = Field(default=3, ge=0, description="models of this many best trials are saved")

    @field_validator("name")
    @classmethod
    def _name_stays_in_its_folder(cls, name: str) -> str:
        return check_name(name)

    @model_validator(mode="before")
    @classmethod
    def _space_is_read(cls, document: dict[str, Any]) -> dict[str, Any]:
        if isinstance(document.get("space"), Space) or "space" not in document:
            return document
        has_own_parameters = document.get("model") is not None
        return document | {"space": read_space(document["space"], has_own_parameters=has_own_parameters)}

    @model_validator(mode="after")
    def _design_suits_the_space(self) -> Self:
        self.design.check(self.space, self.training.max_epochs)
        if self.model is None:
            check_parameters(self.space)
        if self.training.class_weight != "none" and "class_weight" in self.space.parameters:
            raise StudyError(
                "training.class_weight is given once: the space has a parameter of that name; leave one out"
            )
        is_fixed = not isinstance(self.design, SearchDesign) or not self.design.learns
        if self.warm_start and is_fixed:
            raise StudyError(
                "a warm start is for a sampler that learns: this design draws or lists its settings in "
                "advance; leave warm_start out, or search with tpe"
            )
        return self

    def __init__(self, **document: Any) -> None:
        """Check the fields.

        Raises:
            StudyError: In one line: where, the rule, the value, the way out.
        """
        try:
            super().__init__(**document)
        except ValidationError as error:
            raise StudyError(explain(error, type(self), KINDS)) from error

    def __hash__(self) -> int:
        # Of what has one: equal specs have equal ones, which a dict of options among the rest has not.
        return hash((self.name, self.seed, self.seeds, self.space, self.design.kind))

    def __repr__(self) -> str:
        n_searched = count(len(self.space.dimensions), "parameter")
        said = f"{self.data.source_name}; {self.design.kind} over {n_searched}"
        end = f"{count(self.seeds, 'seed')}; at most {count(self.training.max_epochs, 'epoch')}"
        return f"<StudySpec {self.name}: {said}; {end}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from analysis.words.html import write_card

        rows = [("description", self.description)] if self.description else []
        rows += [
            ("data", f"source: {self.data.source}, {_write_line(self.data, but='source')}".rstrip(", ")),
            ("design", _write_line(self.design)),
            ("seeds", f"{self.seeds}, from seed {self.seed}"),
            ("objective", self.objective),
            ("training", _write_line(self.training)),
            ("resources", _write_line(self.resources)),
        ]
        return write_card(self.name, rows) + self.space._repr_html_()

    @classmethod
    def from_document(cls, document: object, source: str | Origin = "the spec") -> Self:
        """Check a parsed spec.

        Args:
            document: A mapping of keys to values, as a YAML spec holds it.
            source: What to call it in messages, with the text where it was read from one.

        Raises:
            StudyError: In one line: where, the rule, the value, the way out.
        """
        origin = Origin(source) if isinstance(source, str) else source
        if not isinstance(document, Mapping):
            raise StudyError(
                f"{origin.name}: a spec is a mapping of keys to values: {type(document).__name__} is not"
            )
        try:
            return cls(**{str(key): value for key, value in document.items()})
        except StudyError as error:
            assert isinstance(error.__cause__, ValidationError)
            path = find_path(error.__cause__, tuple(KINDS), document.get("space"))
            raise StudyError(f"{origin.place(path)}: {error}") from error

    def to_document(self) -> dict[str, Any]:
        """Return it as plain values, every default written out."""
        return self.model_dump(mode="json")


def _write_line(part: BaseModel, but: str = "") -> str:
    """Write a section on one line: each key with its value, but for those that are not set or empty."""
    given = part.model_dump(mode="json", exclude={but})
    unset: tuple[object, ...] = (None, [], {})
    return ", ".join(f"{key}: {value}" for key, value in given.items() if value not in unset)
