"""The function that creates indexes, against a collection on this machine that checks what it is asked."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from indexes import create
from indexes.create import IndexCreationError, handler

from tests.workloads.collection import ACCESS_KEY, REGION, SECRET_KEY, Collection, Fault, serving

BODY: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "workloads" / "indexes" / "pages.json").read_text(encoding="utf-8")
)
FORBIDDEN = Fault(403, reason="the policy spreads")


class Context:
    """A call that has this much time left; waiting uses it up."""

    def __init__(self, seconds: float = 300) -> None:
        self.seconds = seconds
        self.waited: list[float] = []

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.seconds -= seconds


@pytest.fixture
def collection(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    """A collection without indexes, known to the function as Lambda would tell it."""
    with serving() as made:
        monkeypatch.setenv("COLLECTION_URL", made.url)
        monkeypatch.setenv("AWS_REGION", REGION)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        yield made


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    made = Context()
    monkeypatch.setattr(create, "sleep", made.wait)
    return made


def call(context: Context, body: dict[str, Any] = BODY, **more: Any) -> str:
    return handler({"index": "pages", "body": body, **more}, context)["state"]


def changed(**vector: Any) -> dict[str, Any]:
    body = copy.deepcopy(BODY)
    body["mappings"]["properties"]["embedding"].update(vector)
    return body


def test_an_index_is_created_with_the_mapping_of_its_file_and_a_second_call_changes_nothing(
    collection: Collection, context: Context
) -> None:
    assert call(context) == "created"
    assert collection.indexes["pages"]["mappings"] == BODY["mappings"]
    assert collection.indexes["pages"]["settings"]["index"]["knn"] == "true"
    assert call(context) == "unchanged"
    assert collection.asked == [("PUT", "/pages"), ("PUT", "/pages"), ("GET", "/pages")]
    assert context.waited == []


def test_fields_that_came_with_documents_are_no_difference(collection: Collection, context: Context) -> None:
    call(context)
    collection.indexes["pages"]["mappings"]["properties"]["x-amz-bedrock-kb-source-uri"] = {"type": "keyword"}
    assert call(context) == "unchanged"


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (changed(dimension=512), "mappings.properties.embedding.dimension is 512, not 1024"),
        (
            changed(method={"name": "hnsw", "engine": "nmslib", "space_type": "l2"}),
            "mappings.properties.embedding.method.engine is nmslib, not faiss",
        ),
    ],
)
def test_an_index_with_another_mapping_is_an_error_that_says_where_and_what_to_do(
    collection: Collection, context: Context, there: dict[str, Any], words: str
) -> None:
    call(context, there)
    before = copy.deepcopy(collection.indexes)
    with pytest.raises(IndexCreationError, match="with another mapping") as error:
        call(context)
    assert words in str(error.value)
    assert "name a new one" in str(error.value)
    assert collection.indexes == before


def test_a_field_that_the_index_lacks_is_named(collection: Collection, context: Context) -> None:
    call(context)
    del collection.indexes["pages"]["mappings"]["properties"]["title"]
    with pytest.raises(IndexCreationError, match=r"mappings\.properties\.title\.type is missing"):
        call(context)


def test_403_is_waited_for_while_the_policy_spreads(collection: Collection, context: Context) -> None:
    collection.faults = [FORBIDDEN] * 9
    assert call(context) == "created"
    assert len(context.waited) == 9
    assert 60 < sum(context.waited) < 180, "long enough for a policy, short enough for the call"
    assert context.waited == sorted(context.waited), "not asked more often than need be"


def test_403_that_stays_is_an_error_before_the_time_is_up(collection: Collection, context: Context) -> None:
    collection.faults = [FORBIDDEN] * 1000
    with pytest.raises(IndexCreationError, match="data access policy that names the role and the index") as error:
        call(context)
    assert "aoss:APIAccessAll" in str(error.value)
    assert context.seconds > 10, "there must be time to say so"


def test_a_request_that_is_signed_for_another_service_is_not_let_in(
    collection: Collection, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "_SERVICE", "es")
    context.seconds = 40
    with pytest.raises(IndexCreationError, match="403"):
        call(context)
    assert collection.indexes == {}


@pytest.mark.parametrize("fault", [Fault(429), Fault(503), Fault(500), Fault(0)], ids=["429", "503", "500", "cut off"])
def test_a_collection_that_is_busy_or_away_is_asked_again(
    collection: Collection, context: Context, fault: Fault
) -> None:
    collection.faults = [fault, fault]
    assert call(context) == "created"
    assert len(context.waited) == 2


def test_it_waits_as_long_as_the_collection_wishes(collection: Collection, context: Context) -> None:
    collection.faults = [Fault(429, {"retry-after": "33"})]
    call(context)
    assert context.waited == [33]


def test_an_index_whose_answer_was_lost_is_not_taken_for_somebody_elses(
    collection: Collection, context: Context
) -> None:
    collection.faults = [Fault(0, done=True)]
    assert call(context) == "unchanged"
    assert "pages" in collection.indexes


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (changed(dimension=20_000), "Dimension value of embedding must be 1 to 16000"),
        (changed(method={"name": "ivf", "engine": "faiss", "space_type": "l2"}), "Invalid method of embedding"),
        ({**BODY, "mapping": {}}, "unknown key"),
        ({**BODY, "settings": {"index": {"knn": True, "shards": 1}}}, "unknown setting"),
    ],
)
def test_what_opensearch_refuses_is_an_error_at_once_with_its_reason(
    collection: Collection, context: Context, body: dict[str, Any], words: str
) -> None:
    with pytest.raises(IndexCreationError, match=f"pages cannot be created: 400 .*{words}"):
        call(context, body)
    assert context.waited == []
    assert len(collection.asked) == 1


def test_a_collection_that_cannot_be_reached_is_an_error_that_names_the_ways_to_it(
    context: Context, monkeypatch: pytest.MonkeyPatch, collection: Collection
) -> None:
    monkeypatch.setenv("COLLECTION_URL", "http://127.0.0.1:1")
    context.seconds = 60
    with pytest.raises(IndexCreationError, match=r"cannot be reached.*VPC endpoint"):
        call(context)
    assert collection.asked == []


@pytest.mark.usefixtures("collection")
def test_a_new_index_settles_before_anything_is_built_on_it_and_an_old_one_need_not(context: Context) -> None:
    call(context, settle_seconds=45)
    assert context.waited == [45]
    call(context, settle_seconds=45)
    assert context.waited == [45]


@pytest.mark.usefixtures("collection")
def test_settling_ends_before_the_call_does(context: Context) -> None:
    context.seconds = 50
    call(context, settle_seconds=45)
    assert context.seconds >= 20
