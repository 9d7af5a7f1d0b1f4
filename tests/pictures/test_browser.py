"""The page in a real browser: by mouse, by keyboard, for everybody, and with 2,000 resources."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pictures.page import page
from tests.pictures.conftest import report, row
from tests.rehearsal.conftest import Rehearsed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)

_LONGEST = 300_000
"""Milliseconds that anything may take, however slow the machine is."""

playwright = pytest.importorskip(
    "playwright.sync_api", reason="what drives a browser is not installed: requirements/jobs.txt has it"
)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="requirements/jobs.txt has it")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on the PATH")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        # Chromium refuses its sandbox to root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        found = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    contexts = []

    def open_(text: str, **said: Any) -> tuple[Page, list[str]]:
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 1000}, **said))
        contexts[-1].set_default_timeout(_LONGEST)
        found = contexts[-1].new_page()
        heard: list[str] = []
        found.on("console", lambda message: heard.append(message.text))
        found.on("pageerror", lambda error: heard.append(str(error)))
        found.on("request", lambda request: heard.append(request.url) if not request.url.startswith("file:") else None)
        found.goto((tmp_path / "page.html").as_uri())
        return found, heard

    yield open_
    for one in contexts:
        one.close()


@pytest.fixture(scope="module")
def dev(rehearsed: Callable[[str], Rehearsed]) -> str:
    told = rehearsed("dev").report
    table = next(one for one in told["resources"] if one["type"] == "aws:dynamodb/table:Table")
    problem = {
        "kind": "policy",
        "level": "error",
        "rule": "table-backup",
        "urn": table["urn"],
        "message": "has no backup",
        "remedy": None,
        "source": table["source"],
    }
    return page({**told, "problems": [problem]})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_and_everybody_can_use_it(
    dev: str, opened: Callable[..., tuple[Page, list[str]]], scheme: str
) -> None:
    shown, heard = opened(dev, color_scheme=scheme)
    for colour in ("findings", "cost", "tiers"):
        shown.check(f"input[value={colour}]")
        found = axe.Axe().run(shown).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert heard == []


def test_a_badge_is_shown_with_the_colours_that_it_explains_and_the_picture_fits_the_window(
    dev: str, opened: Callable[..., tuple[Page, list[str]]]
) -> None:
    shown, _ = opened(dev)

    assert shown.locator(".badge.findings:visible").all_text_contents() == ["1 error"]
    shown.check("input[value=cost]")
    assert shown.locator(".badge.findings:visible").count() == 0
    assert shown.locator(".badge.cost:visible").count() > 3
    fits = "(() => { const one = document.querySelector('.scroll'); return one.scrollWidth <= one.clientWidth; })()"
    assert shown.evaluate(fits)
    shown.check("#whole")
    assert not shown.evaluate(fits)


def test_a_part_of_the_picture_leads_to_what_is_said_of_it(
    dev: str, opened: Callable[..., tuple[Page, list[str]]]
) -> None:
    shown, heard = opened(dev)
    shown.focus("a.node:has(title:text-is('AuroraPostgres database'))")
    shown.keyboard.press("Enter")
    shown.wait_for_selector("details.part[open]")

    assert shown.evaluate("document.activeElement.innerText").startswith("database")
    shown.click("details.part[open] details.resource:has-text('database-cluster') summary >> nth=0")
    assert shown.inner_text("details.resource[open] pre").startswith("{")
    assert heard == []


def test_search_and_filter_leave_what_fits(dev: str, opened: Callable[..., tuple[Page, list[str]]]) -> None:
    shown, _ = opened(dev)
    every = shown.locator("details.part:visible").count()
    shown.keyboard.press("/")
    shown.keyboard.type("aurora")
    aurora = shown.locator("details.part:visible").count()
    shown.fill("#search", "")
    shown.select_option("#only", "findings")

    assert 0 < aurora < every
    assert shown.locator("details.part:visible").count() == 1
    assert shown.inner_text("#counted") == f"1 of {every} parts"


def test_a_part_that_the_search_hides_is_shown_when_the_picture_leads_to_it(
    dev: str, opened: Callable[..., tuple[Page, list[str]]]
) -> None:
    shown, _ = opened(dev)
    shown.fill("#search", "there is no such part")
    shown.focus("a.node:has(title:text-is('AuroraPostgres database'))")
    shown.keyboard.press("Enter")
    shown.wait_for_selector("details.part[open]")

    assert shown.input_value("#search") == ""
    assert shown.locator("details.part:visible").count() > 1


def test_a_telephone_shows_all_of_it_whatever_names_are_long(
    dev: str, opened: Callable[..., tuple[Page, list[str]]]
) -> None:
    long = page(report(row("aws:sqs/queue:Queue", "x" * 300)))
    for text in (dev, long):
        shown, _ = opened(text)
        shown.set_viewport_size({"width": 360, "height": 700})
        assert shown.evaluate("document.documentElement.scrollWidth") == 360


def test_without_scripts_everything_but_inputs_is_there(
    dev: str, opened: Callable[..., tuple[Page, list[str]]]
) -> None:
    shown, _ = opened(dev, java_script_enabled=False)

    assert shown.locator("details.part:visible").count() > 30
    assert shown.locator("svg.picture a.node").count() > 30


def test_a_picture_of_two_thousand_resources_is_there_with_its_parts(
    opened: Callable[..., tuple[Page, list[str]]],
) -> None:
    kinds = ["aws:dynamodb/table:Table", "aws:s3/bucket:Bucket", "aws:lambda/function:Function", "aws:sqs/queue:Queue"]
    components = [row(f"shop:index:Part{number % 40}", f"part-{number}", custom=False) for number in range(250)]
    rows = [
        row(kinds[index % 4], f"thing-{number}-{index}", {"n": index, "text": "x" * 300}, parent=one["urn"])
        for number, one in enumerate(components)
        for index in range(7)
    ]
    shown, heard = opened(page(report(*components, *rows)))

    assert shown.locator("svg.picture a.node:visible").count() == 250
    shown.fill("#search", "thing-249-6")
    assert shown.locator("details.part:visible").count() == 1
    assert heard == []
