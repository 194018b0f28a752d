"""A study from Python: what `import study` offers, with its errors in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from analysis.arguments import COUNT, PATH, TEXT, instance_of, takes
from analysis.errors import AnalysisError, MissingLibraryError, UnwritableError
from analysis.records.paths import as_path
from search_spaces.errors import SpaceError
from study.errors import EnvironmentFaultError, IntegrityError, StudyError
from study.running.following import follow
from study.running.listener import Listener
from study.running.result import StudyResult, open_result
from study.spec.presets import preset_names
from study.spec.sources import make_spec
from study.store.directory import StudyDirectory

if TYPE_CHECKING:
    import pandas as pd

    from analysis.records.paths import AnyPath
    from study.running.dashboard import Dashboard
    from study.spec.schema import StudySpec
    from study.spec.sources import SpecSource


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Raise as ours what the other two packages say of bad input."""
    try:
        yield
    except (MissingLibraryError, UnwritableError) as error:
        raise EnvironmentFaultError(str(error)) from error
    except AnalysisError as error:
        kind = IntegrityError if type(error).__name__ == "DamagedRecordsError" else StudyError
        raise kind(str(error)) from error
    except SpaceError as error:
        raise StudyError(str(error)) from error


_HOW = {
    "listener": instance_of(Listener, "study.Listener").or_none(),
    "address": TEXT.or_none(),
}


@_in_one_line()
@takes(StudyError, out=PATH, **_HOW)
def run(
    source: SpecSource,
    *,
    name: str | None = None,
    out: AnyPath = "studies",
    listener: Listener | None = None,
    address: str | None = None,
    **settings: Any,
) -> StudyResult:
    """Run a study, or continue it where the same call was interrupted.

    On the main thread the first Ctrl-C, or SIGTERM, ends the study in order once its trials run; then
    KeyboardInterrupt, or SystemExit, is raised. A second one ends the process at once, and so does the first
    while nothing runs yet; at a prompt and in a notebook SystemExit is raised instead. Whatever was recorded
    stays, and `resume` goes on.

    Args:
        source: A preset's name; the path of a YAML spec; texts, as a file, a folder or the name of a built-in
            source; a DataFrame or Arrow table of texts and labels; a mapping; or a `StudySpec`. `make_spec`
            says more.
        name: The study's name; by default that of the spec, or the name of the file of texts.
        out: The folder of studies; the study lies in `out/name`.
        listener: Hears how it goes, in place of the line that a terminal or a notebook shows.
        address: The Ray cluster of this node, `auto` or `HOST:6379`; None starts Ray on this machine.
        **settings: Any key of a spec, `seeds=3`, `space={"units": [32, 64]}`; put over what the source says
            as in `make_spec`.

    Raises:
        StudyError: If it cannot be run here, in one line; a subclass says what is wrong, and where nothing
            had begun, nothing is left.
    """
    from study.data import reading_once
    from study.running.verbs import run_study

    with reading_once():  # ranges that suit the texts follow from them, too
        spec = make_spec(source, name=name, **settings)
        return follow(spec, listener, partial(run_study, spec, as_path(out), address=address))


@_in_one_line()
@takes(StudyError, out=PATH, **_HOW)
def learn(
    source: SpecSource,
    *,
    sizes: Iterable[int] | None = None,
    name: str | None = None,
    out: AnyPath = "studies",
    listener: Listener | None = None,
    address: str | None = None,
    **settings: Any,
) -> StudyResult:
    """Run a study of what more text would bring: accuracy by amount of training text.

    Args:
        source: Texts, as in `make_spec`; of a preset or a spec, its texts alone.
        sizes: Amounts of training text; None for an eighth, a quarter, a half and all there is.
        name: As in `make_spec`.
        out: As in `run`.
        listener: As in `run`.
        address: As in `run`.
        **settings: As in `make_spec`; by default LSTM and GRU of one layer, under three seeds.

    Raises:
        StudyError: As in `run`, and where there are too few texts to try several amounts of.
    """
    from study.spec.learning import learning_document

    given = {"data": settings.pop("data")} if "data" in settings else {}
    data = make_spec(source, name=name, **given).data.model_dump(mode="json", exclude_unset=True)
    document = learning_document(data, sizes)
    return run(document, name=name, out=out, listener=listener, address=address, **settings)


