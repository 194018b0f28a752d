"""YAML text to plain objects and back, safely and without surprises.

Differences from PyYAML's `safe_load`, each for a reason:

- size and depth are bounded, aliases and tags refused: a few hundred bytes of aliases unfold to gigabytes;
- a key given twice is an error, not the last one's silent victory;
- `1e-3` is a number, as in JSON and YAML 1.2 (PyYAML reads text);
- what YAML 1.1 and 1.2 read differently (`yes`, `010`, `12:30`, `1_000`) is refused unless it is quoted;
- every error says source:line:column.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import yaml

from search_spaces.errors import DocumentError

MAX_BYTES = 1_000_000
"""Longest document, as UTF-8."""

MAX_DEPTH = 32
"""Deepest nesting of lists and mappings."""

MAX_DIGITS = 40
"""Longest number, in characters; a double needs 24."""

MAX_INLINE = 80
"""Widest mapping that is written on one line, in characters."""

_TEXT, _FLOAT_TAG = "tag:yaml.org,2002:str", "tag:yaml.org,2002:float"
_AMBIGUOUS_TAG = "!ambiguous"  # never written: it only differs from _TEXT, which makes the emitter quote
# libyaml reads ten times as fast; where PyYAML came without it, its own parser gives the same events
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNREADABLE = yaml.reader.Reader.NON_PRINTABLE
_FOLDED = re.compile("[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff]")  # what only escapes carry through unharmed
_REPRESENTER = yaml.representer.SafeRepresenter()

_CONSTANTS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_AMBIGUOUS_WORDS = frozenset(
    form for word in ("yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper())
) | {"<<", "="}
_AMBIGUOUS_NUMBER = re.compile(
    r"[-+]?(0b[01_]+|0o?[0-9_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
    r"|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)"
)


def load_document(text: str, source: str) -> Any:
    """The object that one YAML document denotes: dicts, lists, text, numbers, truth values, None.

    Args:
        text: One document of at most `MAX_BYTES`, nested at most `MAX_DEPTH` deep; empty text is None.
        source: Where it comes from, a file's name say; the start of every message.

    Raises:
        DocumentError: If it is no such document; the message starts with source:line:column.
    """
    if (size := len(text.encode("utf-8", "surrogatepass"))) > MAX_BYTES:
        raise DocumentError(
            f"{source}:1:1: a document has at most {MAX_BYTES} bytes, and this one has {size}: "
            "keep data in files of their own."
        )
    if unreadable := _UNREADABLE.search(text):
        before = text[: unreadable.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise DocumentError(
            f"{source}:{line}:{column}: YAML holds no character U+{ord(unreadable[0]):04X}: "
            "delete or escape it."
        )
    try:
        return _Reader(text, source).read()
    except yaml.MarkedYAMLError as error:
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"{source}:{line}:{column}: this is not YAML ({problem}): correct it here."
        raise DocumentError(" ".join(message.split())) from None


def find_place(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Where something stands in a document that `load_document` has read.

    Args:
        text: The document.
        path: Keys and list indices that lead to it; what is not there is looked for as far as it goes.

    Returns:
        Line and column, from 1: of the last key of the path, or of the list's item.
    """
    node = yaml.compose(text, Loader=_LOADER)
    mark = node.start_mark if node else None
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step], node.value[step]
        else:
            found = None
        if found is None:
            break
        mark, node = found[0].start_mark, found[1]
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


