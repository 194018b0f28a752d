"""Published accuracies on the IMDB reviews of Maas et al. (2011).

Learned from 25,000 texts, tested on 25,000. Test accuracies from the paper named; where a source gives an
error, 1 minus it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Published:
    """One published figure: what was trained, its test accuracy in [0, 1], where it stands."""

    model: str
    accuracy: float
    source: str
    recurrent: bool
    extra_data: bool = False


IMDB = (
    Published(
        "multinomial naive Bayes, words", 0.8355, "Wang & Manning 2012, in TopicRNN, arXiv 1611.01702", False
    ),
    Published("SVM, word pairs", 0.8916, "Wang & Manning 2012, in TopicRNN, arXiv 1611.01702", False),
    Published("NB-SVM, word pairs", 0.9122, "Wang & Manning 2012, in TopicRNN, arXiv 1611.01702", False),
    Published(
        "bag of words + unlabelled texts",
        0.8889,
        "Maas et al. 2011, in TopicRNN, arXiv 1611.01702",
        False,
        True,
    ),
    Published("LSTM, tuned, dropout", 0.8650, "Dai & Le 2015, in TopicRNN, arXiv 1611.01702", True),
    Published(
        "LSTM started from word2vec", 0.9000, "Dai & Le 2015, in TopicRNN, arXiv 1611.01702", True, True
    ),
    Published(
        "LSTM pretrained (SA-LSTM)", 0.9276, "Dai & Le 2015, in TopicRNN, arXiv 1611.01702", True, True
    ),
    Published(
        "biLSTM, unlabelled embeddings", 0.9406, "Johnson & Zhang 2016, in arXiv 1605.07725", True, True
    ),
    Published("biLSTM, adversarial, pretrained", 0.9409, "Miyato et al. 2017, arXiv 1605.07725", True, True),
)
"""From the least to the most that was learned beyond the labelled texts."""


_FEWEST = 2_000
"""Other sets of texts from IMDB are smaller: 1,000 sentences (Kotzias et al., 2015)."""


def concerns(source: str, n_classes: int, n_texts: int | None) -> bool:
    """Whether a study's texts are the IMDB reviews, or a part of them worth the name.

    Args:
        source: What the study calls its texts.
        n_classes: Of them.
        n_texts: Texts of the source, limits or not; None where that is not known.
    """
    return "imdb" in source.lower() and n_classes == 2 and (n_texts is None or n_texts >= _FEWEST)


def imdb_table() -> pd.DataFrame:
    """The published figures as a table: `model, test_accuracy, extra_data, recurrent, source`."""
    return pd.DataFrame(
        {
            "model": [entry.model for entry in IMDB],
            "test_accuracy": [entry.accuracy for entry in IMDB],
            "extra_data": [entry.extra_data for entry in IMDB],
            "recurrent": [entry.recurrent for entry in IMDB],
            "source": [entry.source for entry in IMDB],
        }
    )
