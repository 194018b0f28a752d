"""The trainable that Ray Tune runs: one actor trains one replicate after another.

The driver imports this module to hand it to Ray, so that TensorFlow is only loaded inside its methods.
"""

from __future__ import annotations

import math
import signal
import socket
import tempfile
import time
import traceback
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

from analysis.records.nodes import compare_versions, training_versions
from study.data import TRAIN_SIZE, take_texts
from study.store.manifest import is_foreign
from study.training.caching import N_VIEWS
from study.training.process import prepare_process
from study.trial import MAX_PROBE, OUT_OF_MEMORY, Assignment, EpochFigures, Report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from study.data import EncodedCorpus
    from study.spec.schema import StudySpec
    from study.training.program import ProgramCache
    from study.training.trainer import Rows, Trainer


class TrialWorker(tune.Trainable):  # type: ignore[misc]
    """Trains the replicate that its configuration assigns; `step` is one epoch.

    A subclass may train something else: it says in `prepare` and `make_trainer` how.
    """

    checkpoint_interval_s = 30.0
    """A checkpoint is sent at the end of an epoch once the last is this old: a loss stays under a minute."""

    def setup(
        self,
        config: dict[str, Any],
        corpus: EncodedCorpus,
        spec: StudySpec,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """Take the first trial, and nothing that takes time: Ray counts on a worker once this returns.

        Args:
            config: The first trial.
            corpus: The texts.
            spec: What the study asks.
            versions: The driver's, by name; None where they are not compared.
        """
        self._corpus, self._spec, self._is_prepared = corpus, spec, False
        self._versions, self._has_said_versions = self.versions(), False
        self._is_foreign = is_foreign(compare_versions(versions or {}, self._versions))
        self._programs: ProgramCache | None = None
        self._views: OrderedDict[tuple[Any, ...], Rows] = OrderedDict()
        self._start(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial in the same process: importing TensorFlow again would cost seconds."""
        self._start(new_config)
        return True

    def _start(self, config: dict[str, Any]) -> None:
        self._assignment = Assignment(**config["assignment"])
        self._model_floor: float | None = config["model_floor"]
        self._checkpoint_ref = config["checkpoint"]
        self._trainer: Trainer | None = None
        self._setup_s: float | None = None
        self._gradients: dict[str, bytes] = {}
        self._started = self._checkpointed = time.monotonic()

    def step(self) -> dict[str, Any]:
        """Train one epoch; whatever goes wrong in it ends this trial alone, with its reason."""
        try:
            if not self._is_prepared:
                if self._is_foreign:
                    return self._report("failed", reason="other versions than the driver's").to_result()
                self.prepare(self._spec)
                self._is_prepared = True
                self._started = self._checkpointed = time.monotonic()
        except Exception as error:
            return self._report("failed", reason=_explain(error)).to_result()
        timeout_s = self._spec.resources.trial_timeout_s
        if timeout_s is not None:
            # The kernel ends the process when the time is up, even inside native code that holds every lock.
            left_s = timeout_s - (time.monotonic() - self._started)
            signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001))
        try:
            return self._train_epoch().to_result()
        except Exception as error:
            return self._report("failed", reason=_explain(error)).to_result()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _train_epoch(self) -> Report:
        trainer = self._trainer or self._build_trainer()
        figures = trainer.train_epoch()
        if self._setup_s is None:
            self._setup_s = time.monotonic() - self._started - figures.epoch_s
        if not figures.is_finite:
            loss = figures.val_loss if math.isfinite(figures.train_loss) else figures.train_loss
            reason = f"loss became {loss} in epoch {figures.epoch}; try lower learning rates"
            return self._report("diverged", figures, reason=reason)
        if trainer.epoch >= self._spec.training.max_epochs or self._is_out_of_patience(trainer):
            return self._report("completed", figures, **self._yield_of(trainer))
        checkpoint = None
        if time.monotonic() - self._checkpointed >= self.checkpoint_interval_s:
            checkpoint, self._checkpointed = trainer.to_bytes(), time.monotonic()
        return self._report("running", figures, checkpoint=checkpoint)

    def versions(self) -> dict[str, str]:
        """Return what this process trains with."""
        return training_versions()

    def prepare(self, spec: StudySpec) -> None:
        """Prepare the process, once."""
        prepare_process(spec.resources.cpus_per_trial)

    def make_trainer(self, assignment: Assignment) -> Trainer:
        """Return what trains `assignment`, before its first epoch."""
        from study.training.class_weights import weigh_classes
        from study.training.model import Recipe
        from study.training.program import ProgramCache
        from study.training.trainer import Trainer

        classes, rows = self._corpus.classes, self._rows()
        weight: Any = assignment.params.get("class_weight", self._spec.training.class_weight)
        if self._programs is None:
            self._programs = ProgramCache()
        return Trainer(
            assignment.params,
            assignment.seed,
            rows,
            self._spec.objective,
            self._programs,
            Recipe(len(classes), self._spec.training.cells, self._spec.model),
            weigh_classes(weight, rows.train_labels, classes),
        )

    def _build_trainer(self) -> Trainer:
        self._trainer = self.make_trainer(self._assignment)
        if self._checkpoint_ref is not None:
            import ray

            self._trainer.restore(ray.get(self._checkpoint_ref))
            self._checkpoint_ref = None
        elif self._spec.training.gradients:
            self._gradients["start"] = self._trainer.gradient_norms().tobytes()
        return self._trainer

    def _rows(self) -> Rows:
        """Return the texts at this trial's vocabulary and length; the last few views are kept."""
        from study.training.trainer import Rows

        params = self._assignment.params
        sizes = params["vocab_size"], params["sequence_length"]
        # Which texts are trained on depends on the seed only where they are not all.
        key = (*sizes, params[TRAIN_SIZE], self._assignment.seed) if TRAIN_SIZE in params else sizes
        if key not in self._views:
            corpus = self._texts()
            self._views[key] = Rows(
                train=corpus.view("train", *sizes),
                train_labels=corpus.labels_of("train"),
                probe=_probe_rows(len(corpus.splits.train), len(corpus.splits.validation)),
                validation=corpus.view("validation", *sizes),
                validation_labels=corpus.labels_of("validation"),
            )
            if len(self._views) > N_VIEWS:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return self._views[key]

    def _texts(self) -> EncodedCorpus:
        """Return the corpus with the training texts of this trial, by whose vocabulary all are read."""
        return take_texts(self._corpus, self._assignment.params, self._assignment.seed)

    def _is_out_of_patience(self, trainer: Trainer) -> bool:
        patience = self._spec.training.patience
        return patience is not None and trainer.epoch - (trainer.best_epoch or 0) >= patience

    def _yield_of(self, trainer: Trainer) -> dict[str, Any]:
        """Return what a completed trial leaves: its predictions, and its model if it is among the best."""
        probabilities = trainer.best_probabilities()
        content: dict[str, Any] = {
            "probabilities": None if probabilities is None else probabilities.tobytes()
        }
        if self._spec.training.gradients:
            content["gradients"] = self._gradients | {"end": trainer.gradient_norms().tobytes()}
        if self._model_floor is not None and trainer.best_score > self._model_floor:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.keras"
                content["ms_per_text"] = trainer.save_best(str(path))
                content["model"] = path.read_bytes()
        if self._assignment.phase == "confirm":
            measures = asdict(trainer.test(*self._test_rows()))
            for name in ("loss", "accuracy", "macro_f1", "balanced_accuracy"):
                content[f"test_{name}"] = measures[name]
        return content

    def _test_rows(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Open the sealed split, for the one replicate in which its setting is confirmed."""
        params = self._assignment.params
        ids = self._texts().view("test", params["vocab_size"], params["sequence_length"], open_test=True)
        return ids, self._corpus.labels_of("test", open_test=True)

    def _report(self, state: Any, figures: EpochFigures | None = None, **rest: Any) -> Report:
        trainer = self._trainer
        versions = None if self._has_said_versions else self._versions
        self._has_said_versions = True
        known = trainer is not None and trainer.best_epoch is not None
        return Report(
            state=state,
            figures=figures,
            score=trainer.best_score if trainer is not None and known else None,
            best_epoch=trainer.best_epoch if trainer is not None else None,
            n_weights=trainer.n_weights if trainer is not None else None,
            cells=trainer.classifier.cells if trainer is not None else None,
            node=socket.gethostname(),
            versions=versions,
            setup_s=self._setup_s,
            wall_s=time.monotonic() - self._started,
            **rest,
        )


def _explain(error: Exception) -> str:
    """Say in one line what was raised."""
    said = traceback.format_exception_only(error)[-1].strip().splitlines()[0][:500]
    # By name: TensorFlow, whose name it is for a GPU's memory too, may not have been loaded.
    ran_out_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
    return f"{OUT_OF_MEMORY}: {said}" if ran_out_of_memory else said


def _probe_rows(n_train: int, n_validation: int) -> npt.NDArray[np.int64]:
    """Return which training rows stand for all: as many as validate, at most `MAX_PROBE`, always the same."""
    import numpy as np

    n_rows = min(n_train, n_validation, MAX_PROBE)
    return np.sort(np.random.default_rng(0).choice(n_train, n_rows, replace=False))
