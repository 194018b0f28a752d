"""Which differences are real, which are inside the noise, and where more runs are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.plots import figures
from analysis.records.files import as_records
from analysis.report.chapters.lost_runs import lost_grids
from analysis.report.chapters.tested import factor_grids, read_within, within_name
from analysis.report.chapters.turns import read_turns
from analysis.report.chapters.verdict_table import signed, verdict_grid
from analysis.report.content import NO_ACCURACY, NOTHING_VARIED, Block, Chart, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.statistics.settings import CUT_SHORT
from analysis.statistics.verdicts import IN_FEW_SETTINGS
from analysis.statistics.verdicts.factors import DIFFER
from analysis.words.labels import label_factor, label_level, label_value
from analysis.words.metrics import label_metric, say_score
from analysis.words.numbers import count, count_of, listing, percent, points
from analysis.words.verdicts import NO_TELLING, is_hopeless, say_verdict

_LEAD = (
    "Better: the difference stands after correction for all comparisons made, and the interval of P(A>B), "
    "the chance that one run of A beats one of B, lies above one half. Equivalent: the difference is under "
    "{margin}, at which nobody would act. Inside the noise: a difference worth knowing would "
    "have shown. Else there are not enough runs, and the table says how many more would do if the difference "
    "stays as it is, what it takes at least to say anything, or that no number would. An answer is for "
    "settings, seeds and texts that were not tried too, unless it says for which."
)
_BY_ACCURACY = (
    " Comparisons here are by accuracy, not by {metric}, which ranks the settings: accuracy is a mean over "
    "texts, so that what other texts could move can be told."
)
_DRAWN = 24
_WITHOUT_LUCK = " once the luck of the best epoch is taken off"
_HARDLY_ANY = 0.0005
_MUCH = 0.25
"""Share of the differences from which two factors that act together come before any average."""


def verdict_chapter(evidence: Evidence) -> Section:
    """Verdicts between levels of factors and between the best settings."""
    blocks: list[Block] = [*_within_grids(evidence), *factor_grids(evidence)]
    levels = evidence.named_level_verdicts
    if levels["effect_pp"].notna().any():
        draw = partial(figures.level_verdicts, evidence, _DRAWN)
        blocks.append(_chart("verdicts-levels", "Between levels of a factor", draw, read_levels(evidence)))
        blocks.append(verdict_grid("verdicts-levels", "Levels compared", levels, _read_company(levels)))
    else:
        blocks.append(Note(text=_why_no_levels(evidence), tone="warning"))
    blocks.extend(lost_grids(evidence))
    early = evidence.early_level_verdicts
    if not early.empty and early["effect_pp"].notna().any():
        title = f"Levels compared after {count(evidence.equal_epochs or 0, 'epoch')}, runs cut short included"
        blocks.append(verdict_grid("verdicts-early", title, early, _read_early(evidence)))
    settings = evidence.named_setting_verdicts
    if not settings.empty:
        reading, by_accuracy = read_settings(evidence), evidence.facts.objective == "val_accuracy"
        best, how = ("best", "") if by_accuracy else ("most accurate", " by accuracy")
        if settings["effect_pp"].notna().any():
            draw = partial(figures.setting_verdicts, evidence, _DRAWN)
            blocks.append(_chart("verdicts-settings", f"The {best} setting against the next", draw, reading))
        blocks.append(verdict_grid("verdicts-settings", f"Settings compared{how}", settings))
    blocks.append(_optimism_note(evidence))
    if evidence.epoch_luck > 0:
        text = (
            "The best of a run's epochs is too good by the luck that it had with the texts that chose it: by "
            f"{points(evidence.epoch_luck)} on average. Comparisons are made without it."
        )
        blocks.append(Note(text=text))
    return Section(
        anchor="verdicts",
        title="What is better",
        short="Verdicts",
        lead=_lead(evidence),
        blocks=blocks,
    )


def _lead(evidence: Evidence) -> str:
    lead, objective = _LEAD.format(margin=points(evidence.rule.margin)), evidence.facts.objective
    return lead + ("" if objective == "val_accuracy" else _BY_ACCURACY.format(metric=label_metric(objective)))


def _within_grids(evidence: Evidence) -> list[Block]:
    """Factors that act together, before any average over one of them; none where none do."""
    within = evidence.simple_effects
    if within.empty or within["effect_pp"].isna().all():
        return []
    title = "Factors that act together, each at the levels of the other"
    named = within.assign(name=[within_name(row) for row in as_records(within)])
    return [verdict_grid("verdicts-within", title, named, _read_together(evidence).strip())]


def _why_no_levels(evidence: Evidence) -> str:
    if not evidence.factors:
        return NOTHING_VARIED
    if evidence.completed["val_accuracy"].isna().all():
        return NO_ACCURACY
    return "Too few completed runs share all else, so no level of a factor can be compared."


def _chart(name: str, title: str, draw: Callable[[], Figure], reading: str) -> Chart:
    alt = f"Differences in accuracy with their 95% intervals. {reading}"
    return Chart(name=name, title=title, draw=draw, reading=reading, alt=alt, table=name)


def _read_company(levels: pd.DataFrame) -> str:
    narrow = int(levels["note"].str.contains(IN_FEW_SETTINGS, regex=False).sum())
    return (
        f"{count_of(narrow, len(levels), 'comparison', ('holds', 'hold'))} {IN_FEW_SETTINGS}."
        if narrow
        else ""
    )


def _read_early(evidence: Evidence) -> str:
    cut = int(evidence.searched["state"].isin(CUT_SHORT).sum())
    return (
        f"{count(cut, 'run was', 'runs were')} cut short for being weak, and leaving them out flatters the "
        "levels that had many. Here all are judged by their best accuracy within the epochs that all of them "
        f"ran: fair, but a verdict on an early stage only.{read_turns(evidence)}"
    )


def read_levels(evidence: Evidence) -> str:
    """What is better than what, and what could not be told."""
    table, when, aside = evidence.level_verdicts, "", ""
    stopped = table["confounded"].str.startswith("the scheduler")
    early = evidence.early_level_verdicts
    if stopped.any() and not early.empty:
        # Runs that were left to finish were chosen: the fair comparison is at the last epoch that all ran.
        keys = table.loc[stopped, "factor"].unique()
        table = pd.concat([table[~stopped], early[early["factor"].isin(keys)]], ignore_index=True)
        some = [label_factor(name) for name in keys]
        after = f"after {count(evidence.equal_epochs or 0, 'epoch')}, runs that were stopped included"
        when = f" ({after})"
        if len(some) < table["factor"].nunique():
            when = f" ({listing(some)} {after})"
            aside = f" What {listing(some)} brought is told {after}."
    better = table[table["answer"] == "better"].sort_values("effect_pp", ascending=False)
    phrases = [_beats(row) for row in as_records(better)]
    together = _read_together(evidence)
    average = " on average" if together else ""
    ahead = "" if phrases else _read_ahead_early(evidence)
    whose = ", at the end of the runs," if ahead else ""
    tests = evidence.factor_tests
    differ = [label_factor(name) for name in tests.loc[tests["answer"] == DIFFER, "factor"]]
    last = f".{aside}" if aside else f"{when}."
    none = f"no level of any factor is{whose} shown to be better than another{average}{last}"
    if differ and not ahead:
        none = f"the levels of {listing(differ)} differ, by one test of all; but {none}"
    first = f"{listing(phrases, 3)}{when}." if phrases else none
    counts = Counter(NO_TELLING if is_hopeless(row) else str(row["answer"]) for row in as_records(table))
    said = {
        "equivalent": "{} {be} equivalent",
        "inside the noise": "{} {be} inside the noise",
        "not enough runs": "{} {need} more runs",
        NO_TELLING: "{} {be} " + NO_TELLING,
        "cannot be told apart": "{} cannot be told apart from something else",
    }
    rest = [
        said[answer].format(n, be="is" if n == 1 else "are", need="needs" if n == 1 else "need")
        for answer in said
        for n in [counts[answer]]
        if n
    ]
    first = first[0].upper() + first[1:]
    tail = f" Of {count(len(table), 'comparison')}, {listing(rest)}." if rest else ""
    return f"{together}{ahead}{first}{tail}{read_turns(evidence)}"


def _read_ahead_early(evidence: Evidence) -> str:
    """What was ahead when runs were stopped, where those that went on are too few to tell."""
    early = evidence.early_level_verdicts
    if early.empty:
        return ""
    ahead = early[early["answer"] == "better"].sort_values("effect_pp", ascending=False)
    if ahead.empty:
        return ""
    return (
        f"After {count(evidence.equal_epochs or 0, 'epoch')}, runs that were stopped included, "
        f"{listing([_beats(row) for row in as_records(ahead)], 3)}: that speaks of this stage alone. "
    )


def _beats(row: dict[str, Any]) -> str:
    scope = f"; {row['scope']}" if "setting" in row["scope"] or "seed" in row["scope"] else ""
    return (
        f"{label_level(row['factor'], row['a'])} beats "
        f"{label_value(row['factor'], row['b'])} by {row['effect_pp']:.1f} points "
        f"({signed(row['effect_low_pp'])} to {signed(row['effect_high_pp'])}{scope})"
    )


def _read_together(evidence: Evidence) -> str:
    """Say before any average that two factors act together, where they do by more than either does alone."""
    table = evidence.interactions
    known = table[table["p_corrected"] <= evidence.rule.alpha]
    if known.empty:
        return ""
    top = as_records(known.head(1))[0]
    a, b = str(top["factor_a"]), str(top["factor_b"])
    pair = f"{label_factor(a)} and {label_factor(b)}"
    turned = _changes_places(evidence, a, b)
    if not turned and top["share"] < _MUCH:
        return ""
    places = f": which {label_factor(turned)} is ahead changes with the other" if turned else ""
    return (
        f"{pair[0].upper()}{pair[1:]} act together ({percent(top['share'], 0)} of the differences between "
        f"settings){places}, so an average over one says little of the other. "
        f"{read_within(evidence, b if turned == b else a, a if turned == b else b)}"
    )


def _changes_places(evidence: Evidence, a: str, b: str) -> str:
    """The factor of two whose best level is another at some level of the other; nothing where none is."""
    cells = evidence.map_accuracy(a, b)
    wide = cells.pivot(index="row", columns="column", values="mean")
    if wide.isna().any(axis=None) or min(wide.shape) < 2:
        return ""
    if wide.idxmax().nunique() > 1:
        return a
    return b if wide.idxmax(axis=1).nunique() > 1 else ""


def read_settings(evidence: Evidence) -> str:
    """Which settings may be the best; where another metric than accuracy ranks them, whom that puts first."""
    return f"{_read_field(evidence)}{_read_other_best(evidence)}"


def _read_other_best(evidence: Evidence) -> str:
    objective, ranking = evidence.facts.objective, evidence.ranking
    if objective == "val_accuracy" or int(ranking["setting"].iloc[0]) == evidence.most_accurate:
        return ""
    accurate = ranking.loc[ranking["setting"] == evidence.most_accurate, "mean"].iloc[0]
    best = ranking.iloc[0]
    return (
        f" By {label_metric(objective)}, the objective, {best['label']} is first: "
        f"{say_score(objective, best['mean'])}, and {say_score(objective, accurate)} for the most accurate "
        "setting."
    )


def _read_field(evidence: Evidence) -> str:
    table, field = evidence.setting_verdicts, evidence.in_the_running
    fresh = not table["note"].str.contains("confirm on fresh seeds").any()
    where = " on fresh seeds" if fresh else ""
    if not fresh and len(field) and field["setting"].iloc[0] != evidence.most_accurate:
        where = _WITHOUT_LUCK
    if field.empty:
        return _read_two(evidence, where)
    left = field[field["may_be_best"]]
    first = as_records(field.head(1))[0]
    if len(left) == 1:
        return f"{first['label']} is the best{where}: all {len(field) - 1} others can be ruled out."
    ruled = len(field) - len(left)
    others = [str(label) for label in left["label"].iloc[1:]]
    same = table[(table["answer"] == "equivalent") & table["b"].isin(left["setting"])]
    near = f" {len(same)} of these {'is' if len(same) == 1 else 'are'} equivalent to it." if len(same) else ""
    return (
        f"{first['label']} leads{where}, but {len(left)} of {len(field)} settings may be the best: "
        f"{listing(others, 3)} cannot be ruled out{f', {ruled} can' if ruled else ''}.{near}"
    )


def _read_two(evidence: Evidence, where: str) -> str:
    """Say of the first two settings what a pair can say: where there are two, or one run of each."""
    table = evidence.setting_verdicts
    row = as_records(table.head(1))[0]
    labels = evidence.runs.drop_duplicates("setting").set_index("setting")["label"]
    a, b = labels[row["a"]], labels[row["b"]]
    apart = f"{abs(row['effect_pp']):.1f} points"
    if not where and _luck_matters(evidence, row["a"], row["b"]):
        where = _WITHOUT_LUCK
    if row["answer"] == "better":
        return f"{a} is better than {b}{where}, by {apart}."
    if row["n_units"] < 2:
        ahead = f"as accurate as {b}" if apart == "0.0 points" else f"{apart} ahead of {b}"
        return (
            f"{a} is {ahead}{where}{',' if where else ''} with one run of each, which says nothing of the "
            "luck of the seed: train them again under other seeds."
        )
    if row["answer"] == "equivalent":
        return f"{a} and {b} are equivalent{where}: {apart} apart, under what anybody would act on."
    return f"{a} is {apart} ahead of {b}{where}, which is not shown to be more than luck: {say_verdict(row)}."


def _luck_matters(evidence: Evidence, a: int, b: int) -> bool:
    """Whether two settings are other points apart where the luck of the best epoch is taken off."""
    luck = evidence.luck_by_setting
    return abs(luck.get(a, 0.0) - luck.get(b, 0.0)) >= _HARDLY_ANY


def _optimism_note(evidence: Evidence) -> Note:
    table = evidence.optimism
    if table.empty and len(evidence.completed):
        return Note(text=NO_ACCURACY, tone="warning")
    if table.empty:
        return Note(text="No run completed, so there is no winner to judge.", tone="warning")
    return Note(text=read_optimism(evidence))


def read_optimism(evidence: Evidence) -> str:
    """How much of the winner's accuracy is the luck of having been picked."""
    row = as_records(evidence.optimism)[0]
    is_ranked_first = row["setting"] == evidence.ranking["setting"].iloc[0]
    whose = "" if is_ranked_first else f", {evidence.setting_labels[row['setting']]},"
    parts = [*_read_luck(row, evidence.facts.n_validation, whose), *_read_confirmation(row)]
    if not parts:
        return "One setting was tried, so its accuracy owes nothing to having been picked among settings."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _read_luck(row: dict[str, Any], n_validation: int, whose: str) -> list[str]:
    if row["n_settings"] < 2:
        return []
    first = f"the most accurate setting{whose} was picked out of {row['n_settings']:,}"
    if pd.notna(row["optimism_at_most"]):
        first += (
            f": were all equal, the luck of {count(n_validation, 'validation text')} alone would lift the "
            f"best by up to {points(row['optimism_at_most'])}"
        )
    parts = [first]
    if pd.notna(row["optimism"]):
        parts.append(
            "hardly any of its lead can be put down to the seeds"
            if row["optimism"] < _HARDLY_ANY
            else f"{points(row['optimism'])} of its lead can be put down to the seeds, so "
            f"{percent(row['shrunken'])} is the fairer figure"
        )
    return parts


def _read_confirmation(row: dict[str, Any]) -> list[str]:
    parts = []
    if row["n_confirmed"]:
        seeds = count(int(row["n_confirmed"]), "fresh seed")
        parts.append(f"trained again on {seeds}, it reaches {percent(row['confirmed'])}")
    if pd.notna(row["test_accuracy"]):
        side = "below" if row["val_minus_test"] > 0 else "above"
        parts.append(
            f"on the test split it has {percent(row['test_accuracy'])}, "
            f"{points(abs(row['val_minus_test']))} {side} validation"
        )
    return parts
