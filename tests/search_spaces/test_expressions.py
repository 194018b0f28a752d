from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import Choice, Integer, Real, Space, SpaceError
from search_spaces.expressions import Expression
from search_spaces.expressions.parsing import parse_expression
from search_spaces.expressions.writing import MAX_LENGTH, rename_expression

PARAMS = {"a": 3, "b": 0.5, "flag": True, "cell": "rnn", "none": None, "learning rate": 2}
DOMAINS = Space(
    {
        "a": Integer(-9, 9),
        "b": Real(-9, 9),
        "flag": Choice([True, False]),
        "cell": Choice(["rnn", "gru"]),
        "none": Choice([None, 1]),
        "learning rate": Integer(1, 3),
    }
)

NUMBERS = st.sampled_from(
    [("a", "a"), ("b", "b"), ("2", "2"), ("0.25", "0.25"), ("-1", "(-1)"), ("1e1", "10.0")]
)


def arithmetic(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    binary = st.builds(
        lambda left, op, right: (f"({left[0]}) {op} {right[0]}", f"(({left[1]}) {op} ({right[1]}))"),
        inner,
        st.sampled_from("+-*"),
        NUMBERS,
    )
    call = st.builds(
        lambda name, x, y: (f"{name}({x[0]}, {y[0]})", f"{name}({x[1]}, {y[1]})"),
        st.sampled_from(["min", "max"]),
        inner,
        inner,
    )
    sign = st.builds(lambda x: (f"-({x[0]})", f"(-({x[1]}))"), inner)
    return st.one_of(binary, call, sign)


def logic(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    joined = st.builds(
        lambda x, op, y: (f"({x[0]}) {op} ({y[0]})", f"(({x[1]}) {op} ({y[1]}))"),
        inner,
        st.sampled_from(["and", "or"]),
        inner,
    )
    implied = st.builds(
        lambda x, y: (f"({x[0]}) if ({y[0]})", f"(({x[1]}) if ({y[1]}) else True)"), inner, inner
    )
    negated = st.builds(lambda x: (f"not ({x[0]})", f"(not ({x[1]}))"), inner)
    return st.one_of(joined, implied, negated)


SUMS = st.recursive(NUMBERS, arithmetic, max_leaves=4)
FACTS = st.one_of(
    st.builds(
        lambda x, op, y: (f"{x[0]} {op} {y[0]}", f"({x[1]}) {op} ({y[1]})"),
        SUMS,
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        SUMS,
    ),
    st.sampled_from(
        [
            ("flag", "flag"),
            ("cell == 'rnn'", "cell == 'rnn'"),
            ('cell not in ["gru", "lstm"]', "cell not in ['gru', 'lstm']"),
            ("none == null", "none is None"),
            ("1 < a <= 3 < 4", "1 < a <= 3 < 4"),
            ("true", "True"),
        ]
    ),
)
STATEMENTS = st.recursive(FACTS, logic, max_leaves=5)


@given(pair=STATEMENTS)
@settings(max_examples=100)
def test_expressions_agree_with_python(pair: tuple[str, str]) -> None:
    text, python = pair

    assert parse_expression(text).evaluate(PARAMS) is eval(python, {}, dict(PARAMS))  # noqa: S307


@given(pair=STATEMENTS)
@settings(max_examples=100)
def test_the_canonical_text_reads_back_to_the_same_expression(pair: tuple[str, str]) -> None:
    expression = parse_expression(pair[0])

    again = parse_expression(expression.text)

    assert again.node == expression.node
    assert again.text == expression.text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("units*layers<=256", "units * layers <= 256"),
        ("x<=400 if cell=='rnn'", 'x <= 400 if cell == "rnn"'),
        ("((a))>(1+2)*3-(4-5)", "a > (1 + 2) * 3 - (4 - 5)"),
        ("a - (b + 1) > 0", "a - (b + 1) > 0"),
        ("(a - b) + 1 > 0", "a - b + 1 > 0"),
        ("not (a > 1 and b > 2)", "not (a > 1 and b > 2)"),
        ("(a > 1 or b > 2) and flag", "(a > 1 or b > 2) and flag"),
        ("- -a > --1", "--a > 1"),
        ("(a > 1 if flag) if b > 2", "(a > 1 if flag) if b > 2"),
        ("a > 1 if flag else (b > 2 if flag)", "a > 1 if flag else b > 2 if flag"),
        ("(flag == true) == (a > 1)", "(flag == true) == (a > 1)"),
        (
            "`learning rate` > 1 and `in` == 'a\\'b\"c\\\\d'",
            '`learning rate` > 1 and `in` == "a\'b\\"c\\\\d"',
        ),
        ("encoder.units>2", "encoder.units > 2"),
        ("x in ['a']and y not in[1,-2,null,True]", 'x in ["a"] and y not in [1, -2, null, true]'),
        ("max(a,min(1,2))>abs(-3)", "max(a, min(1, 2)) > abs(-3)"),
        ("1e-3<x", "0.001 < x"),
    ],
)
def test_text_is_brought_into_one_form(text: str, canonical: str) -> None:
    assert parse_expression(text).text == canonical
    assert parse_expression(canonical).text == canonical


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", 1),
        ("a >", 4),
        ("a > 1 b", 7),
        ("a = 1", 3),
        ("(a > 1", 7),
        ("a in 1", 6),
        ("a in []", 7),
        ("a not b", 7),
        ("min > 1", 5),
        ("and > 1", 1),
        ("a > 'x", 5),
        ("a == 'x\\q'", 6),
        ("__import__('os')", 11),
        ("a[0] > 1", 2),
        ("a ** 2 > 1", 4),
        ("lambda: 1", 7),
        ("a.__class__ > (b := 1)", 18),
        ("a > 1e999", 5),
        ("a > " + "1" * 41, 5),
        ("a; b", 2),
        ("a > ²", 5),
        ("(" * 50 + "a", 22),
        ("not " * 50 + "a", 85),
        ("a" + "+a" * 60, 103),
    ],
)
def test_what_is_no_expression_is_refused_at_its_character(text: str, place: int) -> None:
    with pytest.raises(SpaceError, match=f"character {place} ") as caught:
        parse_expression(text)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["a" * (MAX_LENGTH + 1), 3, None, ["a > 1"]])
