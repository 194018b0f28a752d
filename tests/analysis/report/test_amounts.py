"""What the report says of a study of several amounts of training text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Study, summarize
from analysis.plots import accuracy_by_amount
from analysis.records.amounts import AmountLine
from analysis.report.advice import advise
from analysis.report.chapters.amounts import amounts_chapter, read_amounts
from analysis.report.chapters.beat import beat_chapter
from analysis.report.content import Grid
from analysis.statistics.evidence import Evidence
from analysis.words.numbers import points
from tests.analysis.conftest import synthetic

ACCURACY = {1000: 0.70, 2000: 0.77, 4000: 0.82, 8000: 0.86}


@pytest.fixture
def make_curve(make_study: Callable[..., Study]) -> Callable[..., Study]:
    """Makes a study of one LSTM at four amounts under three seeds, beside a line so much ahead at each."""
    params = {"cell": "lstm", "bidirectional": True, "units": 64, "layers": 2, "vocab_size": 15000}
    rest = {"sequence_length": 150, "learning_rate": 0.001, **synthetic.FIXED}
    plan = {"params": params | rest, "fail_fraction": 0, "prune_fraction": 0, "n_trials": 4, "n_seeds": 3}

    def make(ahead: list[float]) -> Study:
        study = make_study(**plan, n_validation=5000)
        sizes = study.trials["trial"].map(dict(enumerate(ACCURACY)))
        luck = study.trials["replicate"].map({1: -0.004, 2: 0.0, 3: 0.004})
        trials = study.trials.assign(train_size=sizes, val_accuracy=sizes.map(ACCURACY) + luck)
        lines = [
            AmountLine("NB-SVM", size, 1000 + replicate, ACCURACY[size] + lead, 1.0)
            for size, lead in zip(ACCURACY, ahead, strict=False)
            for replicate in (1, 2, 3)
        ]
        return replace(
            study,
            trials=trials,
            parameters=(*study.parameters, "train_size"),
            lines_by_amount=pd.DataFrame(lines, columns=list(AmountLine._fields)),
        )

    return make


def test_the_findings_say_what_more_text_brought_and_would_bring(make_curve: Callable[..., Study]) -> None:
    (finding,) = [f for f in summarize(make_curve([0.1, 0.08, 0.06, 0.04])) if f.kind == "amounts"]

    assert "From 1,000 to 8,000 training texts, accuracy rises from 70.0% to 86.0%" in finding.text
    assert "Twice as many, 16,000, would bring about " in finding.text
    assert "NB-SVM, fitted on the same texts, is ahead at every amount: by 10.0 points at 1,000 and 4.0 " in (
        finding.text
    )
    assert finding.anchor == "amounts"


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (
            [-0.1, -0.1, -0.1, -0.1],
            "is behind at every amount: by 10.0 points at 1,000 and 10.0 points at 8,000",
        ),
        (
            [0.1, 0.08, 0.0, -0.06],
            "is ahead at 1,000 and 2,000; behind at 8,000; not to be told apart at 4,000.",
        ),
    ],
)
def test_where_the_line_stands_is_said_amount_by_amount(
    make_curve: Callable[..., Study], ahead: list[float], said: str
) -> None:
    assert said in read_amounts(Evidence(make_curve(ahead)))


def test_without_lines_nothing_is_said_of_them(make_curve: Callable[..., Study]) -> None:
    study = make_curve([])

    assert "fitted on the same texts" not in read_amounts(Evidence(study))
    assert amounts_chapter(Evidence(study)) is not None


def test_the_chapter_shows_its_figure_with_its_table(make_curve: Callable[..., Study]) -> None:
    evidence = Evidence(make_curve([0.1, 0.08, 0.06, 0.04]))

    chapter = amounts_chapter(evidence)

    assert chapter is not None
    assert [block.name for block in chapter.blocks if hasattr(block, "name")] == [
        "accuracy-by-amount", "accuracy-by-amount", "more-text",
    ]  # fmt: skip
    (axes,) = accuracy_by_amount(evidence).axes
    (curve, line) = axes.get_lines()
    assert curve.get_xdata().tolist() == list(ACCURACY)  # type: ignore[union-attr]
    assert np.allclose(curve.get_ydata(), list(ACCURACY.values()))
    assert np.allclose(line.get_ydata(), [0.80, 0.85, 0.88, 0.90])


def test_a_study_of_one_amount_has_no_such_chapter(small_study: Study) -> None:
    assert amounts_chapter(Evidence(small_study)) is None
    assert [f for f in summarize(small_study) if f.kind == "amounts"] == []


def test_more_text_is_no_range_to_widen(make_curve: Callable[..., Study]) -> None:
    boundaries = Evidence(make_curve([])).boundaries

    assert "train_size" not in set(boundaries["parameter"])


def test_the_best_setting_is_held_against_lines_fitted_on_as_many_texts(
    make_curve: Callable[..., Study],
) -> None:
    study = make_curve([0.1, 0.08, 0.06, 0.04])
    trials = study.trials[study.trials["train_size"] <= 4000]

    against = Evidence(replace(study, trials=trials)).against_lines

    assert against["name"].tolist() == ["NB-SVM"]
    assert against["accuracy"].tolist() == pytest.approx([ACCURACY[4000] + 0.06])


def test_where_one_pair_has_two_answers_both_say_what_was_taken_off(make_curve: Callable[..., Study]) -> None:
    evidence = Evidence(make_curve([0.1, 0.08, 0.06, 0.04]))
    row = evidence.against_lines.iloc[0]

    chapter = amounts_chapter(evidence)
    assert chapter is not None
    (grid,) = [b for b in chapter.blocks if isinstance(b, Grid) and b.name == "accuracy-by-amount"]
    (other,) = [b for b in beat_chapter(evidence).blocks if isinstance(b, Grid) and b.name == "baselines"]

    assert f"compared with {row['name']} once more, {points(row['difference'], signed=True)}" in grid.reading
    assert "picked out of 4" in grid.reading
    assert "compares each setting as it is" in other.reading


@pytest.mark.parametrize(("sizes", "top"), [([8, 8, 4, 4], "--top 2 "), ([8, 4, 8, 4], "")])
def test_no_setting_of_less_text_is_confirmed(
    make_curve: Callable[..., Study], sizes: list[int], top: str
) -> None:
    study = make_curve([])
    size = study.trials["trial"].map(dict(enumerate(sizes)))
    accuracy = 0.8 - study.trials["trial"] / 1000
    trials = study.trials.assign(
        val_accuracy=accuracy, train_size=size, units=8 * study.trials["trial"], best_epoch=1
    )
    evidence = Evidence(replace(study, trials=trials, facts=study.facts.model_copy(update={"n_test": 100})))
    running = pd.DataFrame({"may_be_best": [True] * 4})
    evidence.__dict__ |= {"in_the_running": running, "against_lines": pd.DataFrame()}

    commands = [advice.command for advice in advise(evidence) if "confirm" in advice.command]

    assert [top in command for command in commands] == [True] * bool(top)
