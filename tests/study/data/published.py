"""Labelled texts in the shapes in which they are published, small and made up."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import random
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_WORDS = (
    *(
        "the",
        "a",
        "film",
        "plot",
        "actor",
        "scene",
        "story",
        "ending",
        "music",
        "was",
        "is",
        "felt",
        "seemed",
    ),
    *(
        "good",
        "bad",
        "dull",
        "bright",
        "slow",
        "funny",
        "sad",
        "but",
        "while",
        "with",
        "of",
        "nobody",
        "never",
    ),
)
_CHINESE = (
    "\u9152\u5e97",
    "\u623f\u95f4",
    "\u5f88",
    "\u597d",
    "\u5dee",
    "\u670d\u52a1",
    "\u65e9\u9910",
    "\u4e0d\u9519",
)


def sentences(n: int, seed: int = 0, words: Sequence[str] = _WORDS) -> list[str]:
    """Different sentences, some with quotes, commas and semicolons."""
    rng = random.Random(seed)  # noqa: S311 - texts, not secrets
    made = []
    for number in range(n):
        drawn = rng.choices(words, k=rng.randint(5, 14))
        if number % 7 == 3:
            drawn[2] = f'"{drawn[2]}"'
        if number % 5 == 1:
            drawn[1] += ","
        made.append(" ".join([*drawn, f"number{number}"]) + rng.choice([".", "!", " ...", "; or so"]))
    return made


N = 120
TEXTS = sentences(N)
LABELS = [("pos", "neg", "neg")[number % 3] for number in range(N)]
SPLITS = {"train": range(80), "dev": range(80, 100), "test": range(100, 120)}


def _write(path: Path, lines: Iterable[str], encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


def _write_csv(path: Path, rows: Iterable[Sequence[object]], encoding: str = "utf-8", **form: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, **form).writerows(rows)
    return path


def label_tab_text(root: Path) -> Path:
    """As R8 and the SMS collection: a label, a tab, a text with bare quotes; no suffix, a readme beside."""
    _write(root / "readme", ["A collection", "", "1. DESCRIPTION"])
    lines = [f"{label}\t{text}" for label, text in zip(LABELS, TEXTS, strict=True)]
    _write(
        root / "SMSSpamCollection",
        [line.replace("\t", '\t"', 1) if n % 9 == 0 else line for n, line in enumerate(lines)],
    )
    return root


def label_colon_sublabel(root: Path) -> Path:
    """As TREC."""
    lines = [
        f"{label.upper()}:sub{n % 9} {text}"
        for n, (label, text) in enumerate(zip(LABELS, TEXTS, strict=True))
    ]
    return _write(root / "train.label", lines)


def csv_without_header(root: Path) -> Path:
    """As AG News: a number, a title, a description; names of the classes beside."""
    for split, rows in SPLITS.items():
        table = [(n % 3 + 1, " ".join(TEXTS[n].split()[:4]), TEXTS[n]) for n in rows]
        _write_csv(root / f"{split}.csv", table, quoting=csv.QUOTE_ALL)
    _write(root / "classes.txt", ["World", "Sports", "Business"])
    return root


def one_file_a_split(root: Path) -> Path:
    """As GLUE: a header, and a test file without labels."""
    for split in ("train", "dev"):
        rows = [f"{TEXTS[n]}\t{n % 2}" for n in SPLITS[split]]
        _write(root / f"{split}.tsv", ["sentence\tlabel", *rows])
    _write(root / "test.tsv", ["index\tsentence", *(f"{n}\t{TEXTS[n]}" for n in SPLITS["test"])])
    return root


def one_file_a_class(root: Path) -> Path:
    """As rt-polarity."""
    for label in ("pos", "neg"):
        of_class = [text for text, there in zip(TEXTS, LABELS, strict=True) if there == label]
        _write(root / f"rt-polarity.{label}", of_class)
    _write(root / "rt-polaritydata.README.1.0.txt", ["About"]).rename(root / "README.1.0.txt")
    return root


def folders_without_suffix(root: Path) -> Path:
    """As 20 Newsgroups: latin-1, folders whose names tell the split among other words."""
    for split in ("train", "test"):
        for group in ("alt.atheism", "comp.graphics"):
            for number in range(20):
                name = f"20news-bydate-{split}/{group}/{50_000 + number}"
                _write(root / name, [f"From: caf\u00e9 {number}", "", TEXTS[number]], "latin-1")
    return root


def kaggle_spam(root: Path) -> Path:
    """As Kaggle's spam.csv: cp1252, and three columns without a name that are mostly empty."""
    rows = [
        (label, f"{text} \u00a35 \u2013 ok", " GE" if n == 7 else "", "", "")
        for n, (label, text) in enumerate(zip(LABELS, TEXTS, strict=True))
    ]
    return _write_csv(root / "spam.csv", [("v1", "v2", "", "", ""), *rows], "cp1252")


def chinese(root: Path) -> Path:
    """As ChnSentiCorp: no spaces, quoted commas, some texts empty."""
    texts = sentences(N, words=_CHINESE)
    glued = [text.replace(" ", "") for text in texts]
    return _write_csv(
        root / "hotels.csv", [(n % 2, "" if n % 40 == 39 else text) for n, text in enumerate(glued)]
    )


