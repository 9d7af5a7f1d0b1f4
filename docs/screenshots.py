"""Photograph the page of prod, and of a change that fails, into docs/pictures/: `make docs-screenshots`.

It needs a Chromium on the PATH, and fonts differ from machine to machine: the pictures are not compared with those that
are kept, and are made again when somebody changes what the page looks like.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "pictures"
sys.path.insert(0, str(ROOT))

from changes.__main__ import judged  # noqa: E402 this file is run by its path
from changes.model import ChangeError, Side  # noqa: E402
from changes.picture import judged as of_page  # noqa: E402
from changes.sides import CACHE, Rehearsal, report, this_tree, tree_or_none  # noqa: E402
from pictures.page import page  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STACK: Final = "prod"
CHANGE: Final = {
    "    engine: aurora\n": "    engine: aurora\n    database: orders\n",
    "  kumiki:queues:\n": "  kumiki:queues:\n    mail: {consumerTimeoutSeconds: 60, maxAttempts: 3}\n",
    "messagesPerTask: 2}": "messagesPerTask: 4}",
}
"""What somebody might write into the stack's file without knowing what it does: a database is not renamed in place."""
MOST_BYTES: Final = 400_000
WIDTH: Final = 1640
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")


def main() -> None:
    """Write all of them."""
    chromium = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if chromium is None:
        sys.exit("there is no Chromium on the PATH: install one")
    try:
        before = this_tree(ROOT, STACK)
        after = changed()
    except ChangeError as error:
        sys.exit(f"{error.message}\n{error.remedy or ''}")
    if before.report is None:
        sys.exit(f"{STACK} was not rehearsed")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 `make` installs it for those who need it

    drawn, states = of_page(judged(before, after))
    with sync_playwright() as driver:
        # Chromium refuses its sandbox to root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        for scheme in SCHEMES:
            photograph(browser, page(before.report), f"page-{scheme}.png", scheme)
            photograph(browser, page(drawn, states), f"change-{scheme}.png", scheme)
        browser.close()


def changed() -> Side:
    """The stack as the change has it, rehearsed from a folder that holds no more than its file."""
    text = (ROOT / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
    for old, new in CHANGE.items():
        if text.count(old) != 1:
            sys.exit(f"Pulumi.{STACK}.yaml has {old.strip()!r} {text.count(old)} times: write another CHANGE")
        text = text.replace(old, new)
    place = ROOT / CACHE / "screenshots"
    place.mkdir(parents=True, exist_ok=True)
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    main = (ROOT / project.get("main", ".")).resolve()
    (place / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "main": str(main)}), encoding="utf-8")
    (place / f"Pulumi.{STACK}.yaml").write_text(text, encoding="utf-8")
    running = Rehearsal(place, STACK, tree_or_none(ROOT), "the change", ROOT / CACHE, built=ROOT)
    try:
        return report(running.result(), "the change", STACK)
    finally:
        running.stop()


def photograph(browser: Browser, text: str, name: str, scheme: Scheme) -> None:
    """The first screen of a page: what it begins with, and its picture."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 1000}, color_scheme=scheme)
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        shown = context.new_page()
        shown.goto(Path(file.name).as_uri())
        bottom = shown.evaluate("Math.ceil(document.querySelector('#picture').getBoundingClientRect().bottom) + 24")
        shown.set_viewport_size({"width": WIDTH, "height": bottom})
        shown.screenshot(path=FOLDER / name)
    context.close()
    if (size := (FOLDER / name).stat().st_size) > MOST_BYTES:
        sys.exit(f"{name} has {size} bytes, and at most {MOST_BYTES} are kept")


if __name__ == "__main__":
    main()
