"""Generated specs and data files, most of them wrong: `python -m tests.study.faults.fuzzing KIND N SEED`.

Whatever they hold, the answer is a valid spec, a corpus, or a refusal in one line, soon and in little memory.
Run as a program it ends with an error if it ever held more than 512 MB, and prints its tally as JSON.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from search_spaces import SpaceError
from search_spaces.documents import load_document
from study.data import DataSpec, encode, load_corpus
from study.errors import StudyError
from study.forecast.disk import bound_footprint
from study.search.samplers import check_sampler
from study.spec.keys import put_setting
from study.spec.schema import StudySpec

LIMIT_S, WAITING_S = 5.0, 60.0
"""Seconds of CPU, which are those of the clock on an idle machine; and seconds of the clock, on any."""
LIMIT_BYTES = 512 * 2**20

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)

AMOUNTS = st.sampled_from(
    [-1, 0, 1, 2, 3, 5, 16, 1000, 10**6, 10**12, 2**63, 1.5, float("nan"), float("inf")]
)
DOMAINS = (
    st.lists(AMOUNTS, max_size=4)
    | st.fixed_dictionaries(
        {"low": AMOUNTS, "high": AMOUNTS}, optional={"log": st.booleans(), "step": AMOUNTS}
    )
    | AMOUNTS
)
SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.text(max_size=80),
    "seed": AMOUNTS,
    "seeds": AMOUNTS,
    "objective": st.sampled_from(["val_accuracy", "val_loss", "accuracy"]),
    "data.source": st.sampled_from(["docstrings", "recall", "imdb", "nowhere.csv", "", "/dev/zero"]),
    "data.validation_fraction": AMOUNTS,
    "data.limit_train": AMOUNTS,
    "data.recall.distance": AMOUNTS,
    "model": st.sampled_from(["json:loads", "a.b", "os:system:x", "nowhere:x"]),
    "space": VALUES,
    "space.cell": st.lists(st.sampled_from(["rnn", "lstm", "gru", "GRU"]), max_size=4),
    "space.units": DOMAINS,
    "space.layers": DOMAINS,
    "space.sequence_length": DOMAINS,
    "space.dropout": DOMAINS,
    "space.learning_rate": DOMAINS,
    "space.constraints": st.lists(
        st.sampled_from(["units > 8", "units >", "__import__('os')", "1"]), max_size=2
    ),
    "space.conditions": st.dictionaries(st.sampled_from(["dropout", "units", "x"]), st.just("layers > 1")),
    "design": st.sampled_from(["search", "grid", "factorial", "ablation", "random", "sobol", "all"]),
    "design.kind": st.sampled_from(["search", "grid", "factorial", "ablation", "random", "sobol"]),
    "design.trials": AMOUNTS,
    "design.points": AMOUNTS,
    "design.fraction": st.sampled_from(["1/2", "1/3", "2", "0/0", "1/1000000", 0.25]),
    "design.sampler": st.sampled_from(["tpe", "gp", "cmaes", "nsga2", "qmc", "random", "json:loads", "x:y"]),
    "design.scheduler": st.sampled_from(["asha", "hyperband", "median", "none", "pbt"]),
    "design.scientific": st.lists(st.sampled_from(["cell", "units", "x"]), max_size=3),
    "design.grace_period_epochs": AMOUNTS,
    "design.baseline": VALUES,
    "training.max_epochs": AMOUNTS,
    "training.patience": AMOUNTS,
    "resources.trial_timeout_s": AMOUNTS,
    "resources.retries": AMOUNTS,
    "keep_models": AMOUNTS,
    "margin": AMOUNTS,
    "warm_start": st.lists(st.text(max_size=5), max_size=2),
    "nonsense": VALUES,
}
"""Keys of a spec, each with values that are near to what it takes; any other value may stand there too."""


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents of specs: a few keys, mostly with values of their kind."""
    document: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(sorted(SETTINGS)), max_size=6, unique=True)):
        document[key] = draw(SETTINGS[key] if draw(st.integers(0, 4)) else VALUES)
    return document


