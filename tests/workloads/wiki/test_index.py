"""The index: requests that OpenSearch Serverless takes, and what becomes of those that it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from indexes.create import Answer, create
from wiki.index import MOST_AT_ONCE, Index, IndexRefused, IndexUnavailable, Piece
from wiki.model import dimensions

from components.data.index_mapping import mapping_mistakes
from tests.workloads.wiki.conftest import MAPPING, Account
from tests.workloads.wiki.stand_ins import DIMENSIONS, Collection, vector


def piece(text: str = "counts words", **given: Any) -> Piece:
    known: dict[str, Any] = {
        "repository": "o/r", "path": "src", "hash": "h", "title": "T", "text": text, "updated": "2026-01-02T03:04:05Z",
        "embedding": vector(text),
    }  # fmt: skip
    return Piece(**{**known, **given})


@pytest.mark.covers("D3")
def test_the_mapping_is_one_that_a_collection_takes_with_an_analyzer_for_both_languages() -> None:
    mapping = json.loads(MAPPING.read_text())
    assert dimensions() == DIMENSIONS == mapping["mappings"]["properties"]["embedding"]["dimension"]
    assert mapping["mappings"]["dynamic"] == "strict"
    texts = [said for said in mapping["mappings"]["properties"].values() if said["type"] == "text"]
    [analyzer] = {said["analyzer"] for said in texts}
    filters = mapping["settings"]["index"]["analysis"]["analyzer"][analyzer]["filter"]
    assert mapping["settings"]["index"]["analysis"]["tokenizer"]["japanese"]["type"] == "kuromoji_tokenizer"
    assert {"kuromoji_baseform", "english"} <= set(filters)
    # The account's collection has taken it, and refuses what it must.
    broken = json.loads(MAPPING.read_text())
    broken["settings"]["index"]["analysis"]["tokenizer"]["japanese"]["type"] = "sudachi_tokenizer"
    with pytest.raises(Exception, match="sudachi_tokenizer"):
        Collection()._create(broken)  # noqa: SLF001


def test_the_deployments_function_takes_the_mapping_and_makes_no_other_of_it_the_next_time() -> None:
    mapping = json.loads(MAPPING.read_text())
    assert list(mapping_mistakes(mapping, dimensions())) == []
    # As OpenSearch tells of it: settings as texts, below `index`, and some of its own.
    told = json.loads(MAPPING.read_text())
    told["settings"]["index"] |= {"knn": "true", "uuid": "x", "number_of_shards": "2"}
    there: list[Any] = []

    def ask(method: str, path: str, body: bytes) -> Answer:
        if method == "PUT" and not there:
            there.append(json.loads(body))
            return Answer(200, {}, "{}")
        exists = {"error": {"type": "resource_already_exists_exception"}}
        return Answer(400, {}, json.dumps(exists)) if method == "PUT" else Answer(200, {}, json.dumps({path[1:]: told}))

    assert [create(ask, "pages", mapping, lambda: 600.0) for _ in range(2)] == ["created", "unchanged"]
    assert there == [mapping]


def test_every_request_is_signed_for_the_service_and_says_the_hash_of_its_body(account: Account) -> None:
    index = account.index()
    [identity] = index.add([piece()])
    assert list(index.ids("o/r")) == [identity]
    index.remove([identity])
    assert {(one.method, one.path) for one in account.collection.requests} == {
        ("POST", "/pages/_bulk"), ("POST", "/pages/_search"),
    }  # fmt: skip
    assert all("/aoss/aws4_request" in one.headers["authorization"] for one in account.collection.requests)


def test_a_wrong_signature_is_refused(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(IndexRefused, match="403"):
        account.index().add([piece()])


def test_ids_are_the_collections_own(account: Account) -> None:
    account.index().add([piece(), piece()])
    lines = account.collection.requests[-1].body.splitlines()
    assert [json.loads(line) for line in lines[::2]] == [{"index": {}}] * 2
    assert len({json.loads(line)["piece"] for line in lines[1::2]}) == 2


def test_many_pieces_go_in_several_requests_and_are_all_found_and_removed(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wiki.index._PAGE", 70)
    index, many = account.index(), [piece(f"word{number}") for number in range(MOST_AT_ONCE + 50)]
    ids = index.add(many)
    assert len(set(ids)) == len(many)
    assert [account.collection.documents[one]["text"] for one in ids] == [one.text for one in many]
    assert sorted(index.ids("o/r")) == sorted(ids)
    assert list(index.ids("o/r", "lib")) == list(index.ids("o/x")) == []
    index.remove(ids)
    index.remove(ids)
    assert account.collection.documents == {}


@pytest.mark.parametrize("status", [429, 503])
def test_what_was_not_done_is_asked_again(account: Account, status: int) -> None:
    account.collection.failures = [status, status]
    assert len(account.index().add([piece()])) == 1
    account.collection.failures = [status] * 10
    with pytest.raises(IndexUnavailable, match=str(status)):
        account.index().match("words", 5)


def test_pieces_are_not_sent_again_when_the_answer_is_lost(account: Account) -> None:
    account.collection.lose = 1
    with pytest.raises(IndexUnavailable):
        account.index().add([piece()])
    assert len(account.collection.documents) == 1
    # A removal is.
    account.collection.lose = 1
    account.index().remove(list(account.collection.documents))
    assert account.collection.documents == {}


def test_a_collection_that_is_away_is_told_from_one_that_refuses(account: Account) -> None:
    with pytest.raises(IndexRefused, match="dimension"):
        account.index().nearest([1.0], 5)
    with pytest.raises(IndexRefused, match="dimension mismatch"):
        account.index().add([replace(piece(), embedding=[1.0])])
    with pytest.raises(IndexUnavailable, match="EndpointConnectionError"):
        Index("http://127.0.0.1:1", "pages", pause=lambda _: None).match("words", 5)


def test_words_and_vectors_find_pieces_of_one_repository_or_of_all(account: Account) -> None:
    index = account.index()
    index.add([piece("counts words"), piece("counts words", repository="o/x"), piece("単語を数える", path="ja")])
    for found in (index.match("words", 5), index.nearest(vector("words"), 5)):
        assert {hit.repository for hit in found if "words" in hit.text} == {"o/r", "o/x"}
    for found in (index.match("words", 5, "o/x"), index.nearest(vector("words"), 5, "o/x")):
        assert [hit.repository for hit in found] == ["o/x"]
    assert [hit.path for hit in index.match("単語", 5)] == ["ja"]


def test_the_stand_in_refuses_what_opensearch_refuses(account: Account) -> None:
    refused: list[dict[str, Any]] = [
        {"query": {"fuzzy_match": {"text": "x"}}},
        {"query": {"match_all": {}, "term": {"path": "x"}}},
        {"query": {"knn": {"embedding": {"vector": vector("x"), "k": 5, "boost_by": 1}}}},
        {"query": {"term": {"text": "x"}}},
        {"querry": {"match_all": {}}},
        {"sort": [{"text": "asc"}]},
        {"size": 10_001},
    ]
    for request in refused:
        with pytest.raises(IndexRefused, match="400"):
            account.index()._search(request)  # noqa: SLF001


def test_the_stand_in_takes_no_ids_no_updates_and_no_unknown_fields(account: Account) -> None:
    for body in (
        b'{"index": {"_id": "mine"}}\n{"path": "x"}\n',
        b'{"update": {"_id": "mine"}}\n{"doc": {}}\n',
        b'{"index": {}}\n{"unknown": "x"}\n',
    ):
        answer = account.index()._ask("POST", "/pages/_bulk", body, "application/x-ndjson", again=False)  # noqa: SLF001
        assert answer["errors"] is True
    assert account.collection.documents == {}


def test_the_stand_in_has_not_what_serverless_has_not(account: Account) -> None:
    for path in ("_refresh", "_delete_by_query", "_update_by_query", "_bulk?refresh=wait_for"):
        with pytest.raises(IndexRefused, match=r"answers 40[04]"):
            account.index()._ask("POST", f"/pages/{path}", b"{}\n", "application/x-ndjson", again=False)  # noqa: SLF001
