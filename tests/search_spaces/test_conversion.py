from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from search_spaces import Choice, Integer, Real, Space, SpaceError
from search_spaces.conversion import DROPPABLE, convert, describe, list_changes, summarize
from search_spaces.formats.ray import write_ray
from search_spaces.readers import READERS, read_space
from search_spaces.writers import WRITERS, write_space

PUBLISHED = Path(__file__).parent / "published"
NEEDED = {"configspace": "ConfigSpace", "optuna": "optuna"}
PLAIN = Space({"cell": ["lstm", "gru"], "units": Integer(8, 64), "rate": Real(1e-4, 0.1, log=True)})
"""What every form takes whole."""


def write(folder: Path, space: Space, form: str) -> Path:
    path = folder / "space.txt"
    path.write_text(write_space(space, form), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(PUBLISHED.iterdir()), ids=lambda path: path.name)
def test_the_form_of_a_file_is_told_from_its_content(path: Path) -> None:
    pytest.importorskip(NEEDED.get(path.stem, "numpy"))

    space, form = read_space(path)

    assert form == path.stem
    assert space == read_space(path, form)[0]
    assert Space.from_yaml(space.to_yaml()) == space


@pytest.mark.parametrize("form", [form for form in WRITERS if form in READERS])
def test_what_is_written_is_told_apart_and_read_back(form: str, tmp_path: Path) -> None:
    pytest.importorskip(NEEDED.get(form, "numpy"))

    path = write(tmp_path, PLAIN, form)

    assert read_space(path, form)[0] == PLAIN
    assert read_space(path)[1] == {"json": "yaml"}.get(form, form)
    assert list_changes(PLAIN, form, path.read_text(encoding="utf-8")) == []


@given(space=...)
def test_yaml_and_json_keep_any_space(space: Space) -> None:
    for form in ("yaml", "json"):
        assert list_changes(space, form, write_space(space, form)) == []


@pytest.mark.parametrize("form", ["wandb", "katib", "synetune"])
@given(space=...)
def test_a_form_keeps_the_values_of_a_space_or_refuses_it(form: str, space: Space) -> None:
    try:
        text = write_space(space, form)
    except SpaceError as error:
        assert "\n" not in str(error)
        return

    again = READERS[form](json.loads(text) if form == "synetune" else text)

    assert list(again) == list(space)
    for name, domain in space.parameters.items():
        assert [again[name].size(), domain.size()] in ([1, 1], [domain.size()] * 2)
        assert all(again[name].contains(value) for value in domain.levels(5))


ABSENT = [
    (Space({"a": [1, 2], "b": [1]}, {"b": "a > 1"}), "the condition of b, 'a > 1'"),
    (Space({"a": [1, 2]}, {}, ["a > 1"]), "the constraint 'a > 1'"),
    (Space({"a": [1, 2]}, defaults={"a": 2}), "the default a=2"),
    (Space({"a": Choice({"s": [1], "l": [2]})}), "the labels of a"),
]


@pytest.mark.parametrize("form", ["wandb", "katib", "synetune", "optuna", "ray"])
@pytest.mark.parametrize(("space", "named"), ABSENT)
def test_what_a_form_has_no_place_for_is_refused_by_name(form: str, space: Space, named: str) -> None:
    pytest.importorskip(NEEDED.get(form, "numpy"))

    with pytest.raises(SpaceError) as caught:
        write_space(space, form)

    assert named in str(caught.value) and "--drop" in str(caught.value)


@pytest.mark.parametrize("form", ["katib", "synetune", "ray"])
def test_weights_and_normal_ranges_are_refused_by_name(form: str) -> None:
    space = Space({"a": Choice(["x", "y"], weights=[1, 2]), "b": Real(0, 1, mean=0.5, std=0.1)})

    with pytest.raises(SpaceError, match="the weights of a; the mean and std of b"):
        write_space(space, form)


def test_a_sweep_keeps_weights_and_normal_ranges_without_ends() -> None:
    space = Space.from_document(
        {"parameters": {"a": {"mean": 0, "std": 1}, "b": {"choice": ["x", "y"], "weights": [0.25, 0.75]}}}
    )

    assert list_changes(space, "wandb", write_space(space, "wandb")) == []
    with pytest.raises(SpaceError, match="a: a sweep of W&B has no place for the ends of a normal range"):
        write_space(Space({"a": Real(0, 1, mean=0.5, std=0.1)}), "wandb")


def test_what_is_read_back_otherwise_is_said() -> None:
    space = Space({"a": Choice([1, 2], ordered=True), "b": [1, 2]})

    changes = list_changes(space, "wandb", write_space(space, "wandb"))

    assert changes == ["a: Choice([1, 2], ordered=True) is read back as Choice([1, 2])"]


