"""What each character is to a token: part of a word, a mark of its own, or carried by what stands before it.

Python's regular expressions and TensorFlow's know different releases of Unicode, and TensorFlow's lower
case depends on the locale. So classes and folding are read once from Python's own tables, and handed to
whoever needs them; `study.data.tokens.rule` says what is done with them.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

# Breaks of lines that may be, and directions of writing: nothing that a reader sees, and no part of a word.
_INVISIBLE = "\u00ad\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_SURROGATES = "\ud800-\udfff"
_ODD = re.compile(f"[{_INVISIBLE}{_SURROGATES}]")
REPLACEMENT = "\ufffd"
"""What stands for bytes that are no character."""

# What parts words, all of it: the zero-width space does where no other is written.
_SPACES = re.compile("[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000]")
_ASCII_SPACES = dict.fromkeys(b"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f", " ")

# Blocks of the scripts that are written without spaces between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u109f"  # Tibetan, Burmese
    # Khmer, Tai, Balinese, Javanese, more Burmese
    "\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\ua980-\ua9ff\uaa60-\uaa7f"
    "\u2e80-\u2fdf\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d"  # radicals, kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"  # Han
)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Classes:
    """Insides of classes of a regular expression, of folded text, in which each space is a plain one.

    Attributes:
        word: Letters, digits and other numbers, and the underscore.
        carried: Combining marks and joiners: part of whatever stands before them.
    """

    word: str
    carried: str


PLAIN = Classes(word=r"\w", carried="\u0300")
"""For texts without a character that is carried: a class has to hold one, and this is none of theirs."""


@cache
def spelled_out() -> Classes:
    """The classes as ranges of characters, which Python and RE2 read alike; made in half a second."""
    kinds = ((code, _kind_of(chr(code))) for code in range(sys.maxunicode + 1))
    ranges: dict[str, list[str]] = {"word": [], "carried": [], "": []}
    for kind, run in groupby(kinds, key=lambda pair: pair[1]):
        codes = [code for code, _ in run]
        ranges[kind].append(f"{chr(codes[0])}-{chr(codes[-1])}" if len(codes) > 1 else chr(codes[0]))
    return Classes("".join(ranges["word"]), "".join(ranges["carried"]))


@cache
def carried_characters() -> frozenset[str]:
    """All characters that are carried."""
    return frozenset(re.findall(f"[{spelled_out().carried}]", "".join(map(chr, range(sys.maxunicode + 1)))))


def _kind_of(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LN" or character == "_":
        return "word"
    is_carried = category[0] == "M" or category == "Cf"
    return "carried" if is_carried and not _SPACES.match(character) and not _ODD.match(character) else ""


def fold(text: str) -> str:
    """A text as all that means the same is written: decomposed (NFD), lower case, one kind of space.

    Nothing invisible is left, and ends of lines are spaces too. Decomposed and not composed, since each
    character then folds by itself: what a graph of TensorFlow's can do. The Greek sigma that ends a word is
    written as any other, for the same reason. Half a surrogate pair becomes the replacement character, as
    where it is decoded.
    """
    if text.isascii():
        return text.lower().translate(_ASCII_SPACES)
    visible = _ODD.sub(lambda found: REPLACEMENT if "\ud800" <= found[0] <= "\udfff" else "", text)
    visible = _SPACES.sub(" ", visible)
    return unicodedata.normalize("NFD", visible).lower().replace("\u03c2", "\u03c3")


def folded_characters() -> Iterator[tuple[int, str]]:
    """Each code point that `fold` changes, and what it becomes: perhaps nothing, perhaps several characters.

    Applied one by one, then with marks put in the order of their combining classes, this is `fold`.
    """
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code <= 0xDFFF and (folded := fold(chr(code))) != chr(code):
            yield code, folded


def combining_classes() -> Iterator[tuple[int, int]]:
    """Each code point with a combining class above 0, and the class."""
    for code in range(sys.maxunicode + 1):
        if combining := unicodedata.combining(chr(code)):
            yield code, combining


def share_unspaced(text: str) -> float:
    """The share in [0, 1] of a text's letters whose script is written without spaces between words."""
    n_unspaced = len(_UNSPACED.findall(text))
    return n_unspaced / max(1, n_unspaced + len(_LETTER.findall(_UNSPACED.sub("", text))))
