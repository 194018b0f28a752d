"""The manifest: what a study ran on, leg by leg, so that a reader can judge it and a later leg can refuse."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analysis.records.nodes import UNKNOWN
from analysis.records.provenance import compare_legs, installed_version
from study.errors import IntegrityError
from study.store.directory import StudyDirectory
from study.store.files import write_atomically

if TYPE_CHECKING:
    from study.data import Corpus
    from study.machine.capacity import Capacity
    from study.spec.schema import StudySpec
    from study.trial import Assignment

Purpose = Literal["run", "resume", "extend", "confirm", "retry"]

RECORDED_PACKAGES = (
    "recurrent-study",
    "ray",
    "tensorflow",
    "keras",
    "optuna",
    "numpy",
    "pandas",
    "numba",
    "scikit-learn",
)

RECORDED_VARIABLES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "RAY_AUTH_MODE", "SLURM_JOB_ID", "TZ")
"""An allow-list: an environment holds secrets."""


class Manifest:
    """The content of `manifest.json`."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self._path, self.content = path, content

    @classmethod
    def create(cls, directory: StudyDirectory, spec: StudySpec, corpus: Corpus) -> Manifest:
        """Describe a study that is about to start."""
        content = {
            "name": spec.name,
            "created_at": _now(),
            "study_seed": spec.seed,
            "data": {
                "source": corpus.source,
                "fingerprint": corpus.fingerprint,
                "split_fingerprint": corpus.split_fingerprint,
                "validated_on": corpus.validated_on,
                "test_split": "sealed" if corpus.validated_on == "validation" else "validated on",
                **({"reading": corpus.reading.to_document()} if corpus.reading else {}),
            },
            "legs": [],
        }
        manifest = cls(directory.manifest, content)
        manifest.save()
        return manifest

    @classmethod
    def open(cls, directory: StudyDirectory) -> Manifest:
        """Read a study's manifest.

        Raises:
            IntegrityError: If it is missing or damaged.
        """
        try:
            content = json.loads(directory.manifest.read_text(encoding="utf-8"))
            content["legs"], content["data"]["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise IntegrityError(
                f"a study is continued by its manifest: {directory.manifest} cannot be read; "
                "restore it from a copy"
            ) from error
        return cls(directory.manifest, content)

    def check_data(self, corpus: Corpus) -> None:
        """Refuse to continue on other texts than the study began with.

        Raises:
            IntegrityError: If texts, labels or splits have changed.
        """
        for key, found in (
            ("fingerprint", corpus.fingerprint),
            ("split_fingerprint", corpus.split_fingerprint),
        ):
            expected = self.content["data"][key]
            if found != expected:
                raise IntegrityError(
                    f"a study is continued on the texts and splits it began with: {corpus.source} has {key} "
                    f"{found[:12]}, the study {expected[:12]}; bring the old file back or start a new study"
                )

    @property
    def confirmed(self) -> dict[int, int]:
        """Under how many seeds each trial is, or is being, confirmed."""
        openings = self.content["data"].get("test_openings", [])
        return {trial: opening["n_seeds"] for opening in openings for trial in opening["trials"]}

    @property
    def has_opened_test(self) -> bool:
        """Whether the sealed test split was opened, for whichever setting."""
        return bool(self.content["data"].get("test_split") == "opened")

    def open_test(self, trials: Sequence[int], n_seeds: int, per: str | None = None) -> None:
        """Note, before it happens, that the sealed test split is opened for these trials.

        Args:
            trials: Each for one setting.
            n_seeds: Under how many it is trained.
            per: The parameter of whose values they are the best.
        """
        if not trials:
            return
        data = self.content["data"]
        data["test_split"] = "opened"
        data.setdefault("test_openings", []).append(
            {"at": _now(), "trials": list(trials), "n_seeds": n_seeds} | ({"per": per} if per else {})
        )
        self.save()

    def changes(self) -> dict[str, tuple[str, str]]:
        """Return what figures rest on and is not what it was in the last leg: what it was, and what it is."""
        legs = self.content["legs"]
        return compare_legs(legs[-1], self._here) if legs else {}

    def begin_leg(self, purpose: Purpose, capacity: Capacity, taken_up: Iterable[Assignment] = ()) -> None:
        """Note that a process starts working on the study, and on what.

        Args:
            purpose: Why.
            capacity: Of the machine or cluster.
            taken_up: Runs that an earlier leg left in their training, and that go on from a checkpoint.
        """
        leg: dict[str, Any] = {
            "purpose": purpose,
            "started_at": _now(),
            "ended_at": None,
            "outcome": "interrupted",  # until it is known to have ended otherwise
            "nodes": {},  # by host, in what each that trained differs from what follows; see `note_node`
        }
        room = {"cpus": capacity.cpus, "gpus": capacity.gpus, "nodes": capacity.nodes}
        here = self._here | {"machine": self._here["machine"] | room}
        self.content["legs"].append(leg | here | {"taken_up": [list(a.run) for a in taken_up]})
        self.save()

    @cached_property
    def _here(self) -> dict[str, Any]:
        """What this process runs on."""
        return {
            "python": platform.python_version(),
            "packages": {name: installed_version(name) for name in RECORDED_PACKAGES},
            "machine": {
                "system": platform.system(),
                "processor": platform.machine(),
                "processor_model": _processor_model(),
            },
            "environment": {k: os.environ[k] for k in RECORDED_VARIABLES if k in os.environ},
            "source_revision": _git_revision(),
        }

    def note_node(self, name: str, differences: Mapping[str, tuple[str, str]]) -> None:
        """Note that a node trains, and with what else than this process would.

        Args:
            name: Its host.
            differences: By name, this process's version and the node's; none for most.
        """
        nodes = self.content["legs"][-1]["nodes"]
        nodes[name] = nodes.get(name, {}) | {what: list(pair) for what, pair in differences.items()}
        self.save()

    def end_leg(self, outcome: str, wall_s: float) -> None:
        """Note how the leg ended."""
        self.content["legs"][-1] |= {"ended_at": _now(), "outcome": outcome, "wall_s": round(wall_s, 3)}
        self.save()

    def save(self) -> None:
        """Replace the file."""
        write_atomically(self._path, json.dumps(self.content, indent=2, ensure_ascii=False) + "\n")


def breaks_checkpoints(changes: Mapping[str, tuple[str, str]]) -> bool:
    """Return whether a run must not go on from what it was: another release trains, not only a patched one.

    Half trained by each, it would be a run of neither; and what an optimizer keeps may have changed.
    """
    return any(
        name in changes and _release(changes[name][0]) != _release(changes[name][1])
        for name in ("tensorflow", "keras")
    )


def is_foreign(differences: Mapping[str, tuple[str, str]]) -> bool:
    """Return whether a node must not train: a run that moves there would go on by another release.

    What is run from its sources, never installed, is of no known release; so is what the driver lacks.
    """
    known = {name: pair for name, pair in differences.items() if UNKNOWN not in pair}
    return "recurrent-study" in known or breaks_checkpoints(known)


def _release(version: str) -> list[str]:
    return version.split(".")[:2]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _processor_model() -> str | None:
    """Return what the first processor calls itself; None where only the architecture is known."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _git_revision() -> str | None:
    """Return the revision of the code, with `+changes` where it was edited; None outside a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        revision = _git(root, "rev-parse", "HEAD")
        return (
            f"{revision}+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else revision
        )
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(  # noqa: S603 - a fixed command
        command, capture_output=True, text=True, timeout=10, check=True
    ).stdout.strip()
