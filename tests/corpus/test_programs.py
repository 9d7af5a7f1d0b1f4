"""Mistakes in plain programs, many in one rehearsal, each accused by the check that it is meant for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.corpus.__main__ import FILE, LAYERS, document
from tests.corpus.programs import MISSED, MISTAKES, PREAMBLE
from tests.corpus.stacks import VARIANTS
from tests.rehearsal.conftest import Rehearse, Rehearsed, project

_PROVIDER = 'aws_oidc = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"\n'


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Rehearsed:
    """All of them in one program: none is in another's way, because each has resources of its own."""
    lines = [f"aws.{mistake.code.format(name=name)}" for name, mistake in MISTAKES.items()]
    program = PREAMBLE + _PROVIDER + "\n".join(lines) + "\n"
    folder = tmp_path_factory.mktemp("corpus")
    return rehearse(project(folder, {"config": {}}, program), "test", "--profile", "house")


def _accusations(corpus: Rehearsed, name: str) -> list[dict[str, Any]]:
    return [one for one in corpus.report["problems"] if (one["urn"] or "").endswith(f"::{name}")]


@pytest.mark.parametrize("name", [name for name in MISTAKES if name not in MISSED])
def test_a_mistake_is_caught_where_it_should_be(corpus: Rehearsed, name: str) -> None:
    mistake = MISTAKES[name]
    found = [one for one in _accusations(corpus, name) if one["kind"] == mistake.layer]

    assert found, [(one["kind"], one["rule"], one["message"]) for one in _accusations(corpus, name)]
    assert any(mistake.found_by in f"{one['rule']} {one['message']} {one['remedy']}" for one in found), found


@pytest.mark.parametrize("name", MISSED)
def test_a_miss_is_still_one(corpus: Rehearsed, name: str) -> None:
    """What is caught one day must not stay on the list."""
    assert MISTAKES[name].layer == "missed"
    assert not [one for one in _accusations(corpus, name) if one["kind"] != "policy"]


def test_the_corpus_is_large_and_nearly_all_of_it_is_caught() -> None:
    whole = len(MISTAKES) + len(VARIANTS)

    assert whole >= 200
    assert len(MISSED) / whole < 0.05
    assert {mistake.layer for mistake in MISTAKES.values()} == {*LAYERS, "missed"} - {"settings", "args"}


def test_the_list_of_mistakes_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "run `python -m tests.corpus`"


def test_nothing_of_it_broke_the_rehearsal(corpus: Rehearsed) -> None:
    assert not [one["message"] for one in corpus.report["problems"] if "itself failed" in one["message"]]
    assert not [one["message"] for one in corpus.report["problems"] if one["kind"] == "program"]
