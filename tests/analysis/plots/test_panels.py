from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from analysis import Study
from analysis.plots.panels import curve_panels
from analysis.statistics.evidence import gather


def test_a_stopped_replicate_moves_no_mark_of_its_setting(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=1, n_seeds=3, fail_fraction=0, prune_fraction=0, max_epochs=8)
    (whole,) = curve_panels(gather(study), 9)
    trials, epochs = study.trials.copy(), study.epochs.copy()
    stopped = trials["replicate"] > 1
    trials.loc[stopped, ["state", "epochs_run", "best_epoch"]] = ["pruned", 1, 1]
    epochs = epochs[(epochs["replicate"] == 1) | (epochs["epoch"] == 1)]

    (panel,) = curve_panels(gather(replace(study, trials=trials, epochs=epochs)), 9)

    own = gather(study).overfitting.query("replicate == 1")
    assert panel.best_epoch == own["best_epoch"].item() > 1
    assert panel.onset == own["onset_epoch"].item()
    assert panel.epochs["epoch"].max() == whole.epochs["epoch"].max()
