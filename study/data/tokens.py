"""How a text becomes tokens."""

from __future__ import annotations

import re
from collections.abc import Callable

from study.data.spec import TokenRule

# Keras's Tokenizer replaces these by the space it then splits at; the apostrophe stays part of its word.
_FILTERED = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_TO_SPACE = str.maketrans(dict.fromkeys(_FILTERED, " "))
_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")


def tokenizer(rule: TokenRule) -> Callable[[str], list[str]]:
    """The function that cuts a text into tokens by a rule.

    `words`: lower case, punctuation but the apostrophe removed, cut at spaces, as Keras's `Tokenizer` does.
    `words_and_punctuation`: lower case; runs of letters, digits and underscores, and each other mark alone.
    """
    return _words if rule == "words" else _words_and_punctuation


def _words(text: str) -> list[str]:
    return [word for word in text.lower().translate(_TO_SPACE).split(" ") if word]


def _words_and_punctuation(text: str) -> list[str]:
    return _WORD_OR_MARK.findall(text.lower())
