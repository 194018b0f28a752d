from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.errors import AnalysisError
from analysis.records.paths import as_path


class Standing:
    """Stands for its directory, as a result does."""

    def __fspath__(self) -> str:
        return "~/studies"


@pytest.mark.parametrize("given", ["~/studies", Path("~/studies"), Standing()])
def test_a_path_in_any_form_may_begin_at_home(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    assert as_path(given) == Path("/home/me/studies")


@pytest.mark.parametrize("given", ["a/~", "./~", "~nobody-at-all/x"])
def test_what_only_looks_like_home_is_a_name(given: str) -> None:
    assert as_path(given) == Path(given)


@pytest.mark.parametrize("given", [None, 3, b"studies", ["studies"]])
def test_what_is_no_path_is_refused_in_one_line(given: Any) -> None:
    with pytest.raises(AnalysisError, match=r"^a path is text or a pathlib\.Path: .* is \w+; give one"):
        as_path(given)