def test_what_is_too_long_or_no_text_is_refused(text: object) -> None:
    with pytest.raises(SpaceError):
        parse_expression(text)  # type: ignore[arg-type]


@given(
    text=st.one_of(
        st.text(max_size=50), st.text(alphabet="ab12.()[]<>=!+-*/% '\"`\\,notifelsend", max_size=80)
    )
)
@settings(max_examples=300)
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        expression = parse_expression(text)
    except SpaceError:
        return
    assert parse_expression(expression.text) == expression


@pytest.mark.slow
@given(text=st.text(alphabet="ab12.()[]<>=!+-*/% '\"`\\,notifelsend", min_size=3, max_size=60))
@settings(max_examples=10_000)
def test_ten_thousand_hostile_texts_are_expressions_or_refused(text: str) -> None:
    try:
        expression = parse_expression(text)
    except SpaceError:
        return
    assert parse_expression(expression.text) == expression


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("gone > 1", None),
        ("gone > 1 and a > 5", False),
        ("gone > 1 and a > 1", None),
        ("gone > 1 or a > 1", True),
        ("gone > 1 or a > 5", None),
        ("not gone > 1", None),
        ("a > 5 if gone > 1", None),
        ("gone > 5 if a > 5", True),
        ("gone > 5 if a > 1", None),
        ("gone in [1]", None),
        ("a in [gone, 3]", True),
        ("a in [gone, 4]", None),
        ("a not in [gone, 3]", False),
        ("max(gone, a) > 1", None),
        ("1 < gone < 0", None),
    ],
)
def test_what_needs_an_inactive_parameter_is_undecided(text: str, value: bool | None) -> None:
    assert parse_expression(text).evaluate(PARAMS) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("flag == true", True),
        ("flag in [true]", True),
        ("a == 3.0", True),
        ("none == null", True),
        ("cell != 'gru'", True),
        ("7 // 2 == 3 and 7 % 4 == 3 and 7 / 2 == 3.5", True),
        ("-a == -3", True),
        ("2 + 3 * 4 == 14", True),
        ("10 - 3 - 2 == 5", True),
        ("false or not false and true", True),
    ],
)
def test_operators_mean_what_they_mean_in_python(text: str, value: bool) -> None:
    assert parse_expression(text).evaluate(PARAMS) is value


