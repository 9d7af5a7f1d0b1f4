"""What a terminal shows while a rehearsal works, and where nothing is shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal import kept, text
from rehearsal.monitor import Registered
from rehearsal.progress import Bar, Step, shown
from rehearsal.report import Report


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(file: io.StringIO, **said: object) -> Console:
    return Console(file=file, force_terminal=True, color_system=None, **{"width": 120, **said})  # type: ignore[arg-type]


def drawn(bar: Bar, width: int) -> str:
    """The line as a terminal of that width has it."""
    file = Terminal()
    console(file, width=width, _environ={}).print(bar)
    return file.getvalue().rstrip()


def test_the_phase_the_count_and_what_is_awaited_are_told() -> None:
    bar = Bar("dev", 540)
    assert bar.words == "starting"
    bar.tell(Step("preview", 40, "shop-dev-vpc"))
    assert bar.words == "preview 40 of 540 resources · shop-dev-vpc"
    bar.tell(Step("deploy", 12, "shop-dev-key"))
    bar.tell(Step("preview", 41, "shop-dev-subnet"))
    assert bar.words == "deploy 12 of 540 resources · shop-dev-key"
    bar.tell(Step("policies", 540))
    assert bar.words == "policies 540 of 540 resources"
    bar.tell(Step("lint"))
    assert bar.words == "lint"


def test_a_stack_that_has_grown_has_no_total() -> None:
    bar = Bar("dev", 10)
    bar.tell(Step("deploy", 11, "one"))

    assert bar.words == "deploy 11 resources · one"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_is_one_line_of_any_window(width: int) -> None:
    bar = Bar("dev", 540)
    bar.tell(Step("deploy", 270, "shop-dev-a-name-that-is-longer-than-what-is-left-of-the-line"))
    (line,) = drawn(bar, width).splitlines()

    assert len(line) <= width
    assert ("━" in line) == (width >= 80)
    assert "deploy 270 of 540" in line


def test_the_line_is_drawn_as_steps_are_told_and_taken_away_at_the_end() -> None:
    file = Terminal()

    def interrupted() -> None:
        with shown(console(file, _environ={}), Bar("dev"), environment={}) as bar:
            bar.tell(Step("policies", 7))
            assert "policies 7 resources" in file.getvalue()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert file.getvalue().endswith(("\x1b[2K", "\x1b[?25h"))


@pytest.mark.parametrize(
    ("file", "environment", "quiet"),
    [
        (io.StringIO(), {}, False),
        (Terminal(), {"CI": "true"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {}, True),
    ],
)
def test_nothing_is_drawn_where_nobody_looks_on(file: io.StringIO, environment: dict[str, str], quiet: bool) -> None:
    there = console(file, _environ=environment)
    with shown(there, Bar("dev"), quiet=quiet, environment=environment) as bar:
        bar.tell(Step("policies", 7))
        bar.stop()

    assert file.getvalue() == ""


def test_how_many_there_were_is_known_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "kept")
    assert kept.size(tmp_path, "dev") is None
    kept.keep_size(tmp_path, "dev", 12)

    assert (kept.size(tmp_path, "dev"), kept.size(tmp_path, "prod")) == (12, None)
    for file in (tmp_path / "kept").iterdir():
        file.write_text("a dozen", encoding="utf-8")
    assert kept.size(tmp_path, "dev") is None


def test_the_whole_report_names_what_took_the_longest() -> None:
    report = Report(stack="dev", project="shop", product="shop", environment="dev", region="eu-west-1")
    report.seconds = {"preview": 1.0, "deploy": 2.5, "lint": 0.5, "policies": 0.1, "total": 4.0}
    report.resources = [
        Registered(urn=name, type="aws:kms/key:Key", name=name, parent="", custom=True, inputs={}, seconds=seconds)
        for name, seconds in {"quick": 0.01, "slow": 1.25, "second": 0.5, "third": 0.25}.items()
    ]
    file = io.StringIO()
    text.show(Console(file=file, width=100_000), report, debug=False, how="all")

    assert "Slowest: deploy, 2.5 s; of the resources slow 1.25 s, second 0.50 s, third 0.25 s\n" in file.getvalue()
