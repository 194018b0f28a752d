"""A confirmation from its command to its verdict, the training alone pretended."""

from __future__ import annotations

import json
from pathlib import Path

import analysis
from analysis.report.chapters.confirmed import read_best_of_levels
from analysis.statistics.evidence import gather
from study.running.verbs import confirm_study
from tests.study.pretend.legs import pretending, run_leg
from tests.study.pretend.small_study import make_spec


def test_the_best_of_each_cell_is_trained_on_fresh_seeds_and_compared_in_pairs(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    run_leg(folder, make_spec())

    with pretending():
        confirm_study(folder, top_per="cell", n_seeds=3)

    study = analysis.load(folder)
    confirmed = study.trials.query("phase == 'confirm'")
    assert confirmed.groupby("cell").size().to_dict() == {"gru": 3, "lstm": 3, "rnn": 3}
    assert confirmed["trial"].nunique() == 3
    (opening,) = json.loads((folder / "manifest.json").read_text())["data"]["test_openings"]
    assert (opening["per"], opening["n_seeds"]) == ("cell", 3)
    table = gather(study).best_of_levels
    assert set(table["n_pairs"]) == {3}
    assert table["split"].value_counts().to_dict() == {"validation": 3, "test": 3}
    assert read_best_of_levels(gather(study)).startswith("The best of each cell over fresh seeds: ")
