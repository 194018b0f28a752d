"""What `import analysis` offers at a prompt and in a notebook."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import analysis
from analysis import Study
from analysis.words.html import write_card


@pytest.mark.parametrize("package", ["analysis", "analysis.plots", "search_spaces"])
def test_completion_offers_every_public_name_and_each_is_there(package: str) -> None:
    module = importlib.import_module(package)

    assert set(module.__all__) <= set(dir(module))
    assert all(getattr(module, name) is not None for name in module.__all__)
    assert list(module.__all__) == sorted(module.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'analysis' has no attribute 'lode'"):
        _ = analysis.lode


def test_whatever_reads_or_writes_takes_a_path_as_text_that_may_begin_at_home(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "tables").mkdir()

    analysis.write_parquet(small_study, "~/tables")
    analysis.write_csv(small_study.trials, "~/tables/trials.csv")
    analysis.write_report(small_study, "~/report", figures=False)
    analysis.write_comparison([small_study, small_study], "~/comparison", figures=False)

    assert len(analysis.load("~/tables").trials) == len(small_study.trials)
    for name in ("tables/trials.csv", "report/index.html", "comparison/index.html"):
        assert (tmp_path / name).is_file()
    with pytest.raises(analysis.AnalysisError, match=re.escape(str(tmp_path / "none"))):
        analysis.import_study("~/none")


class Result:
    """Stands for a study's directory, as a StudyResult does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.mark.parametrize("form", [str, Path, Result])
def test_a_studys_directory_or_its_result_is_taken_for_it(
    small_study: Study, form: Callable[[Path], Any], tmp_path: Path
) -> None:
    given = form(small_study.path)

    assert analysis.summarize(given) == analysis.summarize(small_study)
    assert len(analysis.plots.onsets(given).axes) == len(analysis.plots.onsets(small_study).axes)
    assert analysis.write_report(given, tmp_path, figures=False).is_file()


@pytest.mark.parametrize("given", [None, 3, pd.DataFrame()])
def test_what_is_no_study_is_refused_in_one_line(given: Any) -> None:
    for ask in (analysis.summarize, analysis.plots.onsets):
        with pytest.raises(analysis.AnalysisError, match=r"what analysis\.load gave, or its directory"):
            ask(given)
    with pytest.raises(analysis.AnalysisError, match="no such study"):
        analysis.summarize("nowhere")


def test_importing_the_package_loads_no_library() -> None:
    code = "import analysis, sys; print(*(m for m in ('pandas', 'numpy', 'matplotlib') if m in sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_a_study_says_in_one_line_what_it_holds(small_study: Study) -> None:
    said = repr(small_study)

    assert said == str(small_study)
    assert "\n" not in said
    assert len(said) < 200
    assert f"{len(small_study.trials)} runs" in said
    completed = small_study.trials.query("state == 'completed'")["val_accuracy"]
    assert f"best val_accuracy {completed.max():.4f}" in said


def test_a_study_in_which_nothing_was_trained_says_so(small_study: Study) -> None:
    empty = replace(small_study, trials=small_study.trials.head(0))

    assert "no runs; no run completed" in repr(empty)
    assert "no run completed" in empty._repr_html_()


def test_a_notebook_shows_a_study_with_every_name_escaped(small_study: Study) -> None:
    facts = small_study.facts.model_copy(update={"name": "<script>", "classes": ("<b>", "&", '"')})

    html = replace(small_study, facts=facts, notes=("<i>note</i>",))._repr_html_()

    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;i&gt;note&lt;/i&gt;" in html


def test_a_card_escapes_title_names_values_and_sentences() -> None:
    html = write_card("<1>", [("<2>", "<3>")], ["<4>"])

    assert not any(f"<{number}>" in html for number in range(1, 5))
    assert all(f"&lt;{number}&gt;" in html for number in range(1, 5))


def test_a_figure_is_a_picture_in_a_notebook_twice_as_sharp_as_it_is_shown(small_study: Study) -> None:
    figure = analysis.plots.onsets(small_study)

    picture, size = figure._repr_png_()

    assert picture.startswith(b"\x89PNG")
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (2 * size["width"], 2 * size["height"])
    assert (size["width"], size["height"]) == tuple(figure.get_size_inches() * figure.dpi)


def test_a_figure_is_no_window_of_pyplot(small_study: Study) -> None:
    analysis.plots.learning_curves(small_study)

    assert plt.get_fignums() == []


def test_a_figure_says_why_it_is_empty_in_a_notebook_too(small_study: Study) -> None:
    empty = replace(small_study, epochs=small_study.epochs.head(0), trials=pd.DataFrame(small_study.trials))

    assert analysis.plots.learning_curves(empty)._repr_png_()[0].startswith(b"\x89PNG")