@_in_one_line()
@takes(StudyError, study=PATH)
def like(study: AnyPath) -> StudySpec:
    """Return the spec of a new study like one that is there, begun with what that one found.

    `run` takes it, with a name and whatever is to be otherwise: more epochs, a wider range.

    Args:
        study: Its directory, or a `StudyResult`.

    Raises:
        StudyError: If there is no study.
    """
    from study.spec.schema import StudySpec
    from study.store.likeness import document_like

    return StudySpec.from_document(document_like(as_path(study)), str(study))


@_in_one_line()
@takes(StudyError, study=PATH, data=PATH.or_none(), **_HOW)
def resume(
    study: AnyPath,
    *,
    data: AnyPath | None = None,
    listener: Listener | None = None,
    address: str | None = None,
) -> StudyResult:
    """Continue an interrupted study.

    Args:
        study: Its directory, or a `StudyResult`.
        data: Where its texts lie now, if they were moved.
        listener: As in `run`.
        address: As in `run`.

    Raises:
        StudyError: If there is no study, or it cannot be continued as it was.
    """
    from study.running.verbs import resume_study

    source = None if data is None else str(as_path(data))
    return _go_on(study, listener, partial(resume_study, data=source, address=address))


@_in_one_line()
@takes(StudyError, study=PATH, **_HOW)
def retry(study: AnyPath, *, listener: Listener | None = None, address: str | None = None) -> StudyResult:
    """Train again what failed or took too long, and whatever else is left to do.

    What diverged is left: it follows from its parameters and seed, and would diverge again.

    Args:
        study: Its directory, or a `StudyResult`.
        listener: As in `run`.
        address: As in `run`.

    Raises:
        StudyError: If there is no study, or it cannot be continued as it was.
    """
    from study.running.verbs import retry_study

    return _go_on(study, listener, partial(retry_study, address=address))


@_in_one_line()
@takes(StudyError, study=PATH, data=PATH.or_none(), **_HOW)
def extend(
    study: AnyPath,
    *,
    data: AnyPath | None = None,
    listener: Listener | None = None,
    address: str | None = None,
    **settings: Any,
) -> StudyResult:
    """Grow a study by trials, seeds, epochs or a larger plan, and train what is missing.

    Args:
        study: Its directory, or a `StudyResult`.
        data: As in `resume`.
        listener: As in `run`.
        address: As in `run`.
        **settings: What becomes larger, by the keys of a spec: `seeds=5`, `design={"trials": 48}`,
            `training={"max_epochs": 12}`.

    Raises:
        StudyError: If there is no study, nothing is asked, it would shrink or become another.
    """
    from study.running.verbs import extend_study

    changes: dict[str, Any] = {} if data is None else {"data.source": str(as_path(data))}
    for key, value in settings.items():
        changes |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, Mapping) else {key: value}
    return _go_on(study, listener, partial(extend_study, changes=changes, address=address))


@_in_one_line()
@takes(StudyError, study=PATH, top=COUNT.or_none(), seeds=COUNT, top_per=TEXT.or_none(), **_HOW)
def confirm(
    study: AnyPath,
    *,
    top: int | None = None,
    seeds: int = 5,
    top_per: str | None = None,
    listener: Listener | None = None,
    address: str | None = None,
) -> StudyResult:
    """Train the best settings again on fresh seeds, and open the sealed test split once for each.

    Args:
        study: Its directory, or a `StudyResult`.
        top: How many of the best settings, at least 1: 3 by default, 1 of each with `top_per`.
        seeds: Fresh replicates of each, at least 1.
        top_per: A parameter, `cell`: the best `top` settings with each of its values, in place of the best of
            all. The report then says which value is better, over the fresh seeds.
        listener: As in `run`.
        address: As in `run`.

    Raises:
        StudyError: If nothing completed, or there is no sealed test split.
    """
    from study.running.verbs import confirm_study

    verb = partial(confirm_study, top=top, n_seeds=seeds, top_per=top_per, address=address)
    return _go_on(study, listener, verb)


