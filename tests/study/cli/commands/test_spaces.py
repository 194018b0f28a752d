from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from search_spaces import Space, recurrent_space
from search_spaces.extras import EXTRAS

SWEEP = Path(__file__).parents[3] / "search_spaces" / "published" / "wandb.yaml"


def run(module: str, *arguments: object, bare: bool = False) -> tuple[int, str, str]:
    """Exit status and both streams of a command, or of it where no extra is installed."""
    missing = sorted(EXTRAS) if bare else []
    code = (
        f"import runpy, sys\nfor name in {missing!r}:\n    sys.modules[name] = None\n"
        f"sys.argv = {[module, *map(str, arguments)]!r}\nrunpy.run_module({module!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", [["study", "space"], ["search_spaces"]])
def test_a_file_of_another_tool_becomes_yaml(command: list[str]) -> None:
    status, out, said = run(*command, SWEEP, "--to", "yaml", bare=command == ["search_spaces"])

    assert status == 0
    assert Space.from_yaml(out) == Space.from_wandb(SWEEP)
    assert said.splitlines()[0].startswith(f"{SWEEP}, read as wandb: 12 parameters (3 on a log scale,")
    assert said.splitlines()[1:] == ["kept as yaml: all of it"]


@pytest.mark.parametrize("command", [["study", "space"], ["search_spaces"]])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml cannot be read (No such file or directory)"),
        ([SWEEP, "--to", "xml"], "'xml' is no form that is written: known: 'yaml', 'json'"),
        ([SWEEP, "--from", "katib"], "read as katib: parameters is a list, not"),
        (
            [SWEEP, "--to", "katib"],
            "Katib has no place for the weights of cell; the weights of batch; the mean",
        ),
    ],
)
def test_bad_input_is_one_line_and_status_two(
    command: list[str], arguments: list[object], message: str
) -> None:
    status, out, said = run(*command, *arguments)

    assert (status, out, said.count("\n")) == (2, "", 1)
    assert message in said


def test_a_library_that_is_missing_is_one_line_and_status_three() -> None:
    status, out, said = run("search_spaces", SWEEP, "--to", "optuna", "--drop", "weights", bare=True)

    assert (status, out) == (3, "")
    assert said == (
        "search_spaces: search_spaces.adapters.optuna needs optuna, which is not installed: "
        'pip install "recurrent-study[optuna]"\n'
    )


def test_a_space_is_shown_and_described() -> None:
    status, out, _ = run("study", "space", SWEEP)

    assert status == 0
    assert "momentum" in out and out.endswith("infinitely many legal settings\n")


def test_without_a_file_it_is_the_recurrent_space() -> None:
    _, shown, _ = run("study", "space")
    _, written, _ = run("study", "space", "--to", "json")

    assert "sequence_length" in shown
    assert Space.from_document(json.loads(written)) == recurrent_space()
