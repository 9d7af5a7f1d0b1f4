"""The report as JSON is what its published schema says."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator

from rehearsal.marks import REPORT_SCHEMA, REPORT_VERSION
from tests.rehearsal.conftest import Rehearsed

SCHEMA = json.loads(REPORT_SCHEMA.read_text(encoding="utf-8"))


@pytest.mark.parametrize("stack", ["dev", "serverless", "personal"])
def test_a_report_is_what_its_schema_says(rehearsed: Callable[[str], Rehearsed], stack: str) -> None:
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["properties"]["version"] == {"const": REPORT_VERSION}
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(rehearsed(stack).report)] == []


def test_a_key_that_the_schema_does_not_know_would_be_noticed(rehearsed: Callable[[str], Rehearsed]) -> None:
    changed = {**rehearsed("dev").report, "verdict": "ok"}

    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(changed)]