@_in_one_line()
@takes(StudyError, study=PATH)
def open(study: AnyPath) -> StudyResult:
    """Return what a study has come to, which may have ended, be interrupted or be running.

    Args:
        study: Its directory.

    Raises:
        StudyError: If there is no study.
        IntegrityError: If its records are damaged.
    """
    return open_result(as_path(study))


@_in_one_line()
@takes(StudyError, study=PATH, port=COUNT.or_none())
def dashboard(study: AnyPath, *, port: int | None = None) -> Dashboard:
    """Show a study in optuna-dashboard, on this machine alone, also while it runs.

    What is noted there is kept in the study's `optuna.db`.

    Args:
        study: Its directory, or a `StudyResult`.
        port: On which it listens; None for the first that is free from 8080 on.

    Returns:
        What has its `url`, and is there until its `close()`, or until the `with` that it was opened by ends.

    Raises:
        StudyError: If there is no study, or the port is taken.
        EnvironmentFaultError: If `optuna.db` cannot be written.
        ModuleNotFoundError: If optuna-dashboard is not installed.
    """
    from study.running.dashboard import Dashboard

    return Dashboard(StudyDirectory(as_path(study)), port)


@_in_one_line()
def plan(source: SpecSource, *, name: str | None = None, **settings: Any) -> list[str]:
    """Say, in sentences, what `run` with the same arguments would train, and what that can answer.

    Args:
        source: As in `make_spec`.
        name: As in `make_spec`.
        **settings: As in `make_spec`.

    Returns:
        The sentences; those about what is likely a slip of the pen begin with `warning: `.

    Raises:
        StudyError: If that is not valid, or `run` would not begin with it.
    """
    from study.search.checks import check_startable

    spec = make_spec(source, name=name, **settings)
    check_startable(spec)
    warnings = [f"warning: {warning}" for warning in spec.space.warnings()]
    return [*spec.design.explain(spec.space, spec.seeds, spec.seed), *warnings]


@_in_one_line()
@takes(StudyError, study=PATH)
def predict(study: AnyPath, texts: str | Sequence[str]) -> pd.DataFrame:
    """Classify texts with a saved model.

    Args:
        study: A study's directory, whose best model is taken, a `StudyResult`, or the folder of a model.
        texts: A text, or several.

    Returns:
        One row per text: `text`, `label`, its most likely class, and `probability`, that of this class.

    Raises:
        StudyError: If there is no model, or `texts` holds something else than strings.
        IntegrityError: If it is damaged.
    """
    import pandas as pd

    from study.prediction.classifier import TextClassifier
    from study.prediction.lines import as_texts

    asked = as_texts(texts)
    classifier = TextClassifier.open(study)
    probabilities = classifier.predict(asked)
    best = probabilities.argmax(axis=1)
    labels = [classifier.card.classes[number] for number in best.tolist()]
    return pd.DataFrame({"text": asked, "label": labels, "probability": probabilities.max(axis=1)})


def presets() -> list[str]:
    """Return the names of the studies that come with the package, in alphabetical order."""
    return preset_names()


def _go_on(study: AnyPath, listener: Listener | None, verb: Callable[..., StudyResult]) -> StudyResult:
    """Run a leg of a study that is there."""
    path = as_path(study)
    return follow(StudyDirectory(path).require().read_spec(), listener, partial(verb, path))