def test_a_param_space_is_lines_of_python() -> None:
    space = Space({"a": Integer(1, 8, log=True), "b": Real(0, 1), "c": Real(0, 1, step=0.5), "d": "x"})

    assert write_ray(space).splitlines()[2:] == [
        "param_space = {",
        "    'a': tune.lograndint(1, 9),",
        "    'b': tune.uniform(0.0, 1.0),",
        "    'c': tune.choice([0.0, 0.5, 1.0]),",
        "    'd': 'x',",
        "}",
    ]


def test_those_lines_are_rays_own() -> None:
    pytest.importorskip("ray")
    from search_spaces.adapters.ray import from_param_space

    namespace: dict[str, object] = {}
    exec(write_ray(PLAIN), namespace)  # noqa: S102  # our own lines

    assert from_param_space(namespace["param_space"]) == PLAIN  # type: ignore[arg-type]


def test_a_file_of_early_configspace_keeps_its_steps_and_weights(tmp_path: Path) -> None:
    pytest.importorskip("ConfigSpace")
    path = tmp_path / "early.json"
    base = {"log": False, "q": None}
    hyperparameters = [
        {"name": "a", "type": "uniform_int", "lower": 1, "upper": 9, "default": 3, **base, "q": 2},
        {"name": "b", "type": "uniform_float", "lower": 0.0, "upper": 1.0, "default": 0.5, **base},
        {
            "name": "c",
            "type": "categorical",
            "choices": ["x", "y"],
            "default": "x",
            "probabilities": [0.8, 0.2],
        },
    ]
    path.write_text(json.dumps({"hyperparameters": hyperparameters, "conditions": [], "forbiddens": []}))

    space, form = read_space(path)

    assert form == "configspace"
    assert space == Space(
        {"a": Integer(1, 9, step=2), "b": Real(0, 1), "c": Choice(["x", "y"], weights=[0.8, 0.2])},
        defaults={"a": 3, "b": 0.5, "c": "x"},
    )


