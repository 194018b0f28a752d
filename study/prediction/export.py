"""A classifier as a folder that others load: TensorFlow alone, and nothing of ours to install."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analysis.arguments import PATH, instance_of, takes
from analysis.records.models import MODEL_FILE
from analysis.records.paths import AnyPath, as_path
from analysis.records.plain import find_obstacle
from study.errors import EnvironmentFaultError, StudyError
from study.prediction.classifier import TextClassifier
from study.store.files import remove
from study.training.backend import import_backend


@takes(StudyError, classifier=instance_of(TextClassifier, "study.TextClassifier"), path=PATH)
def export_classifier(classifier: TextClassifier, path: AnyPath) -> None:
    """Write a SavedModel that takes raw strings, its preprocessing inside.

    Its signature `serving_default` maps `texts`, strings of shape (n,), to `probabilities`, float32 of
    shape (n, n_classes), and `classes`, strings of shape (n,). The `.keras` file is put beside it.

    Args:
        classifier: What is exported.
        path: The folder to make, or an empty one.

    Raises:
        StudyError: If `path` is there and no empty folder.
        EnvironmentFaultError: If it cannot be written; nothing of it is left.
        IntegrityError: If the classifier's model cannot be loaded.
    """
    path = as_path(path, error=StudyError)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise StudyError(f"an export needs a folder of its own: {path} exists; choose another or remove it")
    obstacle = find_obstacle(path.parent)
    if obstacle is not None:
        raise StudyError(f"an export is written to a folder: {obstacle} is none; choose another")
    import_backend()
    import tensorflow as tf

    from study.prediction.serving import ServingGraph

    try:
        with _undone_on_failure(path):
            path.mkdir(parents=True, exist_ok=True)  # before seconds are spent on a graph
            graph = ServingGraph(classifier)
            tf.saved_model.save(graph, str(path), signatures={"serving_default": graph.classify})
            shutil.copyfile(classifier.folder / MODEL_FILE, path / MODEL_FILE)
    except (OSError, UnicodeEncodeError, tf.errors.OpError) as error:
        said = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
        if isinstance(error, UnicodeEncodeError):
            said = "TensorFlow takes no name that is not UTF-8"
        raise EnvironmentFaultError(
            f"an export is written to a folder: {path}: {said}; make room or choose another"
        ) from error


@contextmanager
def _undone_on_failure(path: Path) -> Iterator[None]:
    """Leave a folder, and those above it, as they were if the block fails or is interrupted."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        with suppress(OSError, EnvironmentFaultError):  # of a disk that takes nothing any more
            for part in path.iterdir():  # all of it ours: the folder was empty
                remove(part)
            for folder in missing:
                folder.rmdir()
        raise
