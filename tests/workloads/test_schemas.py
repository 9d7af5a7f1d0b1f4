"""The schemas by which REST APIs check what is sent agree with the application behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from api.main import create_app
from api.settings import Settings
from fastapi.testclient import TestClient

ITEM = json.loads((Path(__file__).resolve().parents[2] / "workloads/schemas/item.json").read_text(encoding="utf-8"))


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
    valid = jsonschema.Draft4Validator(ITEM).is_valid(body)
    with TestClient(create_app(Settings())) as client:
        taken = client.post("/items", json=body).status_code == 201
    assert (valid, taken) == (passes, passes)
