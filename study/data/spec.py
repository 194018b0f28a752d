"""What data a study is asked to use: the `data` section of study.yaml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from analysis.records.paths import as_path
from study.data.messages import explain, quoted
from study.errors import StudyError

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)  # which pydantic has no public name for

Side = Literal["pre", "post"]
"""The side of a sequence that is padded or cut: its beginning or its end."""

TokenRule = Literal["words", "words_and_punctuation", "chars", "bpe"]
"""How a text becomes tokens; `study.data.tokens.rule` has the rules."""

Quoting = Literal["double", "double-escaped", "single", "single-escaped", "escaped", "none"]
"""How fields that hold delimiters or line ends are written; `study.data.reading.dialects` has the rules."""

DELIMITER_NAMES = {
    "tab": "\t",
    "\\t": "\t",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "space": " ",
}
"""Delimiters that can be said by name, as a shell makes some hard to write."""

BUILT_IN_SOURCES = ("docstrings", "imdb", "recall", "reuters")
"""Sources that are a word, not a path."""

_NOTEBOOK_DEFAULTS: dict[str, str] = {"tokens": "words", "padding": "pre", "truncation": "pre"}
# A docstring says what it is about in its first sentence and is half punctuation: its beginning is worth more
# than its end, and its brackets and colons more than nothing.
_DOCSTRING_DEFAULTS: dict[str, str] = {
    "tokens": "words_and_punctuation",
    "padding": "pre",
    "truncation": "post",
}


class _InOneLine(ModelMetaclass):
    """Models that are refused in one line where they are called; as sections of a spec, with the spec."""

    def __call__(self, *args: Any, **given: Any) -> Any:
        try:
            return super().__call__(*args, **given)
        except ValidationError as error:
            raise StudyError(explain(error, cast("type[BaseModel]", self))) from error


class _Section(BaseModel, metaclass=_InOneLine):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def __setattr__(self, name: str, value: object) -> None:
        raise StudyError(
            f"a {type(self).__name__} stays as it is: {name}={quoted(value)} cannot be set; make another one"
        )


class RecallSpec(_Section):
    """The synthetic task `recall`: of many markers the last decides, a known distance before the end."""

    distance: int = Field(
        default=20, ge=0, description="noise tokens after the last marker, at least; at most twice"
    )
    length: int = Field(default=60, ge=1, description="tokens in a text")
    alphabet: int = Field(default=8, ge=1, le=10_000, description="different noise tokens")
    n_texts: int = Field(default=4_000, ge=10, le=10_000_000, description="texts generated")
    seed: int = Field(default=0, ge=0, description="of the texts and labels")

    @model_validator(mode="after")
    def _marker_lies_inside(self) -> RecallSpec:
        if 2 * self.distance >= self.length:
            message = (
                f"length must be above twice the distance, or the marker lies before the text: "
                f"distance={self.distance}, length={self.length}; raise length or lower distance"
            )
            raise ValueError(message)
        return self


class RareClasses(_Section):
    """What to do with classes that have too few texts to be learnt and judged."""

    below: int = Field(default=5, ge=1, description="a class with fewer texts is rare")
    do: Literal["error", "drop", "merge"] = Field(
        default="error", description="refuse them, leave them out, or make them one class"
    )


class DataSpec(_Section):
    """Where texts come from, how they are split and how they become sequences of integers.

    A field that is None takes the source's own default; `resolved` fills it in.
    """

    source: str = Field(
        default="docstrings",
        min_length=1,
        description="docstrings, imdb, recall, reuters, or a path: a table, a folder of tables or of texts",
    )
    test: str | None = Field(
        default=None, min_length=1, description="path of the test split, where it lies elsewhere"
    )
    text: str | tuple[str, ...] | None = Field(
        default=None, description="column of the texts, or several that are joined; found where none is given"
    )
    label: str | None = Field(
        default=None, min_length=1, description="column of the labels; found where none is given"
    )
    split: str | None = Field(
        default=None, min_length=1, description="column of the splits; found where none is given"
    )
    encoding: str | None = Field(
        default=None, min_length=1, description="of the file, as Python names it; found where none is given"
    )
    delimiter: str | None = Field(
        default=None, min_length=1, description="between fields, or tab, space ...; found where none is given"
    )
    quoting: Quoting | None = Field(
        default=None, description="how fields are quoted or escaped; found where none is given"
    )
    header: bool | None = Field(
        default=None, description="whether the first row names the columns; found where it is not given"
    )
    class_names: str | None = Field(
        default=None,
        min_length=1,
        description="path of a file with the name of each class number, one a line",
    )
    validation_fraction: float = Field(
        default=0.2, gt=0, lt=1, description="share of the training rows to validate on, where none are given"
    )
    test_fraction: float = Field(
        default=0.1, gt=0, lt=1, description="share of the rows to seal as test, where none are given"
    )
    validate_on: Literal["validation", "test"] = Field(
        default="validation",
        description="test: choose on the test split, as the notebook did; nothing stays sealed then",
    )
    split_seed: int = Field(default=0, ge=0, description="of the cuts and limits")
    limit_train: int | None = Field(default=None, ge=1, description="training texts at most, stratified")
    limit_validation: int | None = Field(
        default=None, ge=1, description="validation texts at most, stratified"
    )
    limit_test: int | None = Field(default=None, ge=1, description="test texts at most, stratified")
    rare_classes: RareClasses = RareClasses()
    tokens: TokenRule | None = None
    padding: Side | None = Field(default=None, description="side that is filled where a text is short")
    truncation: Side | None = Field(default=None, description="side that is cut where a text is long")
    recall: RecallSpec = RecallSpec()

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> DataSpec:
        if self.validation_fraction + self.test_fraction >= 1:
            message = (
                "validation_fraction + test_fraction must be below 1, or nothing is left to train on: "
                f"{self.validation_fraction} + {self.test_fraction}; lower one of them"
            )
            raise ValueError(message)
        return self

    @field_validator("source", "test", "class_names", mode="before")
    @classmethod
    def _paths_are_text(cls, path: object) -> object:
        return os.fspath(path) if isinstance(path, os.PathLike) else path

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_written_out(cls, delimiter: str | None) -> str | None:
        return DELIMITER_NAMES.get(delimiter or "", delimiter)

    @field_validator("text")
    @classmethod
    def _columns_have_names(cls, text: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if text is not None and (not text or not all(text)):
            message = f"text must name a column, or several: got {text!r}; name them, or leave it out"
            raise ValueError(message)
        return text[0] if isinstance(text, tuple) and len(text) == 1 else text

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns of texts that were asked for."""
        return (self.text,) if isinstance(self.text, str) else self.text or ()

    @property
    def is_built_in(self) -> bool:
        """Whether the source is a word of ours and not a path."""
        return self.source in BUILT_IN_SOURCES

    @property
    def source_name(self) -> str:
        """The source as a reader should see it: without the folders that led to it."""
        return self.source if self.is_built_in else Path(self.source).name

    @classmethod
    def require(cls, given: object) -> DataSpec:
        """Return what is a spec unchanged.

        Raises:
            StudyError: If it is something else.
        """
        if not isinstance(given, DataSpec):
            raise StudyError(
                f"texts are asked for by a DataSpec: {quoted(given)} is {type(given).__name__}; write "
                "DataSpec(source=...)"
            )
        return given

    def resolved(self) -> DataSpec:
        """This spec with every default of its source written out, and its path made absolute."""
        defaults = _DOCSTRING_DEFAULTS if self.source == "docstrings" else _NOTEBOOK_DEFAULTS
        given: dict[str, Any] = {name: getattr(self, name) or value for name, value in defaults.items()}
        if not self.is_built_in:
            given["source"] = str(as_path(self.source).absolute())
        for key in ("test", "class_names"):
            if path := getattr(self, key):
                given[key] = str(as_path(path).absolute())
        return self.model_copy(update=given)
