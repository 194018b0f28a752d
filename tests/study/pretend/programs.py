"""Starts studies of cheap trials as processes of their own, to be killed, stopped and starved."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[3]

SPEC: dict[str, Any] = {
    "name": "cheap",
    "data": {"source": "recall", "recall": {"n_texts": 300, "length": 8, "distance": 2, "alphabet": 4}},
    "space": {
        "cell": ["rnn", "lstm", "gru"],
        "bidirectional": [False, True],
        "units": 8,
        "layers": 1,
        "vocab_size": 20,
        "sequence_length": 9,
        "embedding_dim": 4,
    },
    "design": {"kind": "grid"},
    "training": {"max_epochs": 4},
    "keep_models": 2,
}

SECRETS = {
    f"{owner}_{kind}": f"planted-{number}"
    for number, (owner, kind) in enumerate(
        itertools.product(
            ("AWS_SECRET_ACCESS", "DATABASE", "HF", "OPTUNA_STORAGE", "RAY"),
            ("KEY", "PASSWORD", "TOKEN", "URL"),
        )
    )
}
"""Twenty values in the environment that must not be found in a study."""

DRAWS = "PRETENDED_STUDY_DRAWS"
"""A variable that asks for the lines to beat and a report."""

VERSIONS = "PRETENDED_STUDY_VERSIONS"
"""A variable of a node: JSON of the versions that its workers pretend to train with."""

START_S = "PRETENDED_STUDY_START_S"
"""A variable that says how long Ray may take to start."""


def start(
    folder: Path,
    worker: str = "PretendWorker",
    address: str | None = None,
    out: Path | None = None,
    environment: dict[str, str] | None = None,
    draws: bool = False,
    **changes: Any,
) -> subprocess.Popen[str]:
    """Start a study in `folder` (or `out`), or continue it, in a process group of its own as a shell does.

    Its report is a line, unless it `draws`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / "asked.yaml"
    spec.write_text(json.dumps(SPEC | changes))  # JSON is YAML
    command = [sys.executable, "-m", "tests.study.pretend.study", str(spec), str(out or folder), worker]
    return subprocess.Popen(
        [*command, *([] if address is None else [address])],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | SECRETS | (environment or {}) | ({DRAWS: "1"} if draws else {}),
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout_s: float = 180.0) -> tuple[int, str]:
    """Wait for a study's end; return its exit status and all that it said."""
    out, err = process.communicate(timeout=timeout_s)
    return process.returncode, out + err


def descendants(pid: int) -> dict[int, str]:
    """All processes below `pid` and what they call themselves."""
    names = {}
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            names[child.pid] = " ".join(child.cmdline()).strip()
    return names


def session_of(leader: int) -> set[int]:
    """All processes of the session that `leader` began, whoever their parents are now."""
    members = set()
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == leader:
                members.add(pid)
    return members


def alive(pids: Iterable[int]) -> dict[int, str]:
    """Those that have not ended, as one that its parent has not looked at yet has, and what they run."""
    left = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                left[pid] = " ".join(process.cmdline())[:200]
    return left


def workers(driver: int) -> list[int]:
    """The processes below a driver that train, or have just been started to."""
    return [
        pid
        for pid, name in descendants(driver).items()
        if name.startswith("ray::") and ("Worker" in name or "Trainable" in name)
    ]
