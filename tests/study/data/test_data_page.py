"""The documents name every key of the data section, and every option that sets one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from study.cli.flags import DATA, option_of
from study.data import DataSpec
from study.data.reading.formats import READERS
from study.data.spec import DELIMITER_NAMES, Quoting
from study.spec.schema import StudySpec

DOCS = Path(__file__).parents[3] / "docs"


def keys_of(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys_of(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_the_spec_page_names_every_key_of_the_data() -> None:
    page = (DOCS / "spec.md").read_text()
    assert [key for key in keys_of(DataSpec, "data.") if f"`{key}`" not in page] == []


def test_the_data_page_names_every_format() -> None:
    page = (DOCS / "data.md").read_text()
    assert [suffix for suffix in (*READERS, ".txt") if f"`{suffix}`" not in page] == []


def test_the_data_page_explains_every_key_and_option() -> None:
    page = (DOCS / "data.md").read_text()
    keys = [key for key in keys_of(DataSpec, "data.") if not key.startswith("data.recall.")]
    assert [key for key in keys if f"`{key}`" not in page] == []
    options = [part for flag in DATA for part in option_of(flag).split("/")]
    assert [option for option in options if f"`{option}`" not in page and f"`{option}`," not in page] == []


def test_the_data_page_names_every_way_of_quoting_and_delimiter() -> None:
    page = (DOCS / "data.md").read_text()
    names = [*get_args(Quoting), *(name for name in DELIMITER_NAMES if name.isalpha())]
    assert [name for name in names if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", ["spec.md", "data.md"])
def test_a_page_names_no_key_of_the_data_that_is_none(page: str) -> None:
    import re

    known = {*keys_of(StudySpec, ""), "data.reading", "data.db"}
    named = set(re.findall(r"`(data\.[a-z_.]+)`", (DOCS / page).read_text()))
    assert named - known == set()
