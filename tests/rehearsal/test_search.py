"""A stack with a collection, its index, a knowledge base and a function that asks both, as a rehearsal leaves it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal.conftest import Refuse, Rehearse, Rehearsed
from tests.stack_files import config_of, project

SECTIONS: dict[str, Any] = {
    "kumiki:buckets": {"documents": {"events": True}},
    "kumiki:vectorCollections": {
        "search": {
            "bedrock": True,
            "indexes": {"pages": {"mapping": "pages", "embeddingModel": "titan-embed-text-v2"}},
        }
    },
    "kumiki:knowledgeBases": {
        "wiki": {
            "collection": "search",
            "index": "pages",
            "bucket": "documents",
            "folder": "docs",
            "onChanges": True,
            "schedule": {"expression": "cron(0 17 * * ? *)"},
        }
    },
    "kumiki:functions": {
        "finder": {
            "package": "webhook",
            "handler": "webhook.receive.handler",
            "private": True,
            "collections": {"search": "search"},
            "knowledgeBases": {"wiki": "retrieve"},
        }
    },
    "kumiki:expected": {"functionCalls": 1000, "functionMilliseconds": 100},
}
KEPT = ["network", "logArchive", "alerts", *(key.partition(":")[2] for key in SECTIONS)]


def config(**network: Any) -> dict[str, Any]:
    made = config_of("dev", SECTIONS, only=KEPT)
    endpoints = [*made["kumiki:network"].get("endpoints", []), "bedrock-agent-runtime"]
    return {**made, "kumiki:network": {**made["kumiki:network"], "endpoints": endpoints, **network}}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Rehearsed:
    return rehearse(project(tmp_path_factory.mktemp("search"), {"config": config()}), "test")


@pytest.mark.covers("B4", "B5", "D3")
def test_it_deploys_whole_and_only_what_the_emulator_lacks_is_validated(done: Rehearsed) -> None:
    assert (done.status, done.report["problems"]) == (0, [])
    states = {one["name"]: one["status"] for one in done.report["resources"]}
    assert states["kumiki-dev-search-collection"] == states["kumiki-dev-wiki-knowledge-base"] == "emulated"
    assert {name for name, state in states.items() if state == "validated"} == {
        "kumiki-dev-search-create-access-for-kumiki-dev-search-indexes-role",
        "kumiki-dev-search-search-access-for-kumiki-dev-finder-role",
        "kumiki-dev-search-search-and-write-access-for-kumiki-dev-wiki-role",
        "kumiki-dev-search-indexes-pages-invocation",
        "kumiki-dev-wiki-data-source",
    }


@pytest.mark.covers("D3")
def test_outside_of_prod_it_has_no_standby_and_the_report_says_what_the_least_of_it_costs(done: Rehearsed) -> None:
    assert done.resource("kumiki-dev-search-collection")["inputs"]["standbyReplicas"] == "DISABLED"
    for month, ocu in zip(done.report["months"], (0.334, 0.24), strict=True):
        (least,) = [one for one in month["lines"] if one["what"] == "least capacity"]
        assert float(least["list_usd"]) == pytest.approx(730 * ocu, abs=0.01)


@pytest.mark.covers("B5", "D10")
def test_the_function_that_asks_reaches_the_collection_and_may_search_it_and_nothing_more(done: Rehearsed) -> None:
    told = done.resource("kumiki-dev-finder-function")["inputs"]["environment"]["variables"]
    collection = done.resource("kumiki-dev-search-collection")
    assert told["COLLECTION_SEARCH_URL"] == collection["outputs"]["collectionEndpoint"]
    assert told["KNOWLEDGE_BASE_WIKI"] == done.resource("kumiki-dev-wiki-knowledge-base")["id"]
    (policy,) = json.loads(
        done.resource("kumiki-dev-search-search-access-for-kumiki-dev-finder-role")["inputs"]["policy"]
    )
    assert policy["Principal"] == [done.resource("kumiki-dev-finder-role")["outputs"]["arn"]]
    assert policy["Rules"][0]["Permission"] == ["aoss:DescribeIndex", "aoss:ReadDocument"]
    rule = done.resource("kumiki-dev-collections-ingress-from-finder")["inputs"]
    assert rule["referencedSecurityGroupId"] == done.resource("kumiki-dev-finder-security-group")["id"]


@pytest.mark.covers("B4")
def test_the_workflow_that_fills_it_names_this_knowledge_base_and_its_source(done: Rehearsed) -> None:
    definition = json.loads(done.resource("kumiki-dev-wiki-sync-state-machine")["inputs"]["definition"])
    started = definition["States"]["Start a job"]["Parameters"]
    assert started["KnowledgeBaseId"] == done.resource("kumiki-dev-wiki-knowledge-base")["id"]
    assert started["DataSourceId"] == done.resource("kumiki-dev-wiki-data-source")["outputs"]["dataSourceId"]


# --- What the stack's file cannot say --------------------------------------------------------------------------------


def _collection(change: Callable[[dict[str, Any]], Any], section: str = "vectorCollections") -> dict[str, Any]:
    sections = copy.deepcopy(SECTIONS)
    change(next(iter(sections[f"kumiki:{section}"].values())))
    return sections


def _base(**changes: Any) -> dict[str, Any]:
    return _collection(lambda one: one.update(changes), "knowledgeBases")


def _index(**changes: Any) -> dict[str, Any]:
    return _collection(lambda one: one["indexes"]["pages"].update(changes))


@pytest.mark.covers("B4", "D3")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (_index(dimension=512), ["indexes.pages.mapping.mappings.properties.embedding.dimension: 1024", "use 512"]),
        (_index(dimension=1000), ["indexes.pages.dimension: 1000", "use 256 or 512 or 1024"]),
        (_index(mapping="page"), ["indexes.pages.mapping: 'page'", "did you mean 'pages'"]),
        (_index(embeddingModel="cohere-embed-v4"), ["embeddingModel", "cohere-embed-v4"]),
        (_collection(lambda one: one.update(limits={"indexing": 0, "search": 2})), ["limits.indexing: 0", "use 1, 2"]),
        (_collection(lambda one: one.update(bedrock=False)), ["search.bedrock", "knowledgeBases.wiki reaches"]),
        (_collection(lambda one: one.update(indexes={})), ["search.indexes", "too few entries"]),
        (_base(bucket="other"), ["wiki.bucket", "the buckets are: documents"]),
        (_base(collection="other"), ["wiki.collection", "the collections are: search"]),
        (_base(index="other"), ["wiki.index", "the indexes are: pages"]),
        (_base(onChanges=False, schedule=None), ["knowledgeBases.wiki.schedule", "it would stay empty"]),
        ({"kumiki:buckets": {"documents": {}}}, ["buckets.documents.events", "must be true"]),
        (
            {
                "kumiki:vectorCollections": {
                    "a-collection-with-a-long-name": SECTIONS["kumiki:vectorCollections"]["search"]
                }
            },
            ["vectorCollections.a-collection-with-a-long-name", "40 characters long, and AWS allows 32"],
        ),
        (
            _collection(lambda one: one.update(private=False), "functions"),
            ["functions.finder.private", "answers inside the network only"],
        ),
        (
            _collection(lambda one: one.update(collections={"other": "write"}), "functions"),
            ["functions.finder.collections.other", "there are: search"],
        ),
        (
            _collection(lambda one: one.update(collections={"search": "all"}), "functions"),
            ["functions.finder.collections.search", "use search, write or searchAndWrite"],
        ),
        ({"kumiki:freeTier": True, "kumiki:keys": None}, ["vectorCollections.search", "costs $244 a month"]),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(refuse_kumiki: Refuse, changes: dict[str, Any], words: list[str]) -> None:
    said = refuse_kumiki({**SECTIONS, **changes})
    assert all(one in said for one in words), said
