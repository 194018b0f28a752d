from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.errors import UnwritableError
from study.cli import entry
from study.cli.app import main
from study.errors import EXIT_STATUSES, StudyError
from study.machine.capacity import count_cpus

Invoke = Callable[..., tuple[int, str]]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Invoke:
    """Run the command line in this process, in an empty folder; return exit status and what it said."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["study", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.err if stopped.value.code else captured.out

    return run


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["run", "quick", "--trails", "3"],
            "No such option: --trails (Possible options: --gradients, --trials)",
        ),
        (["report"], "Missing argument 'path'"),
        (["nosuch"], "No such command 'nosuch'"),
        (["import", "x"], "Missing option '--to'"),
    ],
)
def test_a_command_that_is_given_wrongly_is_one_line(invoke: Invoke, arguments: list[str], line: str) -> None:
    status, said = invoke(*arguments)

    assert status == 2
    assert said.startswith(f"study: {line}; see `study ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("arguments", [["run", "quick", "--trials", "x"], ["export", "y", "--to", "x"]])
def test_a_wrong_value_is_named(invoke: Invoke, arguments: list[str]) -> None:
    _, said = invoke(*arguments)

    assert re.match(r"study: Invalid value for '--(trials|to)': .*'x' is not", said)


GOOD_TEXTS = "text,label\n" + "this is good,1\nthis is bad,0\n" * 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "quikc"], "'quikc' is neither; did you mean 'quick'?"),
        (["run", "missing.yaml"], "missing.yaml: No such file"),
        (["run", "quick", "--data", "missing.csv"], "missing.csv"),
        (["run", "quick", "--name", "a/b"], "a study's name is up to 64 letters"),
        (["run", "quick", "--set", "trainig.max_epochs=3"], "trainig is not a key: did you mean 'training'?"),
        (["run", "quick", "--set", "training.max_epochs=ten"], "'ten'"),
        (["run", "quick", "--set", "space.units={low: 9, high: 2}"], "low=9 is above high=2"),
        (["run", "quick", "--set", "space.units={low: 0, high: 2, log: true}"], "log"),
        (["run", "quick", "--set", "space.units=[]"], "at least one"),
        (["run", "quick", "--set", "seed"], "--set takes KEY=VALUE"),
        (["run", "quick", "--set", f"resources.cpus_per_trial={count_cpus() + 1}"], "cpus_per_trial"),
        (["learn", "missing.csv"], "missing.csv"),
        (["learn", "recall", "--sizes", "100;200"], "write e.g. 2000,4000,8000"),
        (["learn", "recall", "--sizes", ""], "write e.g. 2000,4000,8000"),
        (["learn", "recall", "--sizes", "100,9000"], "there are 2,800: 9,000 is more; give 2800 at most"),
        (["run", "recall", "--set", "design=sizes"], "or let `study learn DATA` choose them"),
        (["resume", "nowhere"], "nowhere does not; see `study list`"),
        (["retry", "nowhere"], "nowhere does not; see `study list`"),
        (["verify", "nowhere"], "nowhere does not; see `study list`"),
        (["submit", "quick", "--address", "head:8265"], "give http://HOST:8265"),
        (["submit", "quikc"], "did you mean 'quick'?"),
        (["report", "nowhere"], "nowhere"),
        (["list", "nowhere"], "nowhere is none"),
        (["compare", "a", "b", "./b/../a"], "a comparison is of different studies: b/../a is given twice"),
        (["data", "missing.csv"], "missing.csv"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_two(
    invoke: Invoke, arguments: list[str], message: str
) -> None:
    status, said = invoke(*arguments)

    assert status == 2
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "quick", "--out", "letter.txt"], "a study is written to a folder: letter.txt is none"),
        (["report", "letter.txt"], "letter.txt: no such study"),
        (["resume", "letter.txt"], "letter.txt does not; see `study list`"),
        (["data", "letter.txt"], "a source must hold texts: 'letter.txt' is empty"),
        (["import", "letter.txt", "--to", "letter.txt/new"], "letter.txt is no folder; name another"),
    ],
)
def test_an_empty_file_is_no_study_no_folder_and_no_texts(
    invoke: Invoke, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "letter.txt").touch()

    status, said = invoke(*arguments)

    assert (status, said.count("\n")) == (2, 1)
    assert message in said
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\na b\nc d\n", "a column of texts and one of labels"),
        ("text,label\na b,1\nc d,1\n", "class"),
        ("text,label\n ,1\n,0\n", "empty"),
    ],
)
def test_a_data_set_that_cannot_be_used_is_refused_before_anything_is_written(
    invoke: Invoke, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "texts.csv").write_text(content)

    status, said = invoke("run", "quick", "--data", "texts.csv")

    assert status == 2
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "studies").exists()


def test_a_report_that_the_disk_does_not_take_is_one_line_and_exit_status_three(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise UnwritableError("report: the report cannot be written (No space left on device)")

    monkeypatch.setattr(analysis, "load", lambda path: None)
    monkeypatch.setattr(analysis, "write_report", refuse)

    status, said = invoke("report", str(tmp_path))

    assert status == 3
    assert "No space left on device" in said
    assert said.count("\n") == 1


def test_a_folder_with_other_files_is_not_taken_for_a_study(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "studies" / "quick").mkdir(parents=True)
    (tmp_path / "studies" / "quick" / "thesis.txt").write_text("mine")

    status, said = invoke("run", "quick")

    assert status == 2
    assert "holds other files" in said


def test_a_folder_that_holds_another_study_is_left_alone(invoke: Invoke, tmp_path: Path) -> None:
    folder = tmp_path / "studies" / "quick"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text("name: quick\n")

    status, said = invoke("run", "quick")

    assert status == 2
    assert "already holds another" in said
    assert (folder / "study.yaml").read_text() == "name: quick\n"


def test_a_spec_that_is_a_yaml_bomb_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    (tmp_path / "bomb.yaml").write_text(bomb)

    status, said = invoke("run", "bomb.yaml")

    assert status == 2
    assert "bomb.yaml:2:8: aliases are refused" in said


def test_a_data_set_is_described_before_anyone_trains_on_it(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text(GOOD_TEXTS)

    status, said = invoke("data", "texts.csv")

    assert status == 0
    assert "texts.csv" in said
    assert "texts by class and split" in said


def test_help_and_list_load_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['study', *sys.argv[1:]]\n"
        "from study.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'ray', 'tensorflow', 'keras', 'optuna', 'pandas', 'numba', 'matplotlib'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    for arguments in (["--help"], ["--version"], ["list", str(tmp_path)], ["presets"], ["space"]):
        said = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        ).stdout
        assert "loaded: []" in said, arguments


def test_the_command_says_its_release(invoke: Invoke) -> None:
    status, said = invoke("--version")

    assert status == 0
    assert said == f"recurrent-study {version('recurrent-study')}, Python {platform.python_version()}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("study re", {"resume", "retry", "report"}),
        ("study run --samp", {"--sampler"}),
        ("study run qu", {"quick"}),
        ("study help clu", {"clusters"}),
        ("study import x --from ke", {"keras-tuner", "keras"}),
    ],
)
def test_a_shell_completes_commands_and_options(
    monkeypatch: pytest.MonkeyPatch, invoke: Invoke, words: str, expected: set[str]
) -> None:
    monkeypatch.setenv("_STUDY_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))

    status, said = invoke()

    assert (status, set(said.split())) == (0, expected)


def test_the_exit_statuses_are_told_in_help_and_documents_alike(invoke: Invoke) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reliability.md").read_text(encoding="utf-8")
    _, said = invoke("--help")

    (table,) = re.findall(r"(?m)^\| exit status \| meaning \|\n.*\n((?:\|.*\n)+)", page)
    told = dict(re.findall(r"\| ([\d, ]+) \| (.*) \|", table))
    assert told == EXIT_STATUSES
    assert all(f"{number} {meaning}" in " ".join(said.split()) for number, meaning in EXIT_STATUSES.items())


def test_every_error_of_ours_has_a_status_that_is_told() -> None:
    errors = [StudyError, *StudyError.__subclasses__()]

    assert {str(error.exit_status) for error in errors} == {"2", "3", "4", "5"} < EXIT_STATUSES.keys()


def test_a_fault_of_our_own_shows_its_traceback_and_is_no_status_of_a_study(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("study.cli.app.main", fail)

    with pytest.raises(SystemExit) as stopped:
        entry.main()

    said = capsys.readouterr().err
    assert stopped.value.code == 70
    assert "Traceback" in said and "KeyError: 'a fault of ours'" in said
    assert said.endswith("study: a fault of the program itself; please report the lines above\n")


def test_a_module_of_a_users_own_that_is_missing_is_no_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")

    monkeypatch.setattr("study.cli.app.main", fail)

    with pytest.raises(SystemExit) as stopped:
        entry.main()

    assert stopped.value.code == 70
    assert "No module named 'nowhere'" in capsys.readouterr().err