def six_columns(root: Path) -> Path:
    """As Sentiment140: all quoted, no header, one class after the other, latin-1."""
    rows = [
        (
            4 * (n >= N // 2),
            1_467_810_369 + n,
            f"Mon Apr 06 22:19:{n % 60:02d} PDT 2009",
            "NO_QUERY",
            f"user{n}",
            f"{text} \u00e9",
        )
        for n, text in enumerate(TEXTS)
    ]
    return _write_csv(root / "training.1600000.processed.csv", rows, "latin-1", quoting=csv.QUOTE_ALL)


def four_columns(root: Path) -> Path:
    """As CoLA: a source, a label, an annotation that is often empty, a sentence; no header."""
    return _write(
        root / "in_domain_train.tsv",
        [f"gj{n % 7:02d}\t{n % 2}\t{'*' * (n % 2 == 0)}\t{text}" for n, text in enumerate(TEXTS)],
    )


def index_column(root: Path) -> Path:
    """As the UCI's drug reviews: an index without a name, numbers and dates beside the review, camel case."""
    head = ("", "drugName", "condition", "review", "rating", "date", "usefulCount")
    for split, rows in (("Train", range(80)), ("Test", range(80, 120))):
        table = [
            (n, f"drug{n % 40}", f"ill{n % 60}", f'"{TEXTS[n]}"', float(n % 5 + 1), "May 20, 2012", n * 3)
            for n in rows
        ]
        _write_csv(root / f"drugsCom{split}_raw.tsv", [head, *table], delimiter="\t")
    return root


def fasttext(root: Path) -> Path:
    """As Amazon reviews for fastText, compressed."""
    lines = [f"__label__{n % 2 + 1} {text}" for n, text in enumerate(TEXTS)]
    path = root / "train.ft.txt.bz2"
    path.write_bytes(bz2.compress(_write(root / "train.ft.txt", lines).read_bytes()))
    return path


def json_of_splits(root: Path) -> Path:
    """As CLINC150: a list of pairs for each split."""
    parts = {"train": range(80), "val": range(80, 100), "test": range(100, 120)}
    document = {split: [[TEXTS[n], f"intent_{n % 4}"] for n in rows] for split, rows in parts.items()}
    return _write(root / "data_full.json", [json.dumps(document)])


def json_with_records_inside(root: Path) -> Path:
    """As SQuAD: the records under a key, beside a version."""
    records = [{"id": str(n), "question": text, "category": LABELS[n]} for n, text in enumerate(TEXTS)]
    return _write(root / "train-v2.0.json", [json.dumps({"version": "v2.0", "data": records})])


def json_lines(root: Path) -> Path:
    """As the News Category set: .json with an object a line and keys of other names; compressed."""
    records = [
        {
            "category": LABELS[n].upper(),
            "headline": " ".join(text.split()[:5]),
            "authors": "J. Doe",
            "link": f"https://a.b/{n}",
            "short_description": text,
        }
        for n, text in enumerate(TEXTS)
    ]
    path = root / "News_Category.json.gz"
    path.write_bytes(gzip.compress(_write(root / "x.json", map(json.dumps, records)).read_bytes()))
    return path


def parquet_shards(root: Path) -> Path:
    """As the Hugging Face hub serves it: shards, class names in the schema, a test split labelled -1."""
    info = {"info": {"features": {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}}}}
    (root / "data").mkdir(parents=True)
    (root / "README.md").write_text("---\n")
    for name, rows, is_labelled in (
        ("train-00000-of-00002", range(40), True),
        ("train-00001-of-00002", range(40, 80), True),
        ("validation-00000-of-00001", range(80, 100), True),
        ("test-00000-of-00001", range(100, 120), False),
    ):
        table = pa.table(
            {"sentence": [TEXTS[n] for n in rows], "label": [n % 2 if is_labelled else -1 for n in rows]}
        )
        pq.write_table(
            table.replace_schema_metadata({"huggingface": json.dumps(info)}),
            root / "data" / f"{name}.parquet",
        )
    return root


def texts_and_labels(root: Path) -> Path:
    """As TweetEval: a file of texts and a file of labels for each split, and what the numbers mean."""
    for split, rows in (("train", range(80)), ("val", range(80, 100)), ("test", range(100, 120))):
        _write(root / f"{split}_text.txt", [TEXTS[n] for n in rows])
        _write(root / f"{split}_labels.txt", [str(n % 3) for n in rows])
    _write(root / "mapping.txt", ["0\tnegative", "1\tneutral", "2\tpositive"])
    return root


def acl_imdb(root: Path) -> Path:
    """As aclImdb: folders of splits and classes, reviews without a label, other files beside."""
    for split in ("train", "test"):
        for label in ("neg", "pos", "unsup")[: 3 if split == "train" else 2]:
            for number in range(20):
                _write(root / split / label / f"{number}_7.txt", [TEXTS[number]])
        _write(root / split / "urls_pos.txt", ["http://a.b"])
        _write(root / split / "labeledBow.feat", ["9 0:9"])
    _write(root / "imdb.vocab", ["the"])
    _write(root / "README", ["Large Movie Review Dataset"])
    return root


