"""Options that are keys of a spec: written down once, taken by every command that makes one."""

from __future__ import annotations

import functools
import inspect
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args

from typer import Option

from study.cli.options import MovedData

if TYPE_CHECKING:
    from study.data import DataSpec

Given = dict[str, Any]
"""Values by dotted key, as the options of a command line gave them; None where an option was not given."""


@dataclass(frozen=True)
class Flag:
    """An option that sets a key of the spec.

    Attributes:
        key: Dotted.
        annotation: Of the parameter by which a command takes it.
    """

    key: str
    annotation: Any

    @property
    def parameter(self) -> inspect.Parameter:
        """It as a command takes it."""
        name = self.key.replace(".", "_")
        return inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=self.annotation
        )


_Text = str | None

READING = (
    Flag(
        "data.test",
        Annotated[_Text, Option("--test", metavar="FILE", help="The test split, if it lies elsewhere.")],
    ),
    Flag(
        "data.text",
        Annotated[
            list[str] | None,
            Option("--text", metavar="NAME", help="Column of the texts; given again, columns are joined."),
        ],
    ),
    Flag("data.label", Annotated[_Text, Option("--label", metavar="NAME", help="Column of the labels.")]),
    Flag("data.split", Annotated[_Text, Option("--split", metavar="NAME", help="Column of the splits.")]),
    Flag("data.encoding", Annotated[_Text, Option("--encoding", help="Of the file, e.g. cp1252.")]),
    Flag(
        "data.delimiter",
        Annotated[_Text, Option("--delimiter", help="Between fields: a mark, tab or space.")],
    ),
    Flag(
        "data.quoting",
        Annotated[_Text, Option("--quoting", help="double, single, none, escaped ...: see docs/data.md.")],
    ),
    Flag(
        "data.header",
        Annotated[
            bool | None, Option("--header/--no-header", help="Whether the first row names the columns.")
        ],
    ),
    Flag(
        "data.class_names",
        Annotated[_Text, Option("--class-names", metavar="FILE", help="Names of classes that are numbers.")],
    ),
)
"""How files of texts are read, where what is found of itself is not right."""

DATA = (
    *READING,
    Flag(
        "data.rare_classes.do",
        Annotated[_Text, Option("--rare-classes", help="error, drop or merge: classes with few texts.")],
    ),
    Flag("data.limit_train", Annotated[int | None, Option("--limit-train", help="Training texts at most.")]),
    Flag(
        "data.limit_validation",
        Annotated[int | None, Option("--limit-validation", help="Validation texts at most.")],
    ),
    Flag("data.tokens", Annotated[_Text, Option("--tokens", help="words, words_and_punctuation ...")]),
)
"""Which texts are used, and how they are cut into tokens."""

TRIALS = Flag("design.trials", Annotated[int | None, Option("--trials", help="Settings to try.")])
EPOCHS = Flag(
    "training.max_epochs", Annotated[int | None, Option("--epochs", help="Epochs of a trial at most.")]
)
SEEDS = Flag("seeds", Annotated[int | None, Option("--seeds", help="Replicates of each setting.")])
AUDIT_PRUNED = Flag(
    "design.audit_pruned",
    Annotated[
        float | None,
        Option("--audit-pruned", help="Share of the stopped runs to finish after the search, up to 1."),
    ],
)

