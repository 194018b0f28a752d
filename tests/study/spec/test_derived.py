from __future__ import annotations

from pathlib import Path

import pytest

from study.cli.options import gather_spec
from study.designs import SearchDesign
from study.errors import StudyError
from study.spec.derived import derive_document, name_after
from tests.study.data.published import SHAPES


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return SHAPES["label, tab, text"][0](tmp_path / "my texts (1)")


def test_a_study_is_made_for_its_texts(texts: Path) -> None:
    document = derive_document({"source": str(texts)})

    assert document["name"] == "my-texts-1"
    assert "tells the 2 classes of my texts (1) apart" in document["description"]
    # Texts have 5 to 16 words, and training knows some 25 words more than once.
    assert document["space"]["sequence_length"] == [15, 20]
    assert document["space"]["vocab_size"] == [200]
    assert document["training"]["max_epochs"] == 12


def test_it_is_a_valid_study_of_the_six_factors(texts: Path) -> None:
    spec = gather_spec(None, {"data.source": str(texts)}, None)

    searched = {
        name for name, domain in spec.space.parameters.items() if len(getattr(domain, "choices", ())) > 1
    }
    assert searched >= {"cell", "bidirectional", "units", "layers", "sequence_length"}
    assert isinstance(spec.design, SearchDesign)
    assert spec.design.scientific == ("cell",)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/R8.train.txt", "R8"),
        ("SMSSpamCollection", "SMSSpamCollection"),
        ("\u6587\u672c.csv", "texts"),
        ("x y.csv.gz", "x-y"),
    ],
)
def test_the_name_comes_from_the_file(source: str, name: str) -> None:
    assert name_after(source) == name


def test_trials_that_levels_cannot_share_are_raised_and_said(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = gather_spec(None, {"data.source": str(texts), "design.trials": 8}, None)

    assert isinstance(spec.design, SearchDesign)
    assert spec.design.trials == 9
    assert "8 trials cannot be shared by 3 levels of cell: 9 are taken" in capsys.readouterr().err


def test_trials_that_can_be_shared_are_taken_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    spec = gather_spec("quick", {"design.trials": 6}, None)

    assert isinstance(spec.design, SearchDesign)
    assert spec.design.trials == 6
    assert not capsys.readouterr().err


def test_another_design_leaves_out_what_belongs_to_the_search(texts: Path) -> None:
    spec = gather_spec(None, {"data.source": str(texts), "design.kind": "grid"}, None)

    assert spec.design.kind == "grid"


def test_a_short_study_stops_runs_earlier(texts: Path) -> None:
    spec = gather_spec(None, {"data.source": str(texts), "training.max_epochs": 2}, None)

    assert isinstance(spec.design, SearchDesign)
    assert spec.design.grace_period_epochs == 2


def test_without_texts_or_a_spec_the_way_out_is_said() -> None:
    with pytest.raises(StudyError, match="give --data FILE"):
        gather_spec(None, {}, None)
