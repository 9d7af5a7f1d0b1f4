"""Indexes: what their mappings must have, who creates them, and when."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from components.compute.package import Package
from components.data.collection_endpoint import CollectionEndpoint, CollectionEndpointArgs
from components.data.index_mapping import parsed
from components.data.vector_collection import VectorCollection
from components.data.vector_collection_args import VectorCollectionArgs
from components.errors import ArgumentError, Mistake
from components.identity.key import ExistingKey
from components.intelligence.vector_index import VectorIndexArgs, VectorIndexes, VectorIndexesArgs
from tests.conftest import ACCOUNT, REGION, ROOT, Recorder
from tests.functions import zipped
from tests.iam import allowed
from tests.networks import existing_network

NAME, SEARCH = "wiki-dev-search-indexes", "wiki-dev-search"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
TITAN = "titan-embed-text-v2"
FILE = (ROOT / "workloads" / "indexes" / "pages.json").read_text(encoding="utf-8")
MAPPING: dict[str, Any] = json.loads(FILE)


def made(
    recorder: Recorder,
    mappings: dict[str, Any] | None = None,
    indexes: dict[str, Any] | None = None,
    *,
    public: bool = False,
    **changes: Any,
) -> Recorder:
    def program() -> None:
        endpoint = CollectionEndpoint("wiki-dev-collections", CollectionEndpointArgs(), network=existing_network())
        VectorIndexes(
            NAME,
            VectorIndexesArgs(indexes=indexes or {"pages": VectorIndexArgs(embedding_model=TITAN)}),
            collection=VectorCollection(
                SEARCH,
                VectorCollectionArgs(network="public" if public else "private"),
                endpoint=None if public else endpoint,
            ),
            mappings={"pages": MAPPING} if mappings is None else mappings,
            package=Package(
                code=zipped("indexes", indexes__create="def handler(event, context): ..."),
                runtime="python3.13",
                architecture="arm64",
            ),
            key=ExistingKey(arn=KEY),
            **{"network": None if public else existing_network(), **changes},
        )

    return recorder.run(program)


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    mapping = copy.deepcopy(MAPPING)
    change(mapping)
    return mapping


# --- The deployment --------------------------------------------------------------------------------------------------


def test_the_deployment_calls_the_published_version_once_for_each_index_with_its_mapping(recorder: Recorder) -> None:
    one = VectorIndexArgs(embedding_model=TITAN)
    made(recorder, {"pages": MAPPING, "notes": MAPPING}, {"pages": one, "notes": one})
    calls = recorder.of(":Invocation")
    assert [(call.name, call.inputs["functionName"], call.inputs["qualifier"]) for call in calls] == [
        (f"{NAME}-notes-invocation", NAME, "live"),
        (f"{NAME}-pages-invocation", NAME, "live"),
    ]
    assert json.loads(calls[1].inputs["input"]) == {"index": "pages", "body": MAPPING, "settle_seconds": 45}
    assert calls[1].inputs["triggers"] == {"collection": f"{SEARCH}-collection-id", "version": "1"}


def test_it_is_called_when_the_collection_is_there_and_lets_the_function_in(recorder: Recorder) -> None:
    call = made(recorder).one(":Invocation")
    before = {recorder.by_urn(urn).name for urn in call.dependencies}
    assert {
        f"{SEARCH}-collection",
        f"{SEARCH}-create-for-{NAME}-role",
        "wiki-dev-collections-endpoint",
        "wiki-dev-collections-ingress-from-wiki-dev-search-indexes",
        f"{NAME}-collection-egress-rule",
    } <= before


def test_it_may_create_these_indexes_and_neither_read_nor_write_what_is_in_them(recorder: Recorder) -> None:
    made(recorder)
    ((policy,),) = [json.loads(each.inputs["policy"]) for each in recorder.of(":ServerlessAccessPolicy")]
    assert policy["Principal"] == [recorder.named(f"{NAME}-role").inputs.get("arn", _role_arn(recorder))]
    assert policy["Rules"] == [
        {
            "ResourceType": "index",
            "Resource": [f"index/{SEARCH}/pages"],
            "Permission": ["aoss:CreateIndex", "aoss:DescribeIndex"],
        }
    ]
    policies = [each.policy() for each in recorder.of(":RolePolicy") if each.inputs["role"] == f"{NAME}-role-id"]
    assert allowed(policies, "aoss:APIAccessAll", f"arn:aws:aoss:{REGION}:{ACCOUNT}:collection/{SEARCH}-collection-id")
    assert not allowed(policies, "aoss:CreateIndex", "*")


def _role_arn(recorder: Recorder) -> str:
    return recorder.one("function:Function").inputs["role"]


def test_it_reaches_the_collection_and_nothing_else_on_the_network(recorder: Recorder) -> None:
    made(
        recorder,
        network=existing_network(s3_prefix_list_id=None, dynamodb_prefix_list_id=None, endpoint_security_group_id=None),
    )
    (way_out,) = [each.inputs for each in recorder.of(":SecurityGroupEgressRule")]
    assert way_out["referencedSecurityGroupId"] == "wiki-dev-collections-security-group-id"
    assert way_out["fromPort"] == way_out["toPort"] == 443


def test_a_public_collection_is_called_from_outside_of_the_network(recorder: Recorder) -> None:
    made(recorder, public=True)
    assert "vpcConfig" not in recorder.one("function:Function").inputs
    assert recorder.of(":SecurityGroupEgressRule") == []


# --- What a mapping must have ----------------------------------------------------------------------------------------


def embedding(mapping: dict[str, Any]) -> dict[str, Any]:
    return mapping["mappings"]["properties"]["embedding"]


@pytest.mark.covers("B4")
@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (lambda one: embedding(one).update(dimension=512), "embedding.dimension", "use 1024"),
        (lambda one: embedding(one).update(dimension=0), "embedding.dimension", "use 1 to 16000"),
        (lambda one: embedding(one).update(dimension=True), "embedding.dimension", "use 1 to 16000"),
        (lambda one: embedding(one).pop("method"), "embedding.method", "is missing"),
        (lambda one: embedding(one)["method"].update(engine="lucene"), "method.engine", "use faiss"),
        (lambda one: embedding(one)["method"].update(name="ivf"), "method.name", "use hnsw"),
        (lambda one: embedding(one)["method"].update(space_type="cosinesimil"), "method.space_type", "l2 or inner"),
        (lambda one: embedding(one).update(type="dense_vector"), "embedding.type", "is not a type of OpenSearch"),
        (lambda one: one["settings"]["index"].update(knn=False), "index.knn", "must be true"),
        (lambda one: one.update(mapping={}), "mapping.mapping", "did you mean 'mappings'"),
        (lambda one: one["mappings"].update(properties={}), "properties", "has no fields"),
        (lambda one: one["mappings"]["properties"].pop("embedding"), "properties", "has no vector"),
        (lambda one: one["mappings"]["properties"]["metadata"].pop("index"), "metadata_field", "give it index: false"),
        (lambda one: one["mappings"]["properties"]["text"].update(type="keyword"), "text_field", "make it text"),
    ],
)
def test_a_mapping_that_would_be_refused_is_refused_first(
    change: Callable[[dict[str, Any]], Any], field: str, words: str
) -> None:
    found = [str(one) for one in VectorIndexArgs(embedding_model=TITAN).mistakes_with(changed(change))]
    assert any(field in one.partition(": ")[0] and words in one for one in found), found


def test_the_file_of_the_pages_is_right_and_each_length_that_the_model_gives_can_be_taken() -> None:
    assert parsed(FILE) == MAPPING
    assert list(VectorIndexArgs(embedding_model=TITAN).mistakes_with(MAPPING)) == []
    for length in (256, 512):
        mapping = changed(lambda one, length=length: embedding(one).update(dimension=length))
        assert list(VectorIndexArgs(embedding_model=TITAN, dimension=length).mistakes_with(mapping)) == []


@pytest.mark.parametrize(("text", "words"), [("{", "is not JSON"), ("[]", "is not an object")])
def test_a_file_that_is_no_mapping_is_said_to_be_none(text: str, words: str) -> None:
    found = parsed(text)
    assert isinstance(found, Mistake)
    assert words in found.reason


@pytest.mark.parametrize(
    ("args", "field", "words"),
    [
        ({"embedding_model": TITAN, "dimension": 1536}, "dimension", "use 256 or 512 or 1024"),
        ({"embedding_model": "claude-haiku-4-5"}, "embedding_model", "answers with text, not with vectors"),
        ({"embedding_model": "titan-embed-text-v3"}, "embedding_model", "did you mean"),
        ({"embedding_model": TITAN, "text_field": "embedding"}, "text_field", "use a field for each"),
    ],
)
def test_a_model_and_a_length_that_do_not_go_together_are_refused(args: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        VectorIndexArgs(**args)
    assert refused.value.field == field
    assert words in refused.value.reason


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"mappings": {}}, "pass the mapping of each index"),
        ({"mappings": {"pages": MAPPING, "other": MAPPING}}, "is of no index"),
        ({"network": None}, "what the function calls"),
        (
            {"mappings": {"pages": changed(lambda one: embedding(one).update(dimension=256))}},
            "indexes.pages.mapping.mappings.properties.embedding.dimension: 256",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_made(
    recorder: Recorder, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(ArgumentError) as refused:
        made(recorder, **more)
    assert words in str(refused.value)
    assert recorder.of("function:Function") == []


def test_an_empty_list_of_indexes_is_refused() -> None:
    with pytest.raises(ArgumentError, match="too few entries"):
        VectorIndexesArgs(indexes={})
