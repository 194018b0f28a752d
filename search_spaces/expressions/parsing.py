"""Text to expression.

Grammar, weakest binding first (`A if B` without `else` reads "A is demanded where B holds"):

    expression := either ["if" either ["else" expression]]
    either     := both ("or" both)*
    both       := negation ("and" negation)*
    negation   := "not" negation | comparison
    comparison := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)*
                | sum ["not"] "in" "[" expression, ... "]"
    sum        := product (("+" | "-") product)*
    product    := signed (("*" | "/" | "//" | "%") signed)*
    signed     := "-" signed | atom
    atom       := number | 'text' | "text" | true | false | null | name | `any name`
                | (min | max | abs) "(" expression, ... ")" | "(" expression ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from search_spaces.errors import SpaceError
from search_spaces.expressions import Expression
from search_spaces.expressions.evaluation import FUNCTIONS
from search_spaces.expressions.nodes import (
    Binary,
    Call,
    Comparison,
    Conditional,
    Literal,
    Logic,
    Membership,
    Name,
    Node,
    Unary,
)
from search_spaces.expressions.writing import CONSTANTS, ESCAPES, KEYWORDS, build_expression, check_length

MAX_DEPTH = 20
"""Deepest nesting of brackets, `not` and signs."""

MAX_OPERATORS = 50
"""Most arithmetic operators, each of which may deepen the tree by one."""

_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
    |(?P<quoted>`[^`\n]+`)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<symbol><=|>=|==|!=|//|[<>+\-*/%(),\[\]])
    |(?P<end>$)
    |(?P<other>.))""",
    re.VERBOSE | re.DOTALL,
)


def parse_expression(text: str) -> Expression:
    """The expression that `text` writes; its own text is the canonical form.

    Args:
        text: At most `writing.MAX_LENGTH` characters of the grammar above.

    Raises:
        SpaceError: If it is no expression; the message says at which character.
    """
    if not isinstance(text, str):
        raise SpaceError(f"an expression is text such as 'layers >= 2', not {text!r}: put it in quotes.")
    check_length(text)
    return build_expression(_Parser(text).parse())


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [
            (m.lastgroup or "", m.group().strip(), m.start(m.lastgroup or 0)) for m in _scan(text)
        ]
        self._index = 0
        self._depth = 0
        self._count = 0

    def parse(self) -> Node:
        node = self._expression()
        if self._kind != "end":
            self._fail("an operator or the end is expected here")
        return node

    @property
    def _kind(self) -> str:
        return self._tokens[self._index][0]

    @property
    def _word(self) -> str:
        kind, word, _ = self._tokens[self._index]
        return word if kind in ("symbol", "name") else ""

    def _fail(self, problem: str) -> NoReturn:
        _, word, start = self._tokens[self._index]
        excerpt = self._text if len(self._text) <= 60 else f"{self._text[:60]}..."
        raise SpaceError(
            f"{excerpt!r}, character {start + 1} ({word or 'the end'}): {problem}: "
            'write something like units * layers <= 256 if cell == "lstm".'
        )

    def _take(self, *words: str) -> str | None:
        word = self._word
        if word and word in words:
            self._index += 1
            return word
        return None

    def _expect(self, word: str) -> None:
        if self._take(word) is None:
            self._fail(f"{word!r} is expected here")

    def _nested(self, rule: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"nesting ends at depth {MAX_DEPTH}")
        node = rule()
        self._depth -= 1
        return node

    def _expression(self) -> Node:
        node = self._either()
        if self._take("if") is None:
            return node
        condition = self._either()
        otherwise = self._nested(self._expression) if self._take("else") else None
        return Conditional(node, condition, otherwise)

    def _either(self) -> Node:
        return self._logic("or", self._both)

    def _both(self) -> Node:
        return self._logic("and", self._negation)

    def _logic(self, word: str, rule: Callable[[], Node]) -> Node:
        operands = [rule()]
        while self._take(word):
            operands.append(rule())
        return operands[0] if len(operands) == 1 else Logic(word, tuple(operands))

    def _negation(self) -> Node:
        if self._take("not"):
            return Unary("not", self._nested(self._negation))
        return self._comparison()

    def _comparison(self) -> Node:
        operands, operators = [self._sum()], []
        while operator := self._take(*_COMPARISONS):
            operators.append(operator)
            operands.append(self._sum())
        if operators:
            return Comparison(tuple(operators), tuple(operands))
        negated = self._take("not") is not None
        if negated or self._word == "in":
            self._expect("in")
            self._expect("[")
            return Membership(operands[0], self._arguments("]"), negated)
        return operands[0]

    def _sum(self) -> Node:
        return self._arithmetic(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._arithmetic(("*", "/", "//", "%"), self._signed)

    def _arithmetic(self, operators: tuple[str, ...], rule: Callable[[], Node]) -> Node:
        node = rule()
        while operator := self._take(*operators):
            self._count += 1
            if self._count > MAX_OPERATORS:
                self._fail(f"arithmetic has at most {MAX_OPERATORS} operators")
            node = Binary(operator, node, rule())
        return node

    def _signed(self) -> Node:
        if self._take("-") is None:
            return self._atom()
        operand = self._nested(self._signed)
        if isinstance(operand, Literal) and type(operand.value) in (int, float):
            return Literal(-operand.value)  # type: ignore[operator]
        return Unary("-", operand)

    def _atom(self) -> Node:
        kind, word, _ = self._tokens[self._index]
        if self._take("("):
            node = self._nested(self._expression)
            self._expect(")")
            return node
        if word in FUNCTIONS and kind == "name":
            self._index += 1
            self._expect("(")
            return Call(word, self._arguments(")"))
        node_ = self._leaf(kind, word)
        self._index += 1
        return node_

    def _leaf(self, kind: str, word: str) -> Node:
        if kind == "number":
            return self._number(word)
        if kind == "text":
            return Literal(self._unescape(word))
        if kind == "quoted":
            return Name(word[1:-1])
        if kind == "name" and word in CONSTANTS:
            return Literal(CONSTANTS[word])
        if kind != "name" or word in KEYWORDS:
            self._fail("a value, a parameter or a bracket is expected here")
        return Name(word)

    def _number(self, word: str) -> Literal:
        if len(word) > 40:
            self._fail("a number has at most 40 characters")
        if word.isdigit():
            return Literal(int(word))
        number = float(word)
        if number == float("inf"):
            self._fail("a number is at most 1.8e308")
        return Literal(number)

    def _unescape(self, word: str) -> str:
        def replace(match: re.Match[str]) -> str:
            if match[1] not in ESCAPES:
                self._fail(f"\\{match[1]} is no escape (known: {' '.join(map(repr, ESCAPES))})")
            return ESCAPES[match[1]]

        return re.sub(r"\\(.)", replace, word[1:-1], flags=re.DOTALL)

    def _arguments(self, closing: str) -> tuple[Node, ...]:
        arguments = [self._nested(self._expression)]
        while self._take(","):
            arguments.append(self._nested(self._expression))
        self._expect(closing)
        return tuple(arguments)


def _scan(text: str) -> list[re.Match[str]]:
    matches = list(_TOKEN.finditer(text))
    end = next(index for index, match in enumerate(matches) if match.lastgroup == "end")
    return matches[: end + 1]