def test_true_is_not_one() -> None:
    assert Space({"x": [1, "a"]}, {}, ["x in [1, 'b']"]).is_legal({"x": 1})
    assert parse_expression("x == true").evaluate({"x": 1}) is False
    assert parse_expression("x in [true]").evaluate({"x": 1}) is False


@pytest.mark.parametrize("text", ["a / (a - 3) > 1", "a // (a - 3) > 1", "a % (a - 3) > 1"])
def test_division_by_zero_says_for_which_values(text: str) -> None:
    with pytest.raises(SpaceError, match=r"cannot be computed for .*'a': 3"):
        parse_expression(text).evaluate(PARAMS)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a + 1", "needs a truth value where it has a + 1, a number"),
        ("cell", "needs a truth value where it has cell, a text"),
        ("a and flag", "needs a truth value where it has a, a number"),
        ("not cell", "needs a truth value where it has cell"),
        ("cell < 'z'", "needs a number where it has cell, a text"),
        ("flag + 1 > 0", "needs a number where it has flag, a truth value"),
        ("-cell > 1", "needs a number where it has cell"),
        ("max(cell, 1) > 1", "max takes numbers alone"),
        ("none > 0", "needs a number where it has none, a null or number"),
        ("flag == 1", "which never agree"),
        ("cell == 1", "which never agree"),
        ("a in ['3']", "which never agree"),
        ("a if flag", "add else"),
        ("(a if flag else cell) == true", "which never agree"),
        ("a > 1 if a", "needs a truth value where it has a"),
    ],
)
def test_operators_that_do_not_fit_their_operands_are_refused_with_the_space(text: str, fault: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space(DOMAINS.parameters, {}, [text])

    assert fault in str(caught.value)


def test_names_are_listed_once_and_renamed_everywhere() -> None:
    expression = parse_expression("a > b if min(a, -c) in [b, 1] else not (d or a == 1)")

    renamed = rename_expression(expression, {"a": "x y", "d": "if"})

    assert expression.names == ("a", "b", "c", "d")
    assert renamed.text == "`x y` > b if min(`x y`, -c) in [b, 1] else not (`if` or `x y` == 1)"


def test_text_that_grows_beyond_the_limit_is_refused_for_it_could_not_be_read_back() -> None:
    crowded = "a in [" + "1," * 8000 + "1]"  # 16,008 characters, 24,008 with a space after each comma

    with pytest.raises(SpaceError, match="not 24008"):
        parse_expression(crowded)


def test_equal_expressions_are_one_in_a_set() -> None:
    assert len({parse_expression("a>1"), parse_expression("(a) > 1"), parse_expression("a > 1.0")}) == 2
    assert str(parse_expression("a>1")) == "a > 1"
    assert isinstance(parse_expression("a>1"), Expression)


@pytest.mark.parametrize(
    "text",
    [
        "x + y == 0.3",
        "0.1 + 0.2 == 0.3",
        "3 * x == 0.3",
        "z // x == 3",
        "z % x == 0",
        "x + y <= z",
        "max(x + y, 0) in [0.3]",
        "-(x + y) == -z",
        "(x + y if true else z) == 0.3",
        "1 / 3 * 3 == 1",
    ],
)
def test_arithmetic_is_that_of_the_numbers_as_written(text: str) -> None:
    params = {"x": 0.1, "y": 0.2, "z": 0.3}

    assert parse_expression(text).evaluate(params) is True
    assert parse_expression(text).evaluate({n: np.float64(v) for n, v in params.items()}) is True


def test_an_expression_survives_pickling_after_it_was_evaluated() -> None:
    expression = parse_expression("a > 1")
    expression.evaluate({"a": 2})

    again = pickle.loads(pickle.dumps(expression))  # noqa: S301

    assert again == expression
    assert again.evaluate({"a": 2}) is True