PIECES = st.sampled_from(
    ["name", "space", "units", ": ", "- ", "\n", "  ", "{", "}", "[", "]", ", ", "&a ", "*a", "<<: ", "? ",
     "!!python/object/apply:os.system ", "!!binary ", "|", ">", "'", '"', "#", "%YAML 1.1\n", "---", "...",
     "1e-3", "010", "yes", "12:30", "0x1F", ".nan", "-.inf", "2001-01-01", "\t", "\0", "\ufeff", "[" * 99]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


def expect_spec_or_refusal(changes: dict[str, Any]) -> str:
    """Read a spec and ask it what is asked before anything starts; return what became of it."""
    document: dict[str, Any] = {"name": "small"}
    with refusals() as refused:
        for key, value in sorted(changes.items()):
            put_setting(document, key, value)
        spec = StudySpec.from_document(document, "fuzz")
        assert StudySpec.from_document(spec.to_document(), "again") == spec
        check_sampler(spec.design, spec.space)
        assert all(spec.design.explain(spec.space, spec.seeds, spec.seed))
        assert bound_footprint(spec, n_validation=100, n_classes=3, n_slots=2).total_bytes > 0
    return refused.why or "a spec"


def expect_document_or_refusal(text: str) -> str:
    with refusals() as refused:
        load_document(text, "fuzz")
    return refused.why or "a document"


@dataclass
class Refused:
    why: str = ""


@contextmanager
def refusals() -> Iterator[Refused]:
    """Let a refusal pass that is one line of text; nothing else that is raised."""
    refused = Refused()
    try:
        yield refused
    except (StudyError, SpaceError) as error:
        # A spec's own texts are quoted in it: the command line puts what spans lines on one.
        assert str(error).strip()
        refused.why = " ".join(str(error).split())


# ---- data files

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
HUGE = st.sampled_from([131_073, 2**20, 4 * 2**20 + 1, 17 * 2**20]).map(lambda n: "x" * n)
WORDS = st.sampled_from(
    ["good film", "bad", "", " ", "\ufeffa", 'say "no"', "a,b", "a\tb", "a\nb", "a\r\nb", "\0", "=1+1",
     "\ud800", "\U0001f600", "e\u0301", "\u202egpj", "\u2028", "null", "NaN", "'", "\\", "1", "x" * 3000]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | st.binary(max_size=4)
TEXT_CELLS = WORDS | st.text(max_size=30)
LABELS = st.sampled_from(["pos", "neg", "0", "1", "-1", "", "pos ", "\u0663", "a\nb", "--1", "x" * 300])
SPLITS = st.sampled_from(["train", "test", "val", "dev", "Train ", "validation", "", "holdout"])
NAMES = st.sampled_from(
    ["text", "label", "split", "id", "Text", "\ufefftext", "", "te xt", "\0", "\ud800", "a\nb"]
)
NESTED = st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(["a", "text"]), SCALARS, max_size=2)


@dataclass(frozen=True)
class Tree:
    """A folder's files by path; what is no bytes is made as `make` says."""

    files: dict[str, bytes | str]

    def make(self, root: Path) -> None:
        """Write it; files that cannot be, because of one above them, are left out."""
        for name, content in self.files.items():
            path = root / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, bytes):
                    path.write_bytes(content)
                elif content == "pipe":
                    os.mkfifo(path)
                elif content == "folder":
                    path.mkdir()
                else:
                    path.symlink_to(content)
            except OSError:
                continue


