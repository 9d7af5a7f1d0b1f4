"""Collections: what encrypts them, from where they are reached, and what each grant admits and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.data.collection_endpoint import CollectionEndpoint, CollectionEndpointArgs
from components.data.vector_collection import BEDROCK, VectorCollection
from components.data.vector_collection_args import DEFAULT_MOST_OCUS, OcuLimits, VectorCollectionArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed
from tests.networks import existing_network

NAME = "wiki-dev-search"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
ARN = f"arn:aws:aoss:{REGION}:{ACCOUNT}:collection/{NAME}-collection-id"
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def endpoint() -> CollectionEndpoint:
    return CollectionEndpoint("wiki-dev-collections", CollectionEndpointArgs(), network=existing_network())


def role(name: str = "wiki-dev-api") -> aws.iam.Role:
    return aws.iam.Role(name, assume_role_policy="{}")


def made(
    recorder: Recorder, *use: Callable[[VectorCollection], Any], name: str = NAME, key: str | None = KEY, **args: Any
) -> Recorder:
    def program() -> None:
        collection = VectorCollection(
            name,
            VectorCollectionArgs(**args),
            endpoint=None if args.get("network") == "public" else endpoint(),
            key=ExistingKey(arn=key) if key else None,
        )
        for each in use:
            each(collection)

    return recorder.run(program)


def security(recorder: Recorder, type_: str) -> Any:
    (found,) = [one for one in recorder.of(":ServerlessSecurityPolicy") if one.inputs["type"] == type_]
    return found.policy()


def data_rules(recorder: Recorder) -> list[tuple[list[str], list[str], list[str]]]:
    """Principals, resources and permissions of every data access policy."""
    found = []
    for policy in recorder.of(":ServerlessAccessPolicy"):
        assert policy.inputs["type"] == "data"
        for one in json.loads(policy.inputs["policy"]):
            for rule in one["Rules"]:
                assert rule["ResourceType"] == "index"
                found.append((one["Principal"], rule["Resource"], rule["Permission"]))
    return found


# --- Encryption and network ------------------------------------------------------------------------------------------


def test_it_is_for_vectors_and_encrypted_with_the_key_and_its_policies_are_there_first(recorder: Recorder) -> None:
    collection = made(recorder).one(":ServerlessCollection")
    assert (collection.inputs["type"], collection.inputs["name"]) == ("VECTORSEARCH", NAME)
    resource = {"ResourceType": "collection", "Resource": [f"collection/{NAME}"]}
    assert security(recorder, "encryption") == {"Rules": [resource], "AWSOwnedKey": False, "KmsARN": KEY}
    before = {recorder.by_urn(urn).name for urn in collection.dependencies}
    assert {f"{NAME}-encryption-policy", f"{NAME}-network-policy"} <= before


def test_without_a_key_aws_keeps_one(recorder: Recorder) -> None:
    made(recorder, key=None)
    assert security(recorder, "encryption")["AWSOwnedKey"] is True
    assert "KmsARN" not in security(recorder, "encryption")


def test_it_is_reached_by_the_networks_endpoint_and_from_nowhere_else(recorder: Recorder) -> None:
    made(recorder)
    (source,) = security(recorder, "network")
    assert source == {
        "Rules": [{"ResourceType": "collection", "Resource": [f"collection/{NAME}"]}],
        "AllowFromPublic": False,
        "SourceVPCEs": ["wiki-dev-collections-endpoint-id"],
    }


def test_bedrock_is_let_in_by_name_and_still_nobody_from_the_internet(recorder: Recorder) -> None:
    made(recorder, bedrock=True)
    (source,) = security(recorder, "network")
    assert (source["AllowFromPublic"], source["SourceServices"]) == (False, [BEDROCK])


def test_it_is_public_only_where_that_is_said(recorder: Recorder) -> None:
    made(recorder, network="public")
    (source,) = security(recorder, "network")
    assert source["AllowFromPublic"] is True
    assert "SourceVPCEs" not in source
    # AWS's page for whoever has the permissions stays closed.
    assert [rule["ResourceType"] for rule in source["Rules"]] == ["collection"]


def test_the_endpoint_stands_in_the_private_subnets_and_answers_those_who_are_let_in(recorder: Recorder) -> None:
    made(recorder, lambda one: one.allow_from("sg-api", "api"))
    endpoint = recorder.one(":ServerlessVpcEndpoint").inputs
    assert (endpoint["name"], endpoint["subnetIds"]) == ("wiki-dev-collections", ["subnet-1", "subnet-2"])
    (rule,) = recorder.of(":SecurityGroupIngressRule")
    assert endpoint["securityGroupIds"] == [rule.inputs["securityGroupId"]]
    assert (rule.inputs["referencedSecurityGroupId"], rule.inputs["fromPort"], rule.inputs["toPort"]) == (
        "sg-api",
        443,
        443,
    )
    assert recorder.of(":SecurityGroupEgressRule") == []


# --- Replicas, limits, deletion --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("standby", "words"), [(True, "ENABLED"), (False, "DISABLED")])
def test_standby_replicas_are_said_and_a_group_of_its_own_has_the_same(
    recorder: Recorder, standby: bool, words: str
) -> None:
    made(recorder, standby_replicas=standby, limits=OcuLimits(indexing=2, search=16))
    assert recorder.one(":ServerlessCollection").inputs["standbyReplicas"] == words
    group = recorder.one(":ServerlessCollectionGroup").inputs
    assert group["standbyReplicas"] == words
    assert group["capacityLimits"] == [
        {
            "minIndexingCapacityInOcu": 1,
            "maxIndexingCapacityInOcu": 2,
            "minSearchCapacityInOcu": 1,
            "maxSearchCapacityInOcu": 16,
        }
    ]
    assert recorder.one(":ServerlessCollection").inputs["collectionGroupName"] == NAME


def test_without_limits_it_shares_the_accounts_capacity(recorder: Recorder) -> None:
    assert made(recorder).of(":ServerlessCollectionGroup") == []
    assert "collectionGroupName" not in recorder.one(":ServerlessCollection").inputs


@pytest.mark.parametrize(("retention", "protect"), [("protected", True), ("ephemeral", False)])
def test_it_refuses_to_be_deleted_where_it_is_protected(recorder: Recorder, retention: str, protect: bool) -> None:
    assert made(recorder, retention=retention).one(":ServerlessCollection").protect is protect


# --- Grants ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("D10")
@pytest.mark.parametrize(
    ("grant", "permissions"),
    [
        ("grant_search", ["aoss:DescribeIndex", "aoss:ReadDocument"]),
        ("grant_write", ["aoss:DescribeIndex", "aoss:WriteDocument"]),
        ("grant_search_and_write", ["aoss:DescribeIndex", "aoss:ReadDocument", "aoss:WriteDocument"]),
        ("grant_create", ["aoss:CreateIndex", "aoss:DescribeIndex"]),
    ],
)
def test_a_grant_is_one_role_these_indexes_and_these_permissions(
    recorder: Recorder, grant: str, permissions: list[str]
) -> None:
    made(recorder, lambda one: getattr(one, grant)(role(), "pages", "chunks"))
    assert data_rules(recorder) == [
        (
            [f"arn:aws:iam:{REGION}:{ACCOUNT}:Role/wiki-dev-api"],
            [f"index/{NAME}/chunks", f"index/{NAME}/pages"],
            permissions,
        )
    ]
    policies = [each.policy() for each in recorder.of(":RolePolicy")]
    assert allowed(policies, "aoss:APIAccessAll", ARN)
    assert not allowed(policies, "aoss:APIAccessAll", f"{ARN}-of-another")
    for action in ("aoss:DashboardsAccessAll", "aoss:DeleteCollection", "aoss:CreateAccessPolicy", "kms:Decrypt"):
        assert not allowed(policies, action, ARN)


@pytest.mark.covers("D10")
def test_who_may_search_may_not_write_and_the_other_way_round(recorder: Recorder) -> None:
    made(
        recorder,
        lambda one: one.grant_search(role(), "pages"),
        lambda one: one.grant_write(role("wiki-dev-worker"), "pages"),
    )
    by_role = {principals[0].rpartition("/")[2]: permissions for principals, _, permissions in data_rules(recorder)}
    assert "aoss:WriteDocument" not in by_role["wiki-dev-api"]
    assert "aoss:ReadDocument" not in by_role["wiki-dev-worker"]


def test_whoever_waits_for_a_grant_waits_for_both_of_its_policies(recorder: Recorder) -> None:
    made(recorder, lambda one: one.grant_search(role(), "pages"))
    (policy,) = recorder.of(":RolePolicy")
    assert recorder.one(":ServerlessAccessPolicy").urn in policy.dependencies


def test_policies_have_names_of_their_own_that_aws_takes_and_that_stay(recorder: Recorder) -> None:
    long = "deepwiki-omr-staging-collection1"
    assert len(long) == 32
    roles = [f"wiki-dev-role-{number}" for number in range(5)]
    made(recorder, *(lambda one, each=each: one.grant_search(role(each), "pages") for each in roles), name=long)
    names = [each.inputs["name"] for each in recorder.of(":ServerlessAccessPolicy")]
    assert len(set(names)) == len(roles)
    assert all(3 <= len(name) <= 32 and name.startswith("deepwiki-omr-staging-") for name in names)
    assert names[0] == "deepwiki-omr-staging-co-e79d1c2c"


@pytest.mark.parametrize(
    ("indexes", "words"),
    [((), "names none"), (("*",), "use lower-case letters"), (("Pages",), "lower-case"), (("pages", "pages"), "twice")],
)
def test_a_grant_names_its_indexes(recorder: Recorder, indexes: tuple[str, ...], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        made(recorder, lambda one: one.grant_search(role(), *indexes))


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "field", "words"),
    [
        ({"limits": {"indexing": 0, "search": 2}}, "limits.indexing", "use 1, 2, 4, 8, 16"),
        ({"limits": {"indexing": 2, "search": 24}}, "limits.search", "multiple of 16"),
        ({"limits": {"indexing": 2}}, "limits.search", "is missing"),
        ({"network": "vpc"}, "network", "private or public"),
        ({"standby_replicas": 1.5}, "standby_replicas", ""),
        ({"slow_search_ms": 0}, "slow_search_ms", "10 to 60000 milliseconds"),
    ],
)
def test_what_aws_would_not_take_is_refused(args: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        VectorCollectionArgs(**args)
    assert [str(mistake).partition(":")[0] for mistake in refused.value.mistakes] == [field]
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("wiki-dev-a-collection-with-a-name1", {}, "has 34 characters; AWS takes 3 to 32"),
        (NAME, {"network": "private", "endpoint": None}, "set network to public"),
        (NAME, {"network": "public", "endpoint": "given"}, "leave one of them out"),
    ],
)
def test_what_cannot_be_joined_is_refused(recorder: Recorder, name: str, change: dict[str, Any], words: str) -> None:
    def program() -> None:
        way = endpoint() if change.get("endpoint", "given") else None
        VectorCollection(name, VectorCollectionArgs(network=change.get("network", "private")), endpoint=way)

    with pytest.raises(ArgumentError, match=words):
        recorder.run(program)
    assert recorder.of(":ServerlessCollection") == []


# --- Alarms ----------------------------------------------------------------------------------------------------------


def alarms(recorder: Recorder, **args: Any) -> dict[str, dict[str, Any]]:
    made(recorder, lambda one: one.alarms(TOPICS), **args)
    return {
        each.name.removeprefix(f"{NAME}-").removesuffix("-alarm"): each.inputs for each in recorder.of(":MetricAlarm")
    }


def test_alarms_watch_aws_s_own_metrics_of_this_collection(recorder: Recorder) -> None:
    found = alarms(recorder, slow_search_ms=700)
    of_this = {"ClientId": ACCOUNT, "CollectionId": f"{NAME}-collection-id", "CollectionName": NAME}
    latency = found["search-latency"]
    assert (latency["namespace"], latency["metricName"], latency["dimensions"], latency["threshold"]) == (
        "AWS/AOSS",
        "SearchRequestLatency",
        of_this,
        700,
    )
    for name, wanted in (
        ("server-errors", {"2xx", "3xx", "4xx", "5xx"}),
        ("refused", {"2xx", "3xx", "4xx", "5xx"}),
        ("request-errors", {"SearchRequestErrors", "IngestionRequestErrors"}),
    ):
        metrics = [query["metric"] for query in found[name]["metricQueries"] if "metric" in query]
        assert {metric["metricName"] for metric in metrics} == wanted
        assert all(metric["dimensions"] == of_this and metric["stat"] == "Sum" for metric in metrics)
    assert found["server-errors"]["alarmActions"] == ["arn:aws:sns:::critical"]


def test_alarms_know_the_accounts_limit_and_one_of_its_own(recorder: Recorder) -> None:
    shared = alarms(recorder)["search-ocus"]
    assert (shared["metricName"], shared["threshold"]) == ("SearchOCU", DEFAULT_MOST_OCUS)
    assert (shared["dimensions"], shared["period"]) == ({"ClientId": ACCOUNT}, 60)


def test_alarms_of_limits_watch_the_group_and_one_that_cannot_grow_has_none(recorder: Recorder) -> None:
    found = alarms(recorder, limits=OcuLimits(indexing=1, search=4))
    assert "indexing-ocus" not in found
    assert found["search-ocus"]["threshold"] == 4
    assert found["search-ocus"]["dimensions"] == {
        "ClientId": ACCOUNT,
        "CollectionGroupId": f"{NAME}-collection-group-id",
        "CollectionGroupName": NAME,
    }