def test_a_file_of_optunas_shows_the_space_of_its_study(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = tmp_path / "optuna.db"
    study = optuna.create_study(storage=f"sqlite:///{path}", sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:  # type: ignore[name-defined]
        n = trial.suggest_int("n", 1, 2)
        return trial.suggest_float("b", 0, 1) if n == 2 else 0.0  # type: ignore[no-any-return]

    study.optimize(objective, n_trials=12)
    converted = convert(path, None, "yaml")

    assert converted.space == Space({"n": Integer(1, 2), "b": Real(0, 1)}, {"b": "n in [2]"})
    assert converted.notes[1] == "note: inferred from 12 trials: b only where n in [2]"
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log"))
    journal = optuna.storages.JournalStorage(backend)
    optuna.copy_study(from_study_name=study.study_name, from_storage=f"sqlite:///{path}", to_storage=journal)
    assert convert(tmp_path / "journal.log", None, None).space == converted.space
    before = path.read_bytes()
    odd = path.rename(tmp_path / "a b%20?x.db")  # what is no letter alone in a URL
    assert convert(odd, None, None).space == converted.space
    assert odd.read_bytes() == before
    odd.rename(path)
    optuna.create_study(study_name="second", storage=f"sqlite:///{path}")
    with pytest.raises(SpaceError, match="has 2 studies"):
        read_space(path)


@pytest.mark.parametrize(
    ("text", "form", "message"),
    [
        ("- 1\n", None, "is no space of a known form: say which with --from, one of yaml, json, wandb"),
        ("a: 1\n", "xml", "'xml' is no form that is read: known: 'yaml'"),
        ("parameters: {a: {low: 2, high: 1}}\n", None, ":1:14: a: low=2 is above high=1"),
        ("parameters: {a: {min: 2}}\n", None, "read as wandb: a: {'min': 2} lacks 'max'"),
        ('{"hyperparameters": [{"name": "a", "type": "gamma"}]}', None, "ConfigSpace refuses it"),
        ('{"a": {"name": "X", "attributes": {}}}', None, "is no distribution of Optuna's"),
        ('{"op_code": 4}\n', None, "is no storage of Optuna's (KeyError: 'study_id')"),
        ("SQLite format 3\0", None, "is no storage of Optuna's"),
        ("method: bayes\nparameters: {a: 3}\n", None, "read as wandb: a: a parameter is a mapping, not 3"),
        ("name: x\nspace: {units: [1, 2]}\n", None, "is no space of a known form"),
        ('{"hyperparameters": ["a"]}', None, "a hyperparameter is a mapping, not 'a'"),
        ('{"hyperparameters": [{"q": 2}]}', None, "{} lacks 'name'"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    text: str, form: str | None, message: str, tmp_path: Path
) -> None:
    pytest.importorskip("ConfigSpace")
    pytest.importorskip("optuna")
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SpaceError) as caught:
        read_space(path, form)

    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"none cannot be read \(No such file or directory\)"):
        read_space(tmp_path / "none")


def test_parts_are_dropped_when_asked_for(tmp_path: Path) -> None:
    space = Space(
        {"a": Choice([1, 2], weights=[1, 2]), "b": [1, 2]}, {"b": "a > 1"}, ["a + b < 4"], defaults={"a": 1}
    )
    path = write(tmp_path, space, "yaml")

    converted = convert(path, None, "katib", list(DROPPABLE))

    assert converted.space == Space({"a": [1, 2], "b": [1, 2]})
    assert converted.notes[1] == "without its conditions, constraints, defaults, weights: 2 parameters"
    with pytest.raises(SpaceError, match="'default' is no form that is dropped: did you mean 'defaults'"):
        convert(path, None, None, ["default"])


def test_a_space_is_described() -> None:
    space = Space(
        {"a": Integer(1, 8, log=True), "b": Real(0, 1, step=0.5), "c": 3},
        {"b": "a > 1"},
        ["a != 9"],
        defaults={"a": 2},
    )

    assert summarize(space) == (
        "3 parameters (1 on a log scale, 1 with steps, 1 fixed), 1 condition, 1 constraint, 1 default"
    )
    assert describe(space).splitlines() == [
        "22 legal settings",
        "begins with a=2",
        "warning: 'a != 9': a is never 9: give an integer from 1 to 8, log scale.",
    ]
    assert describe(Space({"a": Real(0, 1)})) == "infinitely many legal settings\n"


PAGE = Path(__file__).parents[2] / "docs" / "search-spaces.md"
ROWS = {
    "ranges": Space({"a": Real(0, 1), "b": Integer(1, 9)}),
    "log scales": Space({"a": Real(1e-4, 1, log=True), "b": Integer(1, 64, log=True)}),
    "steps": Space({"a": Real(0, 1, step=0.1), "b": Integer(2, 8, step=3)}),
    "choices of text": Space({"a": ["x", "y"]}),
    "choices of numbers": Space({"a": [3, 1, 2]}),
    "choices of truth values, null": Space({"a": [True, False], "b": ["x", None]}),
    "choices of lists": Space({"a": [[64], [64, 64]]}),
    "order": Space({"a": Choice([1, 2, 4], ordered=True)}),
    "fixed values": Space({"a": 3, "b": [1, 2]}),
    "weights": Space({"a": Choice(["x", "y"], weights=[0.25, 0.75])}),
    "normal ranges": Space.from_document({"parameters": {"a": {"mean": 0, "std": 1}}}),
    "normal ranges with ends": Space({"a": Real(0, 1, mean=0.5, std=0.25)}),
    "conditions": Space({"a": [1, 2], "b": [1, 2]}, {"b": "a > 1"}),
    "constraints": Space({"a": Integer(1, 9), "b": Integer(1, 9)}, {}, ["a <= b"]),
    "constraints with arithmetic": Space({"a": Integer(1, 9), "b": Integer(1, 9)}, {}, ["a + b <= 9"]),
    "defaults": Space({"a": Integer(1, 9)}, defaults={"a": 7}),
}
FORMS = ["configspace", "optuna", "ray", "wandb", "katib", "synetune"]


def tell(space: Space, form: str) -> str:
    """What becomes of a space in a form: kept, changed (as is said when it is written), or refused."""
    from search_spaces.adapters.ray import from_param_space

    try:
        text = write_space(space, form)
    except SpaceError:
        return "refused"
    if form == "ray":
        namespace: dict[str, object] = {}
        exec(text, namespace)  # noqa: S102  # our own lines
        return "yes" if from_param_space(namespace["param_space"]) == space else "changed"  # type: ignore[arg-type]
    return "changed" if list_changes(space, form, text) else "yes"


def test_the_page_says_what_each_form_keeps() -> None:
    for library in ("ConfigSpace", "optuna", "ray"):
        pytest.importorskip(library)
    head = ["| written as | " + " | ".join(FORMS) + " |", "|---" * (len(FORMS) + 1) + "|"]
    rows = [f"| {row} | {' | '.join(tell(space, form) for form in FORMS)} |" for row, space in ROWS.items()]

    table = "\n".join([*head, *rows])

    assert table in PAGE.read_text(encoding="utf-8"), table
