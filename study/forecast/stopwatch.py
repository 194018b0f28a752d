"""Times a few settings in a process of its own: `python -m study.forecast.stopwatch QUESTION ANSWERS`.

The question is a JSON file; each answer is a line of JSON, so that whoever asked can stop waiting whenever it
wants.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from study.forecast.costs import Timing
from study.training.process import prepare_process

if TYPE_CHECKING:
    from study.training.model import Recipe
    from study.training.program import ProgramCache

TIMED_S = 0.3
"""How long steps are timed at least, if there are a few."""

MAX_STEPS = 40


class Question(BaseModel):
    """What to time.

    Attributes:
        settings: In the order of their use; as many are timed as there is time.
        n_classes: Of the labels.
        cells: As in `study.training.model.Recipe`.
        builder: As there.
        n_threads: CPUs of a trial.
        block: Texts that are scored at once.
        budget_s: No setting is begun this many seconds after the process is ready.
    """

    model_config = ConfigDict(frozen=True)

    settings: list[dict[str, Any]]
    n_classes: int
    cells: Literal["auto", "keras"]
    builder: str | None
    n_threads: int
    block: int
    budget_s: float


def answer(question: Question, answers: Path) -> None:
    """Time the settings one by one."""
    began = time.monotonic()
    prepare_process(question.n_threads)
    from study.training.loops.compilation import prepare
    from study.training.model import Recipe
    from study.training.program import ProgramCache

    recipe = Recipe(question.n_classes, question.cells, question.builder)
    programs = ProgramCache()  # as many stay in memory as a worker keeps
    with answers.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"ready_s": time.monotonic() - began}) + "\n")
        prepare()  # compiling, which is done once for all studies, is no setting's fault
        ready = time.monotonic()
        for params in question.settings:
            timing = _time_setting(params, programs, recipe, question.block)
            stream.write(json.dumps(timing.to_document()) + "\n")
            stream.flush()
            if time.monotonic() - ready > question.budget_s:
                break


class _Watch:
    """Says how long it is since it was asked last: in CPU seconds of this process where there is no GPU."""

    def __init__(self) -> None:
        import tensorflow as tf

        has_gpu = bool(tf.config.list_physical_devices("GPU"))
        self._clock = time.perf_counter if has_gpu else time.process_time
        self._began = self._last = self._clock()

    def lap_s(self) -> float:
        now, last = self._clock(), self._last
        self._last = now
        return max(now - last, 1e-6)

    def whole_s(self) -> float:
        return self._clock() - self._began


def _time_setting(params: dict[str, Any], programs: ProgramCache, recipe: Recipe, block: int) -> Timing:
    import tensorflow as tf

    batch_size = int(params["batch_size"])
    ids = _draw_ids(max(MAX_STEPS * batch_size, block), params)
    labels = tf.constant(np.arange(len(ids), dtype=np.int32) % recipe.n_classes)
    all_ids = tf.constant(ids)
    began, watch = time.perf_counter(), _Watch()
    program = programs.start(params, recipe, seed=0)

    def train(n_steps: int) -> float:
        watch.lap_s()
        program.train(all_ids, labels, np.arange(n_steps * batch_size), batch_size)
        return watch.lap_s() / n_steps

    train(1)
    program.score(ids[:block])
    start_s = watch.whole_s()
    n_steps = int(np.clip(TIMED_S / train(1), 2, MAX_STEPS))
    step_s = train(n_steps)
    program.score(ids[:block])
    block_s = watch.lap_s()
    program.restart(params, seed=1)
    restart_s = watch.lap_s()
    return Timing(
        params=params,
        start_s=start_s,
        restart_s=restart_s,
        step_s=step_s,
        block_s=block_s,
        whole_s=watch.whole_s(),
        wall_s=time.perf_counter() - began,
        n_weights=sum(int(np.prod(v.shape)) for v in program.classifier.logits.trainable_variables),
        memory_bytes=_peak_bytes(),
    )


def _peak_bytes() -> int:
    """Return the most memory that this process has held at once."""
    # Not `ru_maxrss` where there is better: on Linux a process begins with that of its parent.
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _draw_ids(n_texts: int, params: dict[str, Any]) -> npt.NDArray[np.int32]:
    """Draw texts whose words are as frequent as those of a language: how often one repeats costs time.

    Source: Zipf (1949): the frequency of a word is inverse to its rank.
    """
    vocab_size = int(params["vocab_size"])
    cumulative = np.cumsum(1.0 / np.arange(1, vocab_size + 1))
    draws = np.random.default_rng(0).random((n_texts, int(params["sequence_length"])))
    ids: npt.NDArray[np.int32] = np.searchsorted(cumulative, draws * cumulative[-1]).astype(np.int32)
    return ids.clip(max=vocab_size - 1)


def main() -> None:
    """Answer the question in the file that is named first, into the file that is named second."""
    question, answers = map(Path, sys.argv[1:])
    answer(Question.model_validate_json(question.read_text(encoding="utf-8")), answers)


if __name__ == "__main__":
    main()
