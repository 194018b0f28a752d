"""The page in a real browser: no error, no request, no script of a stranger's, and its table works."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analysis import Study, load, write_report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(browser: Any, small_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = write_report(small_study, tmp_path_factory.mktemp("report"))
    browser.get(path.as_uri())
    return browser


def column(page: Any, label: str) -> list[str]:
    script = """
        const heads = [...document.querySelectorAll("#trials th")].map((th) => th.innerText);
        const at = heads.indexOf(arguments[0]);
        const rows = document.querySelectorAll("#trials tbody tr:not(.spacer)");
        return [...rows].map((tr) => tr.cells[at].innerText);
    """
    values: list[str] = page.execute_script(script, label)
    return values


def click_heading(page: Any, label: str) -> None:
    page.execute_script(
        "const buttons = [...document.querySelectorAll('#trials th button')];"
        "buttons.find((b) => b.innerText === arguments[0]).click()",
        label,
    )


def type_into(page: Any, field: str, text: str) -> None:
    page.execute_script(
        "const f = document.getElementById(arguments[0]); f.value = arguments[1];"
        "f.dispatchEvent(new Event('input'))",
        field,
        text,
    )


def test_the_console_stays_silent_and_no_request_leaves_the_file(page: Any) -> None:
    assert page.get_log("browser") == []
    messages = [entry["message"] for entry in page.get_log("performance")]
    requests = [message for message in messages if "Network.requestWillBeSent" in message]
    assert requests
    assert not [message for message in requests if '"url":"http' in message]


def test_a_click_sorts_and_another_click_turns_the_order(page: Any) -> None:
    click_heading(page, "trial")
    ascending = [int(text) for text in column(page, "trial")]
    click_heading(page, "trial")
    descending = [int(text) for text in column(page, "trial")]
    assert ascending == sorted(ascending)
    assert descending == sorted(descending, reverse=True)
    assert ascending != descending


def test_words_and_bounds_filter(page: Any) -> None:
    type_into(page, "filter", "lstm")
    assert {text.lower() for text in column(page, "cell")} == {"lstm"}
    type_into(page, "filter", "")
    type_into(page, "least", "80")
    shown = [float(text.rstrip("%")) for text in column(page, "val accuracy")]
    assert shown
    assert min(shown) >= 80
    type_into(page, "least", "")


def test_the_page_is_as_wide_as_a_phone(page: Any) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert page.execute_script("return document.documentElement.scrollWidth") == 390
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


BREAKS = ("", '"', "'>", "-->", "</textarea></title></style></svg>")
"""What might end the context that a text stands in."""

SONGS = (
    "<script>{song}</script>",
    "</script><script>{song}</script>",
    "<img src=x onerror={song}>",
    "<svg onload={song}>",
    "<svg><script>{song}</script></svg>",
    "<svg><animate attributeName=x onbegin={song}>",
    "<body onload={song}>",
    '<iframe srcdoc="<script>parent.{song}</script>"></iframe>',
    '<iframe src="javascript:parent.{song}"></iframe>',
    "<details open ontoggle={song}>",
    "<input autofocus onfocus={song}>",
    "<video><source onerror={song}></video>",
    "<style onload={song}></style>",
    "<math><mtext><table><mglyph><style><img src=x onerror={song}>",
    "<!--<script>{song}</script>",
    "<a href=javascript:{song}>x</a>",
    " onmouseover={song} autofocus onfocus={song} x=",
    "\\u003cscript\\u003e{song}\\u003c/script\\u003e",
    "\u2028{song}//",
    "-{song}-",
)
"""Texts that run `{song}` where a page takes them for its own."""

HOSTILE = [
    break_ + song.format(song=f"document.title=/canary-{number}-/")
    for number, (break_, song) in enumerate(itertools.product(BREAKS, SONGS))
]


def test_the_canary_sings_where_it_is_let(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(f"<title>quiet</title>{HOSTILE[2]}")

    browser.get(page.as_uri())

    browser.implicitly_wait(1)
    assert "canary-2-" in browser.title
    browser.get_log("browser")


def test_none_of_a_hundred_hostile_texts_runs_in_the_page(
    browser: Any, write_database: Callable[..., Path], tmp_path: Path
) -> None:
    texts = iter(HOSTILE)
    plan = {"n_trials": 16, "n_classes": 3, "n_seeds": 1, "name": HOSTILE[0], "source": HOSTILE[1]}
    path = write_database(**plan, classes=tuple(itertools.islice(texts, 3)))
    names = list(itertools.islice(texts, 4))
    with closing(sqlite3.connect(path)) as connection, connection:
        for trial in range(16):
            params = {name: next(texts) for name in names}
            change = (json.dumps(params | {"cell": "gru"}), next(texts), trial)
            connection.execute(
                "UPDATE attempts SET params=?, reason=?, state='completed' WHERE trial=?", change
            )
            connection.execute("UPDATE attempts SET state='failed' WHERE trial % 4 = 0")
        for text in itertools.islice(texts, 13):
            connection.execute("INSERT INTO baselines VALUES (?, 0.5, 0.7, 0.1)", (text,))
    assert next(texts, None) is None

    page = write_report(load(path), tmp_path / "report")
    browser.get(page.as_uri())
    title = browser.title
    browser.execute_script("document.querySelectorAll('button, summary').forEach((e) => e.click())")
    browser.execute_script("document.querySelectorAll('*').forEach((e) => e.focus?.())")

    said = page.read_text(encoding="utf-8")
    shown = {number for number in range(len(HOSTILE)) if f"canary-{number}-" in said}
    assert set(range(len(HOSTILE))) - shown == set()
    assert browser.title == title
    assert browser.get_log("browser") == []
