"""The api as its function runs: the real zip and layer, in a process that can import nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from packages.plan import sources
from packages.run import Run, local, run, unpacked
from tests.workloads.gateway_events import HOST, http, rest

HANDLER = "api.function.handler"
JSON = {"Content_Type": "application/json"}

Event = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with unpacked(local(sources()["api"])) as made:
        yield made


def answered(folder: Path, *events: dict[str, Any], **environment: str) -> Run:
    return run(folder, HANDLER, events, environment)


both_formats = pytest.mark.parametrize("event", [rest, http], ids=["REST", "HTTP"])


@pytest.mark.covers("C1")
@both_formats
def test_items_are_made_read_listed_and_removed(folder: Path, event: Event) -> None:
    made = answered(folder, event("POST", "/items", {"name": "本"}, **JSON), event("GET", "/items?limit=1"))
    created, listed = made.answers
    assert created["statusCode"] == 201
    item = json.loads(created["body"])
    assert item["name"] == "本"
    assert json.loads(listed["body"]) == [item]


@both_formats
def test_an_item_is_found_by_its_id_until_it_is_deleted(folder: Path, event: Event) -> None:
    missing = "/items/00000000-0000-4000-8000-000000000000"
    answers = answered(folder, event("GET", "/health"), event("GET", missing), event("DELETE", missing)).answers
    assert [answer["statusCode"] for answer in answers] == [200, 404, 404]
    assert json.loads(answers[0]["body"]) == {"status": "ok"}


@both_formats
def test_a_request_that_makes_no_sense_is_answered_and_not_an_error_of_the_function(folder: Path, event: Event) -> None:
    answers = answered(folder, event("POST", "/items", {"nmae": "x"}, **JSON), event("GET", "/nowhere")).answers
    assert [answer["statusCode"] for answer in answers] == [422, 404]


@pytest.mark.covers("C2")
@both_formats
def test_a_preflight_request_is_answered_for_pages_of_the_named_origin(folder: Path, event: Event) -> None:
    asks = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type"}
    ours = event("OPTIONS", "/items", Origin="https://www.example.com", **asks)
    others = event("OPTIONS", "/items", Origin="https://evil.example.com", **asks)
    allowed, refused = answered(folder, ours, others, CORS_ORIGINS="https://www.example.com").answers
    assert (allowed["statusCode"], refused["statusCode"]) == (200, 400)
    headers = json.dumps([allowed.get("headers"), allowed.get("multiValueHeaders")])
    assert '"access-control-allow-origin": ' in headers
    assert "evil" not in json.dumps(refused)


def test_a_body_that_the_gateway_has_encoded_is_read(folder: Path) -> None:
    [answer] = answered(folder, http("POST", "/items", {"name": "x"}, encoded=True, **JSON)).answers
    assert answer["statusCode"] == 201


def test_paths_begin_behind_the_mapping_of_a_custom_domain(folder: Path) -> None:
    [answer] = answered(folder, http("GET", "/v1/health"), BASE_PATH="/v1").answers
    assert answer["statusCode"] == 200


@pytest.mark.parametrize(
    ("event", "path", "asked"),
    [
        (http, "/v1/items", f"https://{HOST}/v1/items"),
        # A stage's name is not among what the function is told of the path.
        (rest, "/items", f"https://{HOST}/prod/items"),
    ],
)
def test_an_item_is_where_its_location_says_behind_a_mapping_or_a_stage(
    folder: Path, event: Event, path: str, asked: str
) -> None:
    [answer] = answered(folder, event("POST", path, {"name": "x"}, **JSON), BASE_PATH="/v1").answers
    headers = {**answer.get("headers", {}), **answer.get("multiValueHeaders", {})}
    location = headers["location"] if isinstance(headers["location"], str) else headers["location"][0]
    assert urljoin(asked, location) == f"{asked}/{json.loads(answer['body'])['id']}"


@both_formats
def test_a_body_above_the_limit_is_refused(folder: Path, event: Event) -> None:
    [answer] = answered(folder, event("POST", "/items", {"name": "x" * 65_536}, **JSON)).answers
    assert answer["statusCode"] == 413


@both_formats
def test_each_request_leaves_one_record_and_its_id_in_the_answer(folder: Path, event: Event) -> None:
    done = answered(folder, event("GET", "/items", X_Request_Id="abc-1"), SERVICE_NAME="study")
    [record] = [json.loads(line) for line in done.log]
    assert (record["service"], record["path"], record["status"], record["request_id"]) == (
        "study", "/items", 200, "abc-1",
    )  # fmt: skip
    headers = {**done.answers[0].get("headers", {}), **done.answers[0].get("multiValueHeaders", {})}
    assert headers["x-request-id"] in ("abc-1", ["abc-1"])


@pytest.mark.covers("C6")
def test_what_the_application_counts_is_in_the_log_as_cloudwatch_reads_metrics(folder: Path) -> None:
    events = [http("POST", "/items", {"name": name}, Content_Type="application/json") for name in ("a", "b")]
    done = answered(folder, *events, http("GET", "/items"), METRICS_NAMESPACE="study-dev", SERVICE_NAME="api")
    counted = [line for line in map(json.loads, done.log) if "_aws" in line]
    assert [(line["Service"], line["ItemsCreated"]) for line in counted] == [("api", 1), ("api", 1)]
    for line in counted:
        assert line["_aws"]["CloudWatchMetrics"] == [
            {
                "Namespace": "study-dev",
                "Dimensions": [["Service"]],
                "Metrics": [{"Name": "ItemsCreated", "Unit": "Count"}],
            }
        ]
        assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 60
    assert not [line for line in answered(folder, *events).log if "_aws" in line]


def test_a_database_that_is_away_is_answered_with_503_and_the_function_goes_on(folder: Path) -> None:
    database = {
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": "1",
        "DATABASE_SECRET": '{"username":"u","password":"p"}',
    }
    answers = answered(folder, http("GET", "/items"), http("GET", "/health"), **database).answers
    assert [answer["statusCode"] for answer in answers] == [503, 200]


def test_a_setting_that_makes_no_sense_ends_the_start(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="LOG_LEVEL is 'LOUD'"):
        answered(folder, http("GET", "/health"), LOG_LEVEL="loud")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"CORS_ORIGINS": "*"}, "use origins such as"),
        ({"METRICS_NAMESPACE": "AWS/Lambda"}, "a name of your own"),
        ({"TABLE_ITEMS": "x", "DATABASE_HOST": "h", "DATABASE_SECRET": '{"username": "u", "password": "p"}'}, "one of"),
    ],
)
def test_settings_that_make_no_sense_on_lambda_are_refused(
    folder: Path, environment: dict[str, str], words: str
) -> None:
    with pytest.raises(RuntimeError, match=words):
        answered(folder, http("GET", "/health"), **environment)
