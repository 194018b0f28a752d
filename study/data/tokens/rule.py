"""How a text becomes tokens: one rule for studies, `study predict` and the graphs that leave the project.

A text is folded (`study.data.tokens.characters.fold`), then cut by a few regular expressions. Python
applies them here; an exported model holds the same expressions and a table of the same folding.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.data.spec import TokenRule
from study.data.tokens.characters import PLAIN, Classes, carried_characters, fold, share_unspaced, spelled_out

SPACE_MARK = "▁"
"""Stands for a space inside a token, where spaces are part of what is read."""

UNSPACED_SHARE = 0.5
"""Texts with more of their letters than this in scripts without spaces are read character by character."""

_SAMPLE_CHARACTERS = 1_000_000

# Keras's Tokenizer replaces these by the space it then splits at; the apostrophe stays part of its word.
_FILTERED = r"!\"#$%&()*+,\-./:;<=>?@\[\\\]\^_`{|}~"
# A syllable of Hangul, decomposed, as Unicode's grapheme clusters put it together (UAX 29, GB6 to GB8); else
# the consonants that stand alone.
_LEADING, _VOWELS, _TRAILING = (
    "\u1100-\u115f\ua960-\ua97c",
    "\u1160-\u11a7\ud7b0-\ud7c6",
    "\u11a8-\u11ff\ud7cb-\ud7fb",
)
_JAMO = _LEADING + _VOWELS + _TRAILING
_SYLLABLE = f"[{_LEADING}]*[{_VOWELS}]+[{_TRAILING}]*|[{_LEADING}]+|[{_TRAILING}]+"
_ASCII_FILTERED = dict.fromkeys(b'!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~', " ")


class Rule(NamedTuple):
    """How a folded text becomes tokens, in the syntax of regular expressions that Python and RE2 share.

    Attributes:
        rewritings: What is matched, and what is written in its place, one after the other.
        token: What is a token of the rewritten text; None where they are what stands between spaces.
    """

    rewritings: tuple[tuple[str, str], ...]
    token: str | None


def rule_of(kind: TokenRule, classes: Classes) -> Rule:
    """The rule of one kind of tokens.

    `words`: punctuation but the apostrophe removed, cut at spaces, as Keras's `Tokenizer` does.
    `words_and_punctuation`: runs of letters, digits and underscores; each other mark alone.
    `chars`: each character alone; spaces between others are one `SPACE_MARK`.
    `bpe`: as `words_and_punctuation`, a token that follows a space begun by `SPACE_MARK`; these are what
    `study.data.tokens.subwords` cuts into parts.
    Combining marks belong to what they stand on.
    """
    word, carried = classes.word, classes.carried
    run = f"[{word}{carried}]+|[^ {word}{carried}][{carried}]*"
    match kind:
        case "words":
            return Rule(((f"[{_FILTERED}][{carried}]*", " "),), None)
        case "words_and_punctuation":
            return Rule((), run)
        case "chars":
            letter = f"[^{_JAMO}{carried}][{carried}]*|(?:{_SYLLABLE})[{carried}]*|[{carried}]+"
            return Rule((("^ +| +$", ""), (" +", SPACE_MARK)), letter)
        case "bpe":
            cut = ((" +$", ""), ("^ *([^ ])", rf"{SPACE_MARK}\1"), (" +", SPACE_MARK))
            return Rule(cut, f"{SPACE_MARK}?(?:{run})")


@cache
def _compile(
    kind: TokenRule, is_plain: bool
) -> tuple[list[tuple[re.Pattern[str], str]], re.Pattern[str] | None]:
    rule = rule_of(kind, PLAIN if is_plain else replace(PLAIN, carried=spelled_out().carried))
    rewritings = [(re.compile(pattern), rewrite) for pattern, rewrite in rule.rewritings]
    return rewritings, None if rule.token is None else re.compile(rule.token)


def space_out(text: str, kind: TokenRule) -> str:
    """The tokens of a text with one space or more between them; composed (NFC), but decomposed for `bpe`."""
    is_ascii, spaced = text.isascii(), fold(text)
    if is_ascii and kind == "words":  # the rule, in a tenth of its time
        return spaced.translate(_ASCII_FILTERED)
    rewritings, token = _compile(kind, is_ascii or carried_characters().isdisjoint(spaced))
    for pattern, rewrite in rewritings:
        spaced = pattern.sub(rewrite, spaced)
    if is_ascii and kind == "chars":  # likewise
        return " ".join(spaced)
    if token is not None:
        spaced = " ".join(token.findall(spaced))
    # Composed for those who read a vocabulary. Parts of words are learned and cut from what a graph sees.
    return spaced if is_ascii or kind == "bpe" else unicodedata.normalize("NFC", spaced)


def suggest_tokens(texts: Sequence[str], default: TokenRule) -> TokenRule:
    """`chars` where most letters are of scripts without spaces between words, else `default`.

    A million characters decide, those of the first texts.
    """
    sample, n_characters = [], 0
    for text in texts:
        sample.append(text)
        n_characters += len(text)
        if n_characters >= _SAMPLE_CHARACTERS:
            break
    is_unspaced = share_unspaced("\n".join(sample)[: 2 * _SAMPLE_CHARACTERS]) > UNSPACED_SHARE
    return "chars" if is_unspaced else default


def number_tokens(
    texts: Sequence[str], kind: TokenRule
) -> tuple[list[str], NDArray[np.int32], NDArray[np.int64]]:
    """Cut texts into tokens and number each different token as it first appears.

    Arrow splits and numbers them: half the time of Python's own split and dictionary.

    Returns:
        The different tokens by number; the numbers of all tokens of all texts, one text after the other; and
        where each text begins in them and the last ends, shape (n_texts + 1,).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    spaced = pa.array([space_out(text, kind) for text in texts], pa.large_string())
    lists = pc.split_pattern(spaced, " ")
    encoded = lists.flatten().dictionary_encode()
    tokens: list[str] = encoded.dictionary.to_pylist()
    numbers = encoded.indices.to_numpy()
    # Two spaces in a row have nothing between them, and that is no token.
    is_token = numbers != (tokens.index("") if "" in tokens else -1)
    n_before = np.concatenate([[0], np.cumsum(is_token)])
    return tokens, numbers[is_token], n_before[lists.offsets.to_numpy()]
