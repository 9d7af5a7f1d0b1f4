"""What is linted again and what is not: findings are always told, and clean resources are linted once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from rehearsal import kept
from rehearsal.lint import cache as lint_cache
from rehearsal.lint.cache import LintCache
from rehearsal.lint.linter import Linter
from rehearsal.lint.process import Linting
from rehearsal.lint.result import LintInput, LintResult

REGION = "ap-northeast-1"


def queue(called: str, **inputs: object) -> LintInput:
    return resource("aws:sqs/queue:Queue", called, inputs)


def log_group(called: str, name: str) -> LintInput:
    return resource("aws:cloudwatch/logGroup:LogGroup", called, {"name": name})


def resource(type_: str, called: str, inputs: dict[str, object]) -> LintInput:
    return LintInput(f"urn:pulumi:dev::p::{type_}::{called}", type_, REGION, inputs)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the resources that cfn-lint is asked about."""
    names: list[str] = []
    lint = Linter.lint

    def noted(self: Linter, resources: Sequence[LintInput]) -> LintResult:
        names.extend(one.urn.rpartition("::")[2] for one in resources)
        return lint(self, resources)

    monkeypatch.setattr(Linter, "lint", noted)
    return names


def linted(folder: Path, *resources: LintInput) -> LintResult:
    linting = Linting(LintCache(folder))
    for one in resources:
        linting.take(one)
    return linting.end()


def test_a_clean_resource_is_linted_once_and_counted_always(tmp_path: Path, asked: list[str]) -> None:
    first = linted(tmp_path, queue("a", name="a"), queue("b", name="b"))
    asked.clear()
    again = linted(tmp_path, queue("a", name="a"), queue("b", name="other"))
    assert asked == ["b"]
    assert first.linted == again.linted == 2
    assert not again.problems


def test_a_stack_without_a_change_does_without_cfn_lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linted(tmp_path, queue("a", name="a"))

    def load(_self: Linting) -> Linter:
        raise AssertionError("cfn-lint was loaded")

    monkeypatch.setattr(Linting, "_linter", load)
    assert linted(tmp_path, queue("a", name="a")).linted == 1


def test_a_finding_is_told_each_time_and_never_written_down(tmp_path: Path, asked: list[str]) -> None:
    wrong = queue("a", name="a", visibilityTimeoutSeconds=123_456)
    first, again = linted(tmp_path, wrong), linted(tmp_path, wrong)
    assert [one.rule for one in first.problems] == [one.rule for one in again.problems] == ["E3034"]
    assert asked == ["a", "a"]
    assert not any("123456" in file.read_text() or "sqs" in file.read_text() for file in tmp_path.iterdir())


def test_two_of_one_name_are_found_though_each_is_clean_and_known(tmp_path: Path) -> None:
    first, second = log_group("a", "same"), log_group("b", "same")
    assert not linted(tmp_path, first).problems
    assert not linted(tmp_path, second).problems
    others = [log_group(f"g{number}", f"g{number}") for number in range(30)]
    for _ in range(2):
        # More than one batch lies between them.
        found = linted(tmp_path, first, *others, second).problems
        assert {(one.rule, (one.urn or "").rpartition("::")[2]) for one in found} == {("E3019", "a"), ("E3019", "b")}


def test_what_was_found_on_another_day_or_by_another_linter_does_not_count(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    linted(tmp_path, queue("a", name="a"))
    monkeypatch.setattr(time, "strftime", lambda _form: "2031-01-01")
    linted(tmp_path, queue("a", name="a"))
    monkeypatch.setattr(lint_cache, "version", lambda _package: "99.9.9")
    linted(tmp_path, queue("a", name="a"))
    assert asked == ["a", "a", "a"]
    assert len(list(tmp_path.iterdir())) == 1, "what no longer counts is removed"


def test_a_damaged_line_and_a_folder_that_cannot_be_written_stop_nothing(tmp_path: Path, asked: list[str]) -> None:
    linted(tmp_path, queue("a", name="a"))
    [file] = tmp_path.iterdir()
    file.write_text(file.read_text() + "0123 [\n4567")
    linted(tmp_path, queue("a", name="a"))
    assert asked == ["a"]
    assert linted(file / "no folder", queue("a", name="a")).linted == 1


def test_the_services_that_a_stack_used_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "kept")
    main = tmp_path / "__main__.py"
    assert kept.services(main, "dev") is None
    kept.keep_services(main, "dev", ["aws:sqs/queue:Queue", "aws:lambda/function:Function", "pulumi:pulumi:Stack"])
    assert kept.services(main, "dev") == {"sqs", "lambda"}
    assert kept.services(main, "prod") is None