@dataclass(frozen=True)
class Sample:
    """One source of data and how it is to be read."""

    suffix: str
    content: bytes | Tree = field(repr=False)
    options: dict[str, Any]


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Column names and rows; about half are sound, the others wrong in a few cells or names."""
    names = ["text", "label", *draw(st.sampled_from([[], ["split"], ["id"], ["split", "id"]]))]
    n_rows = draw(st.sampled_from([20, 60, 20, 60, 30, 0, 1, 2, 8]))
    words = st.sampled_from(["good film", "a bad one", "so so", "caf\u00e9", "\u597d"])
    made = {
        "text": [draw(words) for _ in range(n_rows)],
        "label": ["neg" if i % 2 else "pos" for i in range(n_rows)],
        "split": [("train", "train", "val", "val", "test", "test")[i % 6] for i in range(n_rows)],
        "id": list(range(n_rows)),
    }
    columns: list[list[Any]] = [made[name] for name in names]
    cells: dict[str, st.SearchStrategy[Any]] = {"text": TEXT_CELLS, "label": LABELS, "split": SPLITS}
    if n_rows:
        for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 6]))):
            index = draw(st.integers(0, len(columns) - 1))
            strange = SCALARS | NESTED | TEXT_CELLS
            mostly = cells.get(names[index], strange)
            value = draw(mostly if draw(st.integers(0, 2)) else strange)
            columns[index][draw(st.integers(0, n_rows - 1))] = value
        if draw(st.integers(0, 40)) == 40:  # one alone: what makes the tables lives within the limit too
            columns[draw(st.integers(0, len(columns) - 1))][-1] = draw(HUGE)
        if not draw(st.integers(0, 9)):
            columns[1] = [columns[1][0]] * n_rows  # one class
    if not draw(st.integers(0, 9)):
        names[draw(st.integers(0, len(names) - 1))] = draw(NAMES)
    if not draw(st.integers(0, 9)):
        names, columns = names[:1], columns[:1]
    return names, [list(row) for row in zip(*columns, strict=True)]


def write_delimited(names: list[str], rows: list[list[Any]], delimiter: str, *, naive: bool) -> str:
    """Write a table as a program would, or as one that knows nothing of quoting."""
    if naive:
        return "\n".join(delimiter.join(map(str, row)) for row in [names, *rows]) + "\n"
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows([names, *rows])
    return stream.getvalue()


def write_lines(names: list[str], rows: list[list[Any]], *, ascii_only: bool) -> str:
    def plain(value: Any) -> Any:
        return value.hex() if isinstance(value, bytes) else str(value)

    return "".join(
        json.dumps(dict(zip(names, row, strict=True)), default=plain, ensure_ascii=ascii_only) + "\n"
        for row in rows
    )


ARROW_TYPES = st.sampled_from(
    [None, pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.int8(),
     pa.dictionary(pa.int8(), pa.string()), pa.uint64(), pa.float16(), pa.bool_(), pa.decimal128(38, 2),
     pa.timestamp("ns", "UTC"), pa.duration("ns"), pa.date64(), pa.list_(pa.string()), pa.null()]
)  # fmt: skip


def write_parquet(names: list[str], rows: list[list[Any]], types: list[Any], **options: Any) -> bytes:
    """Write a table with columns of these types, or of text where its cells do not go into them."""
    arrays = []
    for index, type_ in enumerate(types[: len(names)]):
        cells = [row[index] for row in rows]
        for attempt in (cells, [None if cell is None else str(cell) for cell in cells]):
            try:
                arrays.append(pa.array(attempt, type_ if attempt is cells else None))
                break
            except (pa.ArrowException, OverflowError, TypeError, ValueError):
                continue
        else:
            arrays.append(pa.array([ascii(cell) for cell in cells]))
    stream = io.BytesIO()
    printable = [name.encode("utf-8", "replace").decode() for name in names]
    with suppress(pa.ArrowException):  # structures without fields, say
        pq.write_table(pa.Table.from_arrays(arrays, printable), stream, **options)
    return stream.getvalue()


# Half a surrogate pair can be written by a careless program: three bytes that are no UTF-8.
ENCODINGS = st.sampled_from(
    [("utf-8", "surrogatepass")] * 4
    + [
        ("utf-8", "replace"),
        ("utf-8-sig", "replace"),
        ("utf-16", "surrogatepass"),
        ("utf-32", "replace"),
        ("latin-1", "replace"),
        ("cp1252", "replace"),
        ("utf-7", "replace"),
    ]
)


@st.composite
def written_tables(draw: st.DrawFn, suffix: str) -> bytes:
    names, rows = draw(tables())
    if suffix == ".parquet":
        types = draw(st.lists(ARROW_TYPES, min_size=4, max_size=4))
        compression = draw(st.sampled_from(["snappy", "zstd", "gzip", "none"]))
        size = draw(st.sampled_from([1, 7, 1000]))
        return write_parquet(names, rows, types, compression=compression, row_group_size=size)
    if suffix == ".jsonl":
        text = write_lines(names, rows, ascii_only=draw(st.booleans()))
        text = draw(st.sampled_from(["{}", "{}", "{}", "[{}]", "[" * 9999])).replace("{}", text)
        ends = ["\n", "\n", "\r\n"]
    else:
        delimiter = draw(st.sampled_from(["," if suffix == ".csv" else "\t"] * 5 + [";", ",", "|", " "]))
        text = write_delimited(names, rows, delimiter, naive=not draw(st.integers(0, 3)))
        ends = ["\n", "\r\n", "\r"]
    text = text.replace("\r\n", "\n").replace("\n", draw(st.sampled_from(ends)))
    return text.encode(*draw(ENCODINGS))


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Flip, cut, double or insert something here and there."""
    raw = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.integers(0, max(len(raw) - 1, 0)))
        match draw(st.integers(0, 4)):
            case 0 | 1 if raw:
                raw[index] ^= 1 << draw(st.integers(0, 7))
            case 2:
                del raw[index:]
            case 3:
                raw[index:index] = draw(st.binary(max_size=20))
            case _:
                raw[index:index] = raw[max(index - 50, 0) : index]
    return bytes(raw)


