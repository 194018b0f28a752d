from __future__ import annotations

from pathlib import Path

import pytest

from study.cli.options import gather_spec
from study.errors import StudyError

SPEC = """\
name: mine
seeds: 3
space:
  cell: [lstm, gru]
  units: {low: 16, high: 64}
design:
  kind: search
  trials: 24
"""


@pytest.mark.parametrize(
    ("written", "wrong", "place"),
    [
        ("seeds: 3", "seeds: 0", "2:1"),
        ("seeds: 3", "seed: -1", "2:1"),
        ("low: 16", "low: 160", "5:3"),
        ("[lstm, gru]", "[lstn]", "4:3"),
        ("  units", "  unit", "5:3"),
        ("trials: 24", "trails: 24", "8:3"),
        ("kind: search", "kind: serach", "7:3"),
        ("trials: 24", "trials: 24\n  grace_period_epochs: 50", "9:3"),
        ("name: mine\n", "", "1:1"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line_and_column(
    tmp_path: Path, written: str, wrong: str, place: str
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace(written, wrong))

    with pytest.raises(StudyError) as refused:
        gather_spec(str(path), {}, None)

    assert str(refused.value).startswith(f"{path}:{place}: ")


@pytest.mark.parametrize(
    "wrong", ["space.units={low: 9, high: 2}", "space.units=[]", "design.trials=0", "design.kind=x"]
)
def test_what_an_option_brought_in_is_not_looked_for_in_the_file(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)

    with pytest.raises(StudyError) as refused:
        gather_spec(str(path), {}, [wrong])

    assert str(refused.value).startswith(f"--set {wrong.partition('=')[0]}: ")
