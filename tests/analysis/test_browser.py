"""The page in a real browser: no error, no request, and its table works."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis import Study, write_report

pytestmark = pytest.mark.slow

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if BROWSER is None or DRIVER is None:
        pytest.skip("there is no chromium with chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_window_size(1280, 900)
    yield driver
    driver.quit()


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
