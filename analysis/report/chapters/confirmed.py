"""What fresh seeds and the sealed test split said of the best settings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.records.files import as_records
from analysis.report.chapters.verdict_table import interval, say_units, signed, verdict_grid
from analysis.report.content import Grid, Section
from analysis.statistics.evidence import Evidence
from analysis.words.labels import label_factor, label_value
from analysis.words.metrics import label_metric, say_score
from analysis.words.numbers import count, listing, number, percent, points, with_margin
from analysis.words.verdicts import say_verdict


def confirmed_chapter(evidence: Evidence) -> Section | None:
    """Search, fresh seeds and test side by side; None where nothing was confirmed."""
    table = evidence.confirmation
    if table.empty:
        return None
    return Section(
        anchor="confirmation",
        title="Confirmation",
        lead="The best settings trained again from scratch on fresh seeds, to their end; the sealed test "
        "split was opened once for each. These figures chose no setting.",
        blocks=[
            Grid(
                name="confirmation",
                title="Search, fresh seeds, test",
                frame=table,
                shown=_show(evidence),
                reading=read_confirmation(evidence),
            ),
            *_verdict_grids(evidence),
        ],
    )


def _verdict_grids(evidence: Evidence) -> list[Grid]:
    """Confirmed settings compared on the test split, and the best of each level."""
    grids = []
    if not evidence.test_verdicts.empty:
        title = f"Compared on {count(evidence.facts.n_test, 'test text')}"
        grids.append(verdict_grid("verdicts-test", title, evidence.test_verdicts, read_test(evidence)))
    if not evidence.best_of_levels.empty:
        title = "The best setting of each level, over fresh seeds"
        reading = read_best_of_levels(evidence)
        grids.append(verdict_grid("verdicts-best-of-levels", title, evidence.best_of_levels, reading))
    return grids


def read_test(evidence: Evidence) -> str:
    """Whether the test split tells confirmed settings apart; nothing where fewer than two were confirmed."""
    if evidence.test_verdicts.empty:
        return ""
    row = as_records(evidence.test_verdicts)[0]
    texts = count(evidence.facts.n_test, "test text")
    known = (
        f"{interval(row)}, for other seeds and texts"
        if pd.notna(row["p_value"])
        else f"no interval from {say_units(row)}"
    )
    apart = f"{abs(row['effect_pp']):.1f} points ({known})"
    labels = evidence.runs.drop_duplicates("setting").set_index("setting")["label"]
    a, b = labels[row["a"]], labels[row["b"]]
    if row["answer"] == "better":
        return f"On {texts} {a} is better than {b}, by {apart}."
    if pd.isna(row["effect_low_pp"]):
        return f"One fresh seed of each does not tell {a} from {b} on {texts}."
    what = "equivalent" if row["answer"] == "equivalent" else "not shown to be more than luck"
    return f"On {texts} {a} is ahead of {b} by {apart}: {what}."


def read_best_of_levels(evidence: Evidence) -> str:
    """Which level's best setting is better over fresh seeds; nothing where that was not asked."""
    table = evidence.best_of_levels
    if table.empty:
        return ""
    own = as_records(table[table["split"] == "validation"])
    labels = evidence.runs.drop_duplicates("setting").set_index("setting")["label"]
    told = [
        f"{label_value(row['factor'], row['a'])} ({labels[row['setting_a']]}) beats "
        f"{label_value(row['factor'], row['b'])} ({labels[row['setting_b']]}) by "
        f"{row['effect_pp']:.1f} points ({signed(row['effect_low_pp'])} to {signed(row['effect_high_pp'])})"
        for row in own
        if row["answer"] == "better"
    ]
    open_ = [
        f"{label_value(row['factor'], row['a'])} and {label_value(row['factor'], row['b'])} "
        f"({row['effect_pp']:.1f} points apart) {_answer(row)}"
        for row in own
        if row["answer"] != "better"
    ]
    factors = listing([label_factor(name) for name in dict.fromkeys(row["factor"] for row in own)])
    return f"The best of each {factors} over fresh seeds: {'; '.join([*told, *open_])}."


def _answer(row: dict[str, Any]) -> str:
    if row["answer"] == "equivalent":
        return "are equivalent"
    if row["answer"] == "not enough runs":
        return f"are not told apart: {say_verdict(row)}"
    return "are not told apart"


def read_confirmation(evidence: Evidence) -> str:
    """How the setting that was best on fresh seeds did on test texts, and how the search had flattered it."""
    row = as_records(evidence.confirmation)[0]
    test = read_test(evidence)
    flattered = "flattered it by" if row["optimism"] > 0 else "had understated it by"
    seeds, texts = count(int(row["n_confirmed"]), "fresh seed"), count(evidence.facts.n_test, "test text")
    fresh = with_margin(row["confirmed"], row["confirmed_half_width"])
    on_test = with_margin(row["test"], row["test_half_width"])
    objective = evidence.facts.objective
    if objective != "val_accuracy":
        fresh += f" ({label_metric(objective)} {say_score(objective, row['objective'])})"
    return (
        f"On {seeds}, {row['label']} reaches {fresh} on validation texts and {on_test} on {texts} that chose "
        f"nothing; the search {flattered} {points(abs(row['optimism']))}.{f' {test}' if test else ''}"
    )


def _show(evidence: Evidence) -> pd.DataFrame:
    rows, objective = as_records(evidence.confirmation), evidence.facts.objective
    judged = {
        f"{label_metric(objective)}, fresh seeds": [say_score(objective, row["objective"]) for row in rows]
    }
    return pd.DataFrame(
        {
            "setting": [row["label"] for row in rows],
            **({} if objective == "val_accuracy" else judged),
            "in the search": [percent(row["searched"]) for row in rows],
            "fresh seeds": [with_margin(row["confirmed"], row["confirmed_half_width"]) for row in rows],
            "seeds": [f"{row['n_confirmed']:.0f}" for row in rows],
            "test": [with_margin(row["test"], row["test_half_width"]) for row in rows],
            "search flattered, points": [number(100 * row["optimism"], 1) for row in rows],
            "validation over test, points": [number(100 * row["val_minus_test"], 1) for row in rows],
        }
    )
