"""The schema by which editors complete and check a stack's file."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from components.spelling import to_camel
from settings import Settings
from settings.schema import FILE, ROOT, schema

FILES = sorted(ROOT.glob("Pulumi.*.yaml"))
LEAST: dict[str, Any] = {"kumiki:product": "wiki", "kumiki:environment": "dev", "kumiki:owner": "platform"}


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    written = json.loads(FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(written)
    return Draft202012Validator(written)


def red(validator: Draft202012Validator, config: dict[str, Any]) -> list[str]:
    """Where an editor shows a red line."""
    found = validator.iter_errors({"config": {**LEAST, **config}})
    return sorted({".".join(map(str, list(one.absolute_path)[1:])) for one in found})


def test_it_is_the_schema_of_the_models() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == schema()
    properties = schema()["properties"]["config"]["properties"]
    assert set(properties) == {f"kumiki:{to_camel(name)}" for name in Settings.model_fields}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_stack_names_it_and_holds_to_it(file: Any, validator: Draft202012Validator) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={FILE.name}"
    assert list(validator.iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    ("config", "places"),
    [
        ({"kumiki:netwrok": {}}, [""]),
        ({"kumiki:network": {"zonez": 2}}, ["kumiki:network"]),
        ({"kumiki:network": {"zones": "two"}}, ["kumiki:network.zones"]),
        ({"kumiki:environment": "production"}, ["kumiki:environment"]),
        ({"kumiki:region": "mars-1"}, ["kumiki:region"]),
        ({"kumiki:tables": {"Not a name": {"attributes": {"id": "S"}, "hashKey": "id"}}}, ["kumiki:tables"]),
        (
            {"kumiki:tables": {"notes": {"attributes": {"id": "X"}, "hashKey": "id", "recoveryDays": 36}}},
            ["kumiki:tables.notes.attributes.id", "kumiki:tables.notes.recoveryDays"],
        ),
        ({"kumiki:tables": {"notes": {"attributes": {"id": "S"}, "hashKey": "id", "transform": {}}}},
         ["kumiki:tables.notes"]),
        ({"kumiki:apis": {"app": {"kind": "rest", "routes": {"POST /": {"function": "api", "body": "item"}}}}}, []),
        ({"kumiki:apis": {"app": {"kind": "http", "routes": {"POST /": {"function": "api", "body": "item"}}}}},
         ["kumiki:apis.app"]),
    ],
)  # fmt: skip
def test_a_mistake_is_red_where_it_stands(
    config: dict[str, Any], places: list[str], validator: Draft202012Validator
) -> None:
    assert red(validator, config) == places


def test_what_is_not_ours_is_left_alone(validator: Draft202012Validator) -> None:
    others = {
        "aws:region": "ap-northeast-1",
        "pulumi:disable-default-providers": ["aws"],
        "policy:exemptions": [],
        "datadog:apiKey": {"secure": "AAABAA=="},
    }
    assert red(validator, others) == []
