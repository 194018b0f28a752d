"""Parts of words, learned by byte-pair encoding of characters with Hugging Face's `tokenizers`.

A part is a character, or two parts that were merged since they stood side by side most often; the merges
come in the order in which they were learned. So the vocabulary of any size is the beginning of that of a
larger one, and a text cut by the larger is cut by the smaller where the last merges are undone
(`study.data.views`).

Source: Sennrich, Haddow & Birch (2016), section 3.2.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from study.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_PARTS = 50_000
"""Characters and merges that are learned, at most: the largest vocabulary that makes a difference."""

MIN_MERGED = 2
"""Two parts are merged if they stand side by side so often in the training split."""

_UNKNOWN = " "  # no token holds a space


def learn_parts(spaced: Iterable[str]) -> list[str]:
    """Learn the parts of the tokens of texts, each given with a space between its tokens.

    Returns:
        One line a part: the characters that occur, most frequent first, then each merge as the two parts
        that it joins, with a space between them, in the order learned. No two lines make the same part.

    Raises:
        EnvironmentFaultError: If `tokenizers` is not installed.
    """
    lines = list(spaced)
    characters = Counter("".join(lines))
    del characters[" "]
    alphabet = sorted(characters, key=lambda character: (-characters[character], character))[:MAX_PARTS]
    known, merges = set(alphabet), []
    for left, right in _learn_merges(lines):
        # Two ways to the same part: the first is kept, so that each part is made of two in one way.
        if left in known and right in known and left + right not in known:
            known.add(left + right)
            merges.append(f"{left} {right}")
    return [*alphabet, *merges][:MAX_PARTS]


def _learn_merges(lines: list[str]) -> list[tuple[str, str]]:
    _require_tokenizers()
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    trainer = trainers.BpeTrainer(vocab_size=MAX_PARTS, min_frequency=MIN_MERGED, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


def parts_of(lines: Sequence[str], first_id: int) -> NDArray[np.int32]:
    """What each part is made of: ids of shape (first_id + len(lines), 2), zeros for a single character."""
    parts = np.zeros((first_id + len(lines), 2), dtype=np.int32)
    ids: dict[str, int] = {}
    for number, line in enumerate(lines, first_id):
        left, _, right = line.partition(" ")
        ids[left + right] = number
        if right:
            parts[number] = ids[left], ids[right]
    return parts


def cut_tokens(
    tokens: Sequence[str], lines: Sequence[str], first_id: int, unknown: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Cut tokens into parts.

    Args:
        tokens: Each without a space.
        lines: The parts, as `learn_parts` returns them.
        first_id: The id of the first; the others follow.
        unknown: The id of a character that is no part.

    Returns:
        The ids of all parts, one token after the other; where each token begins in them and the last ends.

    Raises:
        EnvironmentFaultError: If `tokenizers` is not installed.
    """
    cutter = _make_cutter(lines, first_id, unknown)
    cut = [encoding.ids for encoding in cutter.encode_batch_fast(list(tokens))]
    offsets = np.zeros(len(cut) + 1, dtype=np.int64)
    np.cumsum([len(ids) for ids in cut], out=offsets[1:])
    return np.fromiter((id_ for ids in cut for id_ in ids), np.int32, int(offsets[-1])), offsets


def _make_cutter(lines: Sequence[str], first_id: int, unknown: int) -> Tokenizer:
    _require_tokenizers()
    from tokenizers import Tokenizer, models

    pairs = [line.partition(" ") for line in lines]
    ids = {left + right: number for number, (left, _, right) in enumerate(pairs, first_id)}
    merges = [(left, right) for left, _, right in pairs if right]
    return Tokenizer(models.BPE(ids | {_UNKNOWN: unknown}, merges, unk_token=_UNKNOWN))


def _require_tokenizers() -> None:
    try:
        import tokenizers  # noqa: F401
    except ImportError as error:
        raise EnvironmentFaultError(
            "tokens: bpe needs Hugging Face's tokenizers, which is not installed; "
            "pip install 'recurrent-study[bpe]', or choose other tokens"
        ) from error