class _Reader:
    """Builds objects from the parser's events, so that bounds hold before anything is built."""

    def __init__(self, text: str, source: str) -> None:
        self._source = source
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)

    def read(self) -> Any:
        event = self._next()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self._value(event, depth=0)
        self._next()  # the document's end
        if not isinstance(event := self._next(), yaml.StreamEndEvent):
            self._fail(event, "one document is read, and here a second one starts: split the file.")
        return value

    def _next(self) -> yaml.Event:
        return next(self._events)

    def _value(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            self._fail(event, f"aliases are refused, and *{event.anchor} is one: write its value out.")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            self._fail(event, f"tags are refused, and {tag} is one: leave it out.")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth == MAX_DEPTH:
            self._fail(event, f"nesting ends at depth {MAX_DEPTH}, and this is deeper: flatten it.")
        return self._list(depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(depth)

    def _list(self, depth: int) -> list[Any]:
        values = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, str):
                self._fail(event, f"keys are text, and {key!r} is not: put it in quotes.")
            if key in mapping:
                self._fail(event, f"a key stands once, and {key!r} stands twice: delete one.")
            mapping[key] = self._value(self._next(), depth + 1)
        return mapping

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        text = event.value
        if not event.implicit[0]:  # quoted, or a block of text
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _is_ambiguous(text):
            self._fail(
                event,
                f"YAML readers disagree about {text[:MAX_DIGITS]}: put it in quotes for text, write "
                "true or false for a truth value, a decimal for a number.",
            )
        if not _FLOAT.fullmatch(text):
            return text
        if len(text) > MAX_DIGITS:
            self._fail(event, f"numbers have at most {MAX_DIGITS} characters, not {len(text)}: shorten it.")
        if _INTEGER.fullmatch(text):
            return int(text)
        if math.isinf(number := float(text)):
            self._fail(event, f"{text} is beyond the largest double: write a smaller number, or .inf.")
        return number

    def _fail(self, event: yaml.Event, message: str) -> NoReturn:
        mark = event.start_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise DocumentError(f"{self._source}:{place}: {message}")


def _is_ambiguous(text: str) -> bool:
    if text in _AMBIGUOUS_WORDS:
        return True
    return bool(_AMBIGUOUS_NUMBER.fullmatch(text)) and not _FLOAT.fullmatch(text)


def dump_document(document: Any) -> str:
    """YAML that `load_document` reads back exactly, laid out for the eye: short leaves on one line.

    Args:
        document: Dicts with text keys, lists or tuples, text, numbers, truth values, None; nested at most
            `MAX_DEPTH` deep.

    Raises:
        DocumentError: If it holds something else.
    """
    text: str = yaml.serialize(_represent(document, depth=0), Dumper=_Dumper, allow_unicode=True, width=110)
    return text.removesuffix("...\n")  # PyYAML's end mark after a document of one plain scalar


class _Dumper(yaml.SafeDumper):
    """Quotes text that `load_document`, or a reader of YAML 1.1, would take for something else."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # PyYAML asks for no indent only outside flow: lists stand indented under their key
        super().increase_indent(flow, indentless=indentless and flow)

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        if kind is yaml.ScalarNode and implicit[0] and tag == _TEXT and not _reads_as_text(value):
            return _FLOAT_TAG if _FLOAT.fullmatch(value) else _AMBIGUOUS_TAG
        return tag


def _reads_as_text(text: str) -> bool:
    return text not in _CONSTANTS and not _is_ambiguous(text) and not _FLOAT.fullmatch(text)


def _represent(value: Any, depth: int) -> yaml.Node:
    if type(value) is str and _FOLDED.search(value):
        return yaml.ScalarNode(_TEXT, value, style='"')
    if type(value) in (str, bool, int, float, type(None)):
        return _REPRESENTER.represent_data(value)
    if not isinstance(value, (dict, list, tuple)):
        raise DocumentError(
            f"a document holds no {type(value).__name__}, and {value!r} is one: convert it first."
        )
    if depth == MAX_DEPTH:
        raise DocumentError(
            f"a document nests at most {MAX_DEPTH} deep, and this one goes deeper: flatten it."
        )
    return _represent_mapping(value, depth) if isinstance(value, dict) else _represent_list(value, depth)


def _represent_list(values: list[Any] | tuple[Any, ...], depth: int) -> yaml.Node:
    nodes = [_represent(value, depth + 1) for value in values]
    inline = all(isinstance(node, yaml.ScalarNode) and " " not in node.value for node in nodes)
    return yaml.SequenceNode("tag:yaml.org,2002:seq", nodes, flow_style=inline)


def _represent_mapping(mapping: dict[Any, Any], depth: int) -> yaml.Node:
    for key in mapping:
        if type(key) is not str:
            raise DocumentError(f"a document's keys are text, and {key!r} is not: convert it first.")
    pairs = [(_represent(key, depth + 1), _represent(value, depth + 1)) for key, value in mapping.items()]
    width = sum(_inline_width(node) for pair in pairs for node in pair)
    inline = not pairs or (depth > 0 and width <= MAX_INLINE)
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=inline)


def _inline_width(node: yaml.Node) -> float:
    """Characters that `node` takes on one line; infinite where it should not stand on one."""
    if isinstance(node, yaml.ScalarNode):
        return len(node.value) + 2 if " " not in node.value else math.inf
    if isinstance(node, yaml.SequenceNode) and node.flow_style:
        return sum(_inline_width(child) for child in node.value) + 2
    return math.inf
