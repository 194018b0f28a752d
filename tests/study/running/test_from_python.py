"""Real studies from a script without a main guard, and from a notebook that is really executed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import study
from tests.study.pretend.reviews import SMALL, make_reviews

pytestmark = pytest.mark.slow

SCRIPT = f"""
import ray  # as other code of the user's may, before we have said what it should read
import pandas as pd
import study

result = study.run("reviews.csv", name="mine", **{SMALL!r})
frame = pd.read_csv("reviews.csv").rename(columns={{"text": "review"}})
other = study.run(frame, name="frame", data={{"text": "review"}}, **{SMALL!r})
print(len(result.trials), len(other.trials), result.best_params["cell"] in ("lstm", "gru"))
print(result.report.is_file(), result.best_model().predict(["A film to remember."]).shape)
print(study.predict(other, "a superb film").columns.tolist())
print(len(study.run(frame, name="frame", data={{"text": "review"}}, **{SMALL!r}).study.manifest["legs"]))
"""

LONG = f"""
import study

class Announced(study.Listener):
    def on_start(self, assignment):
        print("started", flush=True)

study.run("reviews.csv", name="long", listener=Announced(), **{SMALL | {"training": {"max_epochs": 5000}}!r})
print("went on", flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make_reviews().to_csv(tmp_path / "reviews.csv", index=False)
    return tmp_path


def start(folder: Path, code: str) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(code)
    root = str(Path(__file__).parents[3])
    return subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_script_without_a_main_guard_runs_studies_of_a_file_and_of_a_frame(folder: Path) -> None:
    out, err = start(folder, SCRIPT).communicate(timeout=600)

    assert out.splitlines() == [
        "2 2 True",
        "True (1, 2)",
        "['text', 'label', 'probability']",
        "1",
    ], err
    assert err == ""


def test_a_script_that_is_interrupted_does_not_go_on_and_its_study_can(folder: Path) -> None:
    process = start(folder, LONG)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)

    assert "went on" not in out
    assert process.returncode == -signal.SIGINT
    assert err.splitlines()[-1].startswith("KeyboardInterrupt: studies/long: stopped (signal SIGINT)")
    assert study.open(folder / "studies" / "long").interruption == "signal SIGINT"


CELLS = [
    "print('printed before')\nimport study, analysis, pandas as pd",
    f"print('printed first')\nresult = study.run(pd.read_csv('reviews.csv'), name='mine', **{SMALL!r})",
    "result",
    "result.study",
    "study.make_spec('quick')",
    "study.make_spec('quick').space",
    "analysis.plots.learning_curves(result.study)",
    "study.predict(result, ['a superb film', 'a dull film'])",
]


def test_a_notebook_shows_progress_on_one_line_then_results_and_figures(folder: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})

    client.execute()

    imported, ran, *shown = [cell.outputs for cell in notebook.cells]
    assert [output["text"] for output in imported] == ["printed before\n"]
    printed, *warned, line = ran  # what is doubtful of the texts stays, each on a line of its own
    assert printed["text"] == "printed first\n"
    assert all(output["data"]["text/plain"].startswith("mine: the texts: ") for output in warned)
    assert line["data"].keys() == {"text/plain"}
    assert line["data"]["text/plain"].startswith("mine: 2/2 runs; best val_accuracy ")
    assert "done; report: studies/mine/report/index.html" in line["data"]["text/plain"]
    for (output,) in shown[:4]:
        assert output["data"]["text/html"].startswith(("<div>", "<table>"))
    ((figure,), (frame,)) = shown[4:]
    assert figure["data"]["image/png"].startswith("iVBOR")
    assert "probability" in frame["data"]["text/html"]


def test_interrupting_a_notebooks_cell_keeps_its_kernel_and_what_was_recorded(folder: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    client = NotebookClient(notebook, resources={"metadata": {"path": str(folder)}})
    said: list[str] = []
    with client.setup_kernel():
        kernel, manager = client.kc, client.km
        assert kernel is not None
        assert manager is not None
        asked = kernel.execute(LONG)
        wait_for(client, said, "started")
        client_run(manager.interrupt_kernel())
        reply = wait_for_reply(client, asked)
        after = kernel.execute("print(study.open('studies/long').interruption)")
        wait_for(client, said, "signal SIGINT")
        assert wait_for_reply(client, after)["status"] == "ok"

    assert reply["ename"] == "KeyboardInterrupt"
    assert "went on" not in "".join(said)


def client_run(awaitable: Any) -> Any:
    """Wait for what may be a coroutine: kernel managers come in both kinds."""
    from jupyter_core.utils import run_sync

    async def wait() -> Any:
        return await awaitable

    return run_sync(wait)() if hasattr(awaitable, "__await__") else awaitable


def wait_for(client: NotebookClient, said: list[str], text: str) -> None:
    deadline = time.monotonic() + 300.0
    while text not in "".join(said):
        assert time.monotonic() < deadline, said
        message = client_run(client.kc.get_iopub_msg(timeout=300))  # type: ignore[union-attr]
        said.append(json.dumps(message["content"].get("text", "")))


def wait_for_reply(client: NotebookClient, asked: str) -> Any:
    while True:
        message = client_run(client.kc.get_shell_msg(timeout=120))  # type: ignore[union-attr]
        if message["parent_header"].get("msg_id") == asked:
            return message["content"]
