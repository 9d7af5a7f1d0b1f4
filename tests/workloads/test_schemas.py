"""The schemas by which REST APIs check what is sent agree with the application behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from api.conversations import MOST_CHARACTERS, NewConversation, NewMessage, Search
from api.main import create_app
from api.settings import Settings
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError

SCHEMAS = Path(__file__).resolve().parents[2] / "workloads/schemas"


def lets_through(schema: str, body: Any) -> bool:
    rules = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(rules).is_valid(body)


@pytest.mark.covers("B7")
@pytest.mark.parametrize(
    ("body", "passes"),
    [
        ({"name": "a"}, True),
        ({"name": "a", "description": "b"}, True),
        ({"name": f"  {'a' * 200}  "}, True),
        ({}, False),
        ({"name": ""}, False),
        ({"name": 1}, False),
        ({"name": "a", "colour": "red"}, False),
        ({"name": "a", "description": None}, False),
        ([], False),
        ("a", False),
    ],
)
def test_what_the_api_lets_through_the_application_takes(body: Any, passes: bool) -> None:
    with TestClient(create_app(Settings())) as client:
        taken = client.post("/items", json=body).status_code == 201
    assert (lets_through("item", body), taken) == (passes, passes)


def _takes(model: type[BaseModel], body: Any) -> bool:
    try:
        model.model_validate_json(json.dumps(body), strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.covers("B7", "B17")
@pytest.mark.parametrize(
    ("schema", "model", "body", "passes"),
    [
        ("conversation", NewConversation, {}, True),
        ("conversation", NewConversation, {"title": f"  {'a' * 200}  "}, True),
        ("conversation", NewConversation, {"title": None}, False),
        ("conversation", NewConversation, {"name": "a"}, False),
        ("conversation", NewConversation, [], False),
        ("message", NewMessage, {"text": "a"}, True),
        ("message", NewMessage, {"text": f"  {'a' * MOST_CHARACTERS}  "}, True),
        ("message", NewMessage, {}, False),
        ("message", NewMessage, {"text": ""}, False),
        ("message", NewMessage, {"text": 1}, False),
        ("message", NewMessage, {"text": "a", "model": "another"}, False),
        ("search", Search, {"text": "a"}, True),
        ("search", Search, {"text": "a", "limit": 50}, True),
        ("search", Search, {"text": "a", "limit": 51}, False),
        ("search", Search, {"text": "a", "limit": 0}, False),
        ("search", Search, {"limit": 1}, False),
    ],
)
def test_questions_that_the_api_lets_through_the_application_takes(
    schema: str, model: type[BaseModel], body: Any, passes: bool
) -> None:
    assert (lets_through(schema, body), _takes(model, body)) == (passes, passes)
