"""The search space: named domains, when each applies, and what must hold between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from search_spaces import composing, schemas, settings, tables
from search_spaces.core import Core
from search_spaces.domains.codec import domain_document
from search_spaces.drawing import enumeration, nearness, sampling
from search_spaces.errors import SpaceError, hint_name, shorten

DOCUMENT_KEYS = ("parameters", "conditions", "constraints", "defaults")


class Space(Core):
    """A search space: a value that never changes, with equality and hash.

    What it holds and what is legal in it stands in `Core`, each further method in a module of its own.

    Order counts: it is that of the unit cube's coordinates, so spaces that differ in it draw differently.

    Args:
        parameters: Domain of each parameter, as an object or in the compact notation of `codec`.
        conditions: For each parameter that is not always there, the expression that says when it is.
        constraints: Expressions that every setting satisfies; what an inactive parameter leaves undecided
            counts as satisfied.
        defaults: A value for some of the searched parameters, where a search may well begin.

    Raises:
        SpaceError: If a name, domain, expression or default is bad, or if conditions go in a circle.
    """

    __slots__ = ()

    union = composing.union
    restrict = composing.restrict
    fix = composing.fix
    rename = composing.rename
    prefix = composing.prefix

    uniform = composing.uniform

    default_setting = settings.default_setting
    nest = settings.nest
    resolve = settings.resolve

    sample = sampling.sample
    draw = sampling.draw
    grid = enumeration.grid
    size = enumeration.size

    neighbours = nearness.neighbours
    distance = nearness.distance

    json_schema = schemas.json_schema
    __repr__ = tables.write_repr
    __rich__ = tables.build_rich_table
    _repr_html_ = tables.write_html

    def warnings(self) -> list[str]:
        """What is legal but likely a slip of the pen, see `warnings.list_warnings`."""
        from search_spaces.warnings import list_warnings  # here, as in `core`

        return list_warnings(self)

    @classmethod
    def require(cls, given: object) -> None:
        """Refuse whatever is no space, a dict of domains say.

        Raises:
            SpaceError: If it is none.
        """
        if not isinstance(given, cls):
            raise SpaceError(f"a space is a search_spaces.Space, not {given!r}: make one, Space({{...}}).")

    # ---- documents

    def to_document(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars in compact notation; `from_document` gives the same space back."""
        document: dict[str, Any] = {
            "parameters": {name: domain_document(domain) for name, domain in self._parameters.items()}
        }
        if self._conditions:
            document["conditions"] = {name: e.text for name, e in self._conditions.items()}
        if self._constraints:
            document["constraints"] = [constraint.text for constraint in self._constraints]
        if self._defaults:
            document["defaults"] = dict(self._defaults)
        return document

    @classmethod
    def from_document(cls, document: object) -> Self:
        """The space that a document denotes: its keys are `DOCUMENT_KEYS`, of which the first is needed.

        Raises:
            SpaceError: If a key is unknown, or something is not of its form.
        """
        if not isinstance(document, Mapping):
            raise SpaceError(f"a space is a mapping with the key 'parameters', not {document!r}: write one.")
        for key in document:
            if key not in DOCUMENT_KEYS:
                hint = hint_name(str(key), DOCUMENT_KEYS)
                raise SpaceError(f"unknown key {shorten(key)} of a space: {hint}", (str(key),))
        parts = {"conditions": {}, "constraints": [], "defaults": {}, **document}
        for key, kind, form in (
            ("parameters", Mapping, "a mapping from names to domains"),
            ("conditions", Mapping, "a mapping from names to expressions"),
            ("constraints", Sequence, "a list of expressions"),
            ("defaults", Mapping, "a mapping from names to values"),
        ):
            part = parts.get(key)
            if not isinstance(part, kind) or isinstance(part, str):
                raise SpaceError(f"{key!r} of a space is {form}, not {part!r}: write it so.", (key,))
        return cls(**parts)

    def to_yaml(self) -> str:
        """The document as YAML, readable by hand."""
        from search_spaces.documents import dump_document

        return dump_document(self.to_document())

    @classmethod
    def from_yaml(cls, text: str, source: str = "space") -> Self:
        """The space in a YAML document.

        Args:
            text: The document, see `documents.load_document`.
            source: Where it comes from, for messages.

        Raises:
            SpaceError: If it is no YAML, or no space; the message starts with source:line:column.
        """
        from search_spaces.documents import find_place, load_document

        if not isinstance(text, str):
            raise SpaceError(f"YAML is text, not {text!r}: read it first, Path(...).read_text() of a file.")
        document = load_document(text, source)
        try:
            return cls.from_document(document)
        except SpaceError as error:
            line, column = find_place(text, error.path)
            raise SpaceError(f"{source}:{line}:{column}: {error}", error.path) from None

    # ---- what other tools write; `adapters` translate what lives in memory

    @classmethod
    def from_wandb(cls, source: Any) -> Self:
        """The space of a sweep of Weights & Biases, see `formats.wandb.read_wandb`."""
        from search_spaces.formats.wandb import read_wandb

        return cls.from_document(read_wandb(source))

    @classmethod
    def from_katib(cls, source: Any) -> Self:
        """The space of an Experiment of Katib, see `formats.katib.read_katib`."""
        from search_spaces.formats.katib import read_katib

        return cls.from_document(read_katib(source))

    @classmethod
    def from_nni(cls, source: Any) -> Self:
        """The search space of an experiment of NNI, see `formats.nni.read_nni`."""
        from search_spaces.formats.nni import read_nni

        return cls.from_document(read_nni(source))

    @classmethod
    def from_synetune(cls, source: Any) -> Self:
        """The space of Syne Tune's JSON, see `formats.synetune.read_synetune`."""
        from search_spaces.formats.synetune import read_synetune

        return cls.from_document(read_synetune(source))

    @classmethod
    def from_kerastuner(cls, source: Any) -> Self:
        """The space of KerasTuner's JSON, see `formats.kerastuner.read_kerastuner`."""
        from search_spaces.formats.kerastuner import read_kerastuner

        return cls.from_document(read_kerastuner(source))

    @classmethod
    def from_ax(cls, source: Any) -> Self:
        """The space of an Ax experiment, see `formats.ax.read_ax`."""
        from search_spaces.formats.ax import read_ax

        return cls.from_document(read_ax(source))

    @classmethod
    def from_vizier(cls, source: Any) -> Self:
        """The space of a study of Vizier, see `formats.vizier.read_vizier`."""
        from search_spaces.formats.vizier import read_vizier

        return cls.from_document(read_vizier(source))