TREE_CONTENTS = (
    st.sampled_from([b"good film", b"bad", b"", b"\xef\xbb\xbfgood", b"\xff\xfeg\0", b"caf\xe9", b"a\0b"])
    | st.binary(max_size=20)
    | st.sampled_from(["pipe", "folder", "/dev/zero", "missing", "..", "x.txt"])
)
PARTS = st.sampled_from(["train", "test", "val", "Dev", "other", ".hidden", "caf\u00e9", "-rf", "a b"])
FOLDERS = st.sampled_from(["pos", "neg", "unsup", "a\nb", "\u202egpj", "7", " "])


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Folders split/label/*.txt, sound but for a few paths."""
    files: dict[str, bytes | str] = {}
    for split in draw(st.sampled_from([["train"], ["train", "test"], ["train", "val", "test"], []])):
        for label in ("pos", "neg"):
            for number in range(draw(st.sampled_from([12, 12, 3, 1]))):
                files[f"{split}/{label}/{number}.txt"] = b"good film" if label == "pos" else b"bad"
    for _ in range(draw(st.sampled_from([0, 1, 1, 3]))):
        path = [draw(PARTS), draw(FOLDERS), draw(st.sampled_from(["x.txt", "y.TXT", "z", "caf\u00e9.txt"]))]
        files["/".join(path[: draw(st.integers(1, 3))])] = draw(TREE_CONTENTS)
    return Tree(files)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["text", "id", "Text", "x"]),
        "label": st.sampled_from(["label", "id", "x"]),
        "split": st.sampled_from(["split", "id", "x"]),
        "limit_train": st.sampled_from([1, 2, 5]),
        "limit_validation": st.sampled_from([1, 2]),
        "validation_fraction": st.sampled_from([0.01, 0.5, 0.85]),
        "validate_on": st.just("test"),
        "tokens": st.sampled_from(["words", "words_and_punctuation"]),
    },
)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Data files and folders: some sound, most wrong in one way or another."""
    options = draw(OPTIONS) if not draw(st.integers(0, 5)) else {}
    suffix = draw(st.sampled_from([*SUFFIXES, "folder"]))
    if suffix == "folder":
        return Sample("", draw(trees()), options)
    match draw(st.integers(0, 9)):
        case 0:
            content = draw(st.binary(max_size=300))
        case 1 | 2:
            content = draw(damaged(draw(written_tables(suffix))))
        case 4:  # under another's name
            content = draw(written_tables(draw(st.sampled_from(SUFFIXES))))
        case _:
            content = draw(written_tables(suffix))
    return Sample(draw(st.sampled_from([suffix] * 19 + [suffix.upper()])), content, options)


def expect_corpus_or_refusal(sample: Sample, folder: Path) -> str:
    """Read a source in a folder of its own, and encode it; return what became of it."""
    source = folder / f"data{sample.suffix}"
    if isinstance(sample.content, Tree):
        source.mkdir()
        sample.content.make(source)
    else:
        source.write_bytes(sample.content)
    with refusals() as refused:
        try:
            spec = DataSpec(source=str(source), **sample.options)
            corpus = load_corpus(spec)
        except StudyError as error:
            assert "\n" not in str(error), str(error)
            assert error.exit_status == 2
            assert "(None)" not in str(error), str(error)
            raise
        encoded = encode(corpus, spec, folder / "cache")
        assert len(encoded.offsets) == len(corpus.texts) + 1
        assert set(encoded.labels.tolist()) == set(range(len(corpus.classes)))
    return refused.why or "a corpus"


# ---- ten thousand of each


class TooSlowError(BaseException):
    """An example took too long: it passes every handler that means well."""


@contextmanager
def time_limit() -> Iterator[None]:
    """Let nothing in the block compute longer than `LIMIT_S`, or wait longer than `WAITING_S`."""

    def cry(*_: object) -> None:
        raise TooSlowError(f"took over {LIMIT_S:g} s of CPU, or {WAITING_S:g} s in all")

    timers = {signal.ITIMER_PROF: (signal.SIGPROF, LIMIT_S), signal.ITIMER_REAL: (signal.SIGALRM, WAITING_S)}
    before = {number: signal.signal(number, cry) for number, _ in timers.values()}
    for timer, (_, seconds) in timers.items():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Tally:
    """What became of the examples."""

    n_examples: int = 0
    n_accepted: int = 0
    slowest_s: float = 0.0
    peak_bytes: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: str, seconds: float, peak_bytes: int) -> None:
        self.n_examples += 1
        self.slowest_s = max(self.slowest_s, seconds)
        self.peak_bytes = max(self.peak_bytes, peak_bytes)
        if outcome in ("a spec", "a document", "a corpus"):
            self.n_accepted += 1
        else:
            self.refusals[outcome[:40]] += 1


def _in_a_folder(check: Callable[[Any, Path], str]) -> Callable[[Any], str]:
    def check_there(example: Any) -> str:
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            return check(example, folder)
        finally:
            shutil.rmtree(folder)

    return check_there


KINDS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], str]]] = {
    "specs": (documents(), expect_spec_or_refusal),
    "documents": (TEXTS, expect_document_or_refusal),
    "data": (samples(), _in_a_folder(expect_corpus_or_refusal)),
}


def check_example(kind: str, example: Any) -> tuple[str, float, int]:
    """Return what became of an example, the CPU seconds it took and the most that this process ever held."""
    start_s = time.process_time()
    with time_limit():
        outcome = KINDS[kind][1](example)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return outcome, time.process_time() - start_s, peak_bytes


def fuzz(kind: str, n_examples: int, seed_: int, pool: Executor | None = None) -> Tally:
    """Check `n_examples` examples of a kind; the first that breaks a promise is raised, made small.

    Args:
        kind: One of `KINDS`.
        n_examples: How many.
        seed_: Of the examples.
        pool: Where they are checked: in another process than this one, which keeps much that it generated.
    """
    tally = Tally()

    @seed(seed_)
    @settings(
        max_examples=n_examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(KINDS[kind][0])
    def check_one(example: Any) -> None:
        if pool is None:
            outcome, seconds, peak_bytes = check_example(kind, example)
        else:
            outcome, seconds, peak_bytes = pool.submit(check_example, kind, example).result()
        tally.add(outcome, seconds, peak_bytes)

    check_one()
    return tally


def _prepare() -> None:
    import_module("analysis.statistics.additive")  # pandas, which is nobody's fault
    # Allocators reserve what they never fill: what may be reserved is twice what may be held.
    resource.setrlimit(resource.RLIMIT_DATA, (2 * LIMIT_BYTES, 2 * LIMIT_BYTES))


def main() -> None:
    kind, n_examples, seed_ = sys.argv[1:]
    # One process that is started, not forked: what this one holds is not that one's.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_prepare) as pool:
        tally = fuzz(kind, int(n_examples), int(seed_), pool)
    assert tally.peak_bytes <= LIMIT_BYTES, f"{tally.peak_bytes / 2**20:.0f} MB"
    print(json.dumps(vars(tally) | {"refusals": tally.refusals.most_common(25)}))


if __name__ == "__main__":
    main()
