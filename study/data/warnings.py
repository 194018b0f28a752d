"""What may spoil a study of a data set, each with its number and a way out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import get_args

import numpy as np

from analysis.words.numbers import count, count_of
from study.data.corpus import Corpus
from study.data.encoding import FIRST_WORD, UNKNOWN, EncodedCorpus
from study.data.messages import quoted
from study.data.spec import TokenRule
from study.data.splits import SPLITS
from study.data.tokens.characters import share_unspaced

_KNOWN, _MAJORITY, _UNSPACED = 0.85, 0.8, 0.2
_FEW_TEXTS, _FEW_TO_VALIDATE, _MANY_NUMBERS = 20, 200, 12
_UNEVEN = (0.25, 1.5)
"""Times its even share that a class has, at most or at least, where classes are said to be unequal."""

_SHOWN = 5
_SAMPLED = 2_000
_LONG = 0.1


@dataclass(frozen=True)
class Repeats:
    """Texts that occur more than once.

    Attributes:
        n_repeated: Texts, over all splits, that occurred before in the same words.
        n_shared: Training texts that another split has too.
        n_contradicting: Different texts that stand under two labels or more.
    """

    n_repeated: int
    n_shared: int
    n_contradicting: int


def count_repeats(corpus: Corpus) -> Repeats:
    """Count the texts of all splits that occur more than once; none of them is shown."""
    training = Counter(corpus.texts_of("train"))
    others = set(corpus.texts_of("validation")) | set(corpus.texts_of("test", open_test=True))
    pairs = set(zip(corpus.texts, corpus.labels.tolist(), strict=True))
    labels_of_text = Counter(text for text, _ in pairs)
    return Repeats(
        n_repeated=len(corpus.texts) - len(labels_of_text),
        n_shared=sum(n for text, n in training.items() if text in others),
        n_contradicting=sum(n_labels > 1 for n_labels in labels_of_text.values()),
    )


def find_warnings(corpus: Corpus, encoded: EncodedCorpus, longest: int | None = None) -> list[str]:
    """Sentences on what may spoil a study of these texts; none where nothing may.

    Args:
        corpus: The texts.
        encoded: The same as integers.
        longest: The longest `sequence_length` that will be tried, None if nobody knows.
    """
    return [
        *_on_rows(corpus),
        *_on_tokens(corpus, encoded, longest),
        *_on_classes(corpus),
        *_on_sizes(corpus),
        *_on_repeats(corpus),
    ]


def explain_classes(corpus: Corpus) -> list[str]:
    """Say what the largest class alone would reach, where classes are so unequal that accuracy hides it."""
    counts = corpus.splits.class_counts(corpus.labels, len(corpus.classes))
    train, validation = counts[:, SPLITS.index("train")], counts[:, SPLITS.index("validation")]
    largest, smallest = int(train.argmax()), int(train.argmin())
    share = float(validation[largest] / max(1, validation.sum()))
    least = float(train[smallest] / max(1, train.sum()))
    if share * len(corpus.classes) < _UNEVEN[1] and least * len(corpus.classes) > _UNEVEN[0]:
        return []
    # Of the largest class precision is its share and recall 1; all others have an F1 of 0.
    macro_f1 = 2 * share / (1 + share) / len(corpus.classes)
    names = [quoted(corpus.classes[number]) for number in (largest, smallest)]
    return [
        f"Classes are unequal: always saying {names[0]} is right for {share:.1%} of the validation texts "
        f"(macro-F1 {macro_f1:.2f}), so that an accuracy near it is none; the smallest class, {names[1]}, "
        f"has {count(int(train[smallest]), 'training text')}. --set objective=val_macro_f1 judges settings "
        "with each class alike; --set training.class_weight=balanced trains them so."
    ]


def explain_tokens(corpus: Corpus, encoded: EncodedCorpus) -> str:
    """Say what the tokens are, and why where the script decided it."""
    share = _share_unspaced(corpus)
    if encoded.tokens == "chars" and share > _UNSPACED:
        return f"tokens: chars, as {share:.0%} of the letters are of a script without spaces between words"
    return f"tokens: {encoded.tokens}"


def _share_unspaced(corpus: Corpus) -> float:
    texts = corpus.texts[:: max(1, len(corpus.texts) // _SAMPLED)]
    return share_unspaced("\n".join(text[:500] for text in texts))


def _on_rows(corpus: Corpus) -> list[str]:
    left_out = corpus.reading.left_out if corpus.reading else {}
    n_read = corpus.reading.n_read if corpus.reading else 0
    return [
        f"{count_of(n_rows, n_read, 'row')} left out ({reason}): complete "
        f"{'it' if n_rows == 1 else 'them'}, or go on without"
        for reason, n_rows in left_out.items()
        if reason != "rare class"
    ]


def _on_tokens(corpus: Corpus, encoded: EncodedCorpus, longest: int | None) -> list[str]:
    found = []
    is_validation = np.zeros(len(encoded.offsets) - 1, dtype=bool)
    is_validation[encoded.splits.validation] = True
    ids = encoded.ids[np.repeat(is_validation, np.diff(encoded.offsets))]
    n_tokens = int((ids >= UNKNOWN).sum())
    known = float((ids >= FIRST_WORD).sum()) / max(1, n_tokens)
    unspaced = _share_unspaced(corpus)
    n_words = encoded.n_ids - FIRST_WORD
    if unspaced > _UNSPACED and encoded.tokens.startswith("words") and known < _KNOWN:
        found.append(
            f"{unspaced:.0%} of the letters are of a script without spaces between words, so that a whole "
            f"sentence counts as a word and {known:.1%} of the validation tokens are known: put spaces "
            f"between words{_smaller('chars')}"
        )
    elif known < _KNOWN:
        found.append(
            f"{known:.1%} of the validation tokens occur in training, even with all {n_words:,} words: bring "
            f"more texts{_smaller('bpe')}"
        )
    lengths = np.diff(encoded.offsets)[encoded.splits.train] - 1
    if longest is not None and (share := float(np.mean(lengths > longest))) > _LONG:
        reach = int(np.quantile(lengths, 0.95))
        found.append(
            f"{share:.0%} of the training texts are longer than {longest}, the longest sequence_length "
            f"tried: 95% have at most {reach:,} tokens; try more, e.g. --set "
            f"'space.sequence_length=[{longest}, {min(2 * longest, reach)}]'"
        )
    return found


def _on_classes(corpus: Corpus) -> list[str]:
    counts = corpus.splits.class_counts(corpus.labels, len(corpus.classes))
    totals = counts.sum(axis=1)
    found = []
    share = float(totals.max() / totals.sum())
    if share > _MAJORITY:
        name = quoted(corpus.classes[int(totals.argmax())])
        found.append(
            f"{share:.1%} of the texts are of the class {name}, and always saying so is as accurate: "
            "compare with the line of the majority class, or balance the texts"
        )
    ascending = np.argsort(totals, kind="stable").tolist()
    few = [number for number in ascending if counts[number, 0] < _FEW_TEXTS]
    if few:
        shown = ", ".join(f"{quoted(corpus.classes[n])} ({counts[n, 0]})" for n in few[:_SHOWN])
        more = f" and {len(few) - _SHOWN} more" if len(few) > _SHOWN else ""
        have, them = ("has", "it") if len(few) == 1 else ("have", "them")
        found.append(
            f"{len(few)} of {len(corpus.classes)} classes {have} under {_FEW_TEXTS} training texts, "
            f"{shown}{more}: little is learnt of {them}; bring more, or --rare-classes merge or drop with "
            f"--set data.rare_classes.below={_FEW_TEXTS}"
        )
    absent = [name for name, n in zip(corpus.classes, counts[:, 2], strict=True) if not n]
    if absent and len(corpus.splits.sealed_test):
        said, them = f"1 class has no text in the test split, {quoted(absent[0])}", "it"
        if len(absent) > 1:
            said = f"{len(absent)} classes have no text in the test split, {quoted(absent[0])} among them"
            them = "them"
        found.append(f"{said}: what is confirmed there says nothing of {them}; bring texts of {them}")
    return found


def _on_sizes(corpus: Corpus) -> list[str]:
    counts = corpus.splits.class_counts(corpus.labels, len(corpus.classes))
    found = []
    if len(corpus.classes) > _MANY_NUMBERS and all(_is_number(name) for name in corpus.classes):
        found.append(
            f"the {len(corpus.classes)} labels are all numbers: if they measure something, this is "
            "a regression, and near misses count as errors here; put them into a few classes, or name "
            "another column with --label"
        )
    n_validation = counts[:, SPLITS.index("validation")].sum()
    if n_validation < _FEW_TO_VALIDATE:
        found.append(
            f"{count(int(n_validation), 'text')} {'validates' if n_validation == 1 else 'validate'}, so that "
            f"one is {1 / max(1, n_validation):.1%} of "
            "accuracy: small differences are noise; bring more texts, or raise data.validation_fraction"
        )
    return found


def _on_repeats(corpus: Corpus) -> list[str]:
    repeats, n_texts = count_repeats(corpus), len(corpus.texts)
    found = []
    if repeats.n_repeated:
        they = "it counts" if repeats.n_repeated == 1 else "they count"
        found.append(
            f"{count(repeats.n_repeated, 'text')} of {n_texts:,} occurred before: {they} more than "
            "others; remove repeats where they are none of the matter"
        )
    if repeats.n_shared:
        found.append(
            f"{count(repeats.n_shared, 'training text')} also in the validation or test split, where "
            "memory scores and not skill: remove them from one of the two"
        )
    if repeats.n_contradicting:
        found.append(
            f"{count(repeats.n_contradicting, 'text')} under two labels: no model gets both right; correct "
            "the labels"
        )
    return found


def _smaller(rule: str) -> str:
    """Advice to take smaller tokens, where there are such."""
    return f", or take smaller tokens (--tokens {rule})" if rule in get_args(TokenRule) else ""


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
