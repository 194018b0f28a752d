from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from study.data import DataSpec, load_corpus
from study.data.sources.frames import store_frame
from study.errors import DataError, EnvironmentFaultError

SPEC = DataSpec()


def frame(n: int = 40) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"text number {i}" for i in range(n)], "label": ["no", "yes"] * (n // 2)})


def test_a_stored_frame_is_read_as_the_same_corpus_as_its_csv(tmp_path: Path) -> None:
    table = frame()
    table.to_csv(tmp_path / "texts.csv", index=False)

    stored = load_corpus(DataSpec(source=str(store_frame(table, SPEC, tmp_path))))

    assert stored.fingerprint == load_corpus(DataSpec(source=str(tmp_path / "texts.csv"))).fingerprint


def test_no_row_is_lost_not_even_one_that_is_there_twice(tmp_path: Path) -> None:
    table = pd.concat([frame(), frame()])

    stored = pd.read_parquet(store_frame(table, SPEC, tmp_path))

    assert stored["text"].tolist() == table["text"].tolist()
    assert stored["label"].tolist() == table["label"].tolist()


def test_the_name_follows_from_content_alone(tmp_path: Path) -> None:
    table = frame()

    first = store_frame(table, SPEC, tmp_path)

    assert store_frame(table.set_index(table["text"]).assign(other=1), SPEC, tmp_path) == first
    assert store_frame(table.iloc[::-1], SPEC, tmp_path) != first
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    path = store_frame(frame(), SPEC, tmp_path)
    path.write_bytes(b"")

    store_frame(frame(), SPEC, tmp_path)

    assert len(pd.read_parquet(path)) == 40


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (pd.Series([0, 1] * 20), ["0", "1"]),
        (pd.Series([0, 1] * 20, dtype="Int8"), ["0", "1"]),
        (pd.Series([0.0, 1.0] * 20), ["0", "1"]),
        (pd.Series([False, True] * 20), ["false", "true"]),
        (pd.Series(["no", "yes"] * 20, dtype="category"), ["no", "yes"]),
        (pd.Series(["no", "yes"] * 20, dtype="string"), ["no", "yes"]),
    ],
)
def test_labels_of_every_kind_become_names(tmp_path: Path, labels: pd.Series, names: list[str]) -> None:
    stored = pd.read_parquet(store_frame(frame().assign(label=labels), SPEC, tmp_path))

    assert stored["label"].tolist() == names * 20


def test_columns_may_be_named_by_numbers_and_splits_are_kept(tmp_path: Path) -> None:
    table = frame().rename(columns={"text": 0, "label": 1}).assign(part=["train", "test"] * 20)
    spec = DataSpec(text="0", label="1", split="part")

    stored = pd.read_parquet(store_frame(table, spec, tmp_path))

    assert stored.columns.tolist() == ["0", "1", "part"]
    assert stored["part"].tolist() == ["train", "test"] * 20


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (frame()[["label"]], "'the DataFrame' must have one column of texts"),
        (frame()[["text"]], "'the DataFrame' must have one column of labels"),
        (pd.concat([frame(), frame()[["text"]]], axis=1), "must have one column of texts"),
        (frame().assign(text=["x"] * 39 + [3.5]), "row 40 has 3.5"),
        (frame().assign(label=[None] * 20 + ["a", "b"] * 10), "row 1 has None"),
        (frame().assign(label=[0.5, 1.0] * 20), "row 1 has 0.5"),
        (frame().assign(label="one"), "at least two classes"),
        (frame().assign(split="trian"), "row 1 has 'trian'"),
        (frame(0), "found 0 rows"),
        (frame().assign(text=pd.Series(["x"] * 39 + ["half \ud800"], dtype=object)), "half a surrogate pair"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_and_nothing_is_written(
    tmp_path: Path, table: pd.DataFrame, said: str
) -> None:
    with pytest.raises(DataError) as caught:
        store_frame(table, SPEC, tmp_path / "frames")

    assert said in str(caught.value)
    assert not (tmp_path / "frames").exists()


def test_columns_are_found_and_rows_without_a_text_are_kept_to_be_counted(tmp_path: Path) -> None:
    table = frame().rename(columns={"text": "review", "label": "stars"}).assign(number=range(40))
    table.loc[7, "review"] = None

    corpus = load_corpus(DataSpec(source=str(store_frame(table, SPEC, tmp_path))))

    assert len(corpus.texts) == 39
    assert corpus.reading is not None
    assert (corpus.reading.n_read, corpus.reading.left_out) == (40, {"empty text": 1})


def test_an_arrow_table_is_stored_as_the_same_frame_is(tmp_path: Path) -> None:
    table = frame()

    assert store_frame(pa.Table.from_pandas(table), SPEC, tmp_path) == store_frame(table, SPEC, tmp_path)


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EnvironmentFaultError, match="XDG_CACHE_HOME"):
        store_frame(frame(), SPEC, tmp_path / "file")