STUDY = (
    Flag("data.source", Annotated[_Text, Option("--data", help="Source of the texts: a name or a path.")]),
    TRIALS,
    EPOCHS,
    SEEDS,
    *DATA,
    Flag(
        "design.kind",
        Annotated[_Text, Option("--design", help="search, grid, random ...: see docs/designs.md.")],
    ),
    Flag("design.sampler", Annotated[_Text, Option("--sampler", help="tpe, random ...: proposes settings.")]),
    Flag(
        "design.scheduler", Annotated[_Text, Option("--scheduler", help="asha, none ...: stops runs early.")]
    ),
    Flag(
        "resources.cpus_per_trial", Annotated[int | None, Option("--cpus-per-trial", help="CPUs of a run.")]
    ),
    Flag(
        "resources.gpus_per_trial",
        Annotated[float | None, Option("--gpus-per-trial", help="GPUs of a run; a fraction shares one.")],
    ),
    Flag(
        "resources.max_workers",
        Annotated[int | None, Option("--workers", help="Runs at once, at most; as many as fit by default.")],
    ),
    Flag(
        "resources.time_budget_s",
        Annotated[
            float | None,
            Option("--time-budget", metavar="SECONDS", help="The study stops, resumable, after this."),
        ],
    ),
)
"""What people set most of a study."""

NAME = Flag("name", Annotated[_Text, Option("--name", help="Name of the study and of its folder.")])

RUN = (
    NAME,
    *STUDY,
    Flag(
        "training.cells",
        Annotated[_Text, Option("--cells", help="auto, or keras: never use compiled cells.")],
    ),
    Flag(
        "training.gradients",
        Annotated[
            bool | None, Option("--gradients", help="Record how far back in time the gradient reaches.")
        ],
    ),
    AUDIT_PRUNED,
    Flag(
        "warm_start",
        Annotated[
            list[str] | None,
            Option(
                "--warm-start",
                metavar="DIR",
                help="Begin with the best settings of this study; may be repeated.",
            ),
        ],
    ),
)
"""The same, and what is set when a study is run."""

GROWTH = (
    TRIALS,
    SEEDS,
    EPOCHS,
    AUDIT_PRUNED,
    Flag("data.source", MovedData),
)
"""What a study may have more of."""

LEARNING = (NAME, *(flag for flag in STUDY if not flag.key.startswith(("design.", "data.source"))))
"""The same, where the design and the texts are known."""


def takes(flags: Sequence[Flag]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options; what they are given comes as its argument `given`, by key.

    Args:
        flags: The options, shown in this order in place of `given`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)

        @functools.wraps(command)
        def called(*positional: Any, **arguments: Any) -> None:
            arguments |= dict(zip(signature.parameters, positional, strict=False))
            values = {flag.key: arguments.pop(flag.parameter.name, None) for flag in flags}
            command(**arguments, given={key: None if value == [] else value for key, value in values.items()})

        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            parameters += [f.parameter for f in flags] if parameter.name == "given" else [parameter]
        keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        called.__signature__ = signature.replace(parameters=keywords)  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in keywords}
        return called

    return decorate


def say_command(source: str, given: Given, settings: Sequence[str] | None) -> str:
    """The command that runs a study on texts that were read so."""
    options = {flag.key: option_of(flag) for flag in DATA}
    words = ["study", "run", "--data", source]
    for key, value in given.items():
        match value:
            case None:
                continue
            case bool():
                words.append("--header" if value else "--no-header")
            case list():
                words += [word for item in value for word in (options[key], str(item))]
            case _:
                words += [options[key], str(value)]
    for setting in settings or ():
        words += ["--set", f"data.{setting}"]
    return shlex.join(words)


def option_of(flag: Flag) -> str:
    """The option as it is written."""
    option = get_args(flag.annotation)[1]
    return str(
        (option.param_decls or (option.default,))[0]
    )  # beside a type, typer takes the first for a default


def read_spec(source: str, given: Given) -> DataSpec:
    """The `data` section for a source and options of `READING`.

    Raises:
        StudyError: If one of them is none.
    """
    from pydantic import ValidationError

    from study.data import DataSpec
    from study.data.messages import explain
    from study.errors import StudyError

    asked = {key.removeprefix("data."): value for key, value in given.items() if value is not None}
    try:
        return DataSpec.model_validate({"source": source, **asked})
    except ValidationError as error:
        raise StudyError(f"data: {explain(error, DataSpec)}") from error