def folders_of_classes(root: Path) -> Path:
    """As the BBC's news: a folder a class, latin-1, inside of another folder."""
    for label in ("business", "sport"):
        for number in range(30):
            _write(root / "bbc" / label / f"{number:03d}.txt", [f"\u00a3{number}", TEXTS[number]], "latin-1")
    _write(root / "README.TXT", ["BBC"])
    return root


def zipped(root: Path) -> Path:
    """The SMS collection as the UCI serves it."""
    folder = label_tab_text(root / "sms")
    with zipfile.ZipFile(root / "sms.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return root / "sms.zip"


def other_delimiters(root: Path) -> Path:
    """As the Financial PhraseBank: a text, an @, a label; latin-1."""
    lines = [
        f"{text.replace('@', '')} \u00e4 @{('positive', 'neutral')[n % 2]}" for n, text in enumerate(TEXTS)
    ]
    return _write(root / "Sentences_50Agree.txt", lines, "latin-1")


def triple_colons(root: Path) -> Path:
    """As the IMDB genre set."""
    lines = [
        f"{n} ::: Film {n} ({1990 + n % 9}) ::: {('drama', 'comedy')[n % 2]} ::: {text}"
        for n, text in enumerate(TEXTS)
    ]
    return _write(root / "train_data.txt", lines)


def labels_before_a_space(root: Path) -> Path:
    """As the sentiment treebank for convolutional networks."""
    return _write(root / "stsa.binary.train", [f"{n % 2} {text}" for n, text in enumerate(TEXTS)])


def semicolons_in_utf_16(root: Path) -> Path:
    """As a spreadsheet saves it: semicolons, UTF-16, quoted line ends; compressed."""
    _write_csv(
        root / "x.csv",
        [("Text", "Klasse"), *((f"{text}\nZeile zwei", n % 4) for n, text in enumerate(TEXTS))],
        "utf-16",
        delimiter=";",
    )
    path = root / "x.csv.xz"
    path.write_bytes(lzma.compress((root / "x.csv").read_bytes()))
    return path


def many_columns(root: Path) -> Path:
    """As the airlines' tweets: confidences, reasons and names beside the text."""
    head = (
        "tweet_id",
        "airline_sentiment",
        "airline_sentiment_confidence",
        "negativereason",
        "airline",
        "name",
        "text",
    )
    rows = [
        (
            n,
            ("negative", "neutral", "positive")[n % 3],
            0.05 + n % 9 / 10,
            "Late" * (n % 3 == 0),
            ("United", "Delta")[n % 2],
            f"u{n}",
            text,
        )
        for n, text in enumerate(TEXTS)
    ]
    return _write_csv(root / "Tweets.csv", [head, *rows])


SHAPES: dict[str, tuple[Callable[[Path], Path], int, tuple[str, ...]]] = {
    "label, tab, text": (label_tab_text, 120, ("neg", "pos")),
    "LABEL:sublabel text": (label_colon_sublabel, 120, ("NEG", "POS")),
    "csv without header, class names beside": (csv_without_header, 120, ("Business", "Sports", "World")),
    "one file a split, test without labels": (one_file_a_split, 100, ("0", "1")),
    "one file a class": (one_file_a_class, 120, ("neg", "pos")),
    "folders of files without a suffix": (folders_without_suffix, 80, ("alt.atheism", "comp.graphics")),
    "cp1252 with empty columns": (kaggle_spam, 120, ("neg", "pos")),
    "Chinese without spaces": (chinese, 117, ("0", "1")),
    "six columns, one class after the other": (six_columns, 120, ("0", "4")),
    "four columns without header": (four_columns, 120, ("0", "1")),
    "an index column, a quoted review": (index_column, 120, ("1.0", "2.0", "3.0", "4.0", "5.0")),
    "fastText, bz2": (fasttext, 120, ("1", "2")),
    "JSON by split": (json_of_splits, 120, ("intent_0", "intent_1", "intent_2", "intent_3")),
    "JSON, records inside": (json_with_records_inside, 120, ("neg", "pos")),
    "JSON lines, gz": (json_lines, 120, ("NEG", "POS")),
    "Parquet shards": (parquet_shards, 100, ("bad", "good")),
    "a file of texts and one of labels": (texts_and_labels, 120, ("negative", "neutral", "positive")),
    "aclImdb": (acl_imdb, 80, ("neg", "pos")),
    "folders of classes": (folders_of_classes, 60, ("business", "sport")),
    "a zip archive": (zipped, 120, ("neg", "pos")),
    "text@label": (other_delimiters, 120, ("neutral", "positive")),
    "fields between :::": (triple_colons, 120, ("comedy", "drama")),
    "label, space, text": (labels_before_a_space, 120, ("0", "1")),
    "semicolons in UTF-16, xz": (semicolons_in_utf_16, 120, ("0", "1", "2", "3")),
    "many columns": (many_columns, 120, ("negative", "neutral", "positive")),
}
"""For each shape what makes it, the rows that must be read, and the classes."""
