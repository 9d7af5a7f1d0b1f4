"""The specs of OpenSearch Serverless and of knowledge bases, on moto."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.cloud.client import CreateResult
from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import REGION, TAGS, Cloud, cloud, tags_of

__all__ = ["cloud"]

RULES = [{"ResourceType": "collection", "Resource": ["collection/shop-search"]}]
MODEL = "arn:aws:bedrock:ap-northeast-1::foundation-model/amazon.titan-embed-text-v2:0"


def encryption(cloud: Cloud, key: str | None = None, resource: str = "collection/shop-search") -> CreateResult:
    rules = [{"ResourceType": "collection", "Resource": [resource]}]
    policy = {"Rules": rules, "AWSOwnedKey": key is None, **({"KmsARN": key} if key else {})}
    return cloud.make(
        "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy",
        "encryption",
        name="shop-search",
        type="encryption",
        policy=json.dumps(policy),
    )


def network(cloud: Cloud, **source: Any) -> CreateResult:
    return cloud.make(
        "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy",
        "network",
        name="shop-search",
        type="network",
        policy=json.dumps([{"Rules": RULES, **source}]),
    )


def collection(cloud: Cloud, **changes: Any) -> CreateResult:
    inputs = {"name": "shop-search", "type": "VECTORSEARCH", "standbyReplicas": "DISABLED", **changes}
    return cloud.make("aws:opensearch/serverlessCollection:ServerlessCollection", **inputs)


def test_a_collection_has_its_key_its_replicas_its_tags_and_an_address(cloud: Cloud) -> None:
    key = cloud.make("aws:kms/key:Key").outputs["arn"]
    encryption(cloud, key)
    # AWS takes both policies for the same name; the emulator must not take one for the other.
    network(cloud, AllowFromPublic=False, SourceVPCEs=["vpce-1"])
    made = collection(cloud)
    (found,) = cloud.ask("opensearchserverless", "BatchGetCollection", ids=[made.id])["collectionDetails"]
    assert (found["kmsKeyArn"], found["standbyReplicas"], found["type"]) == (key, "DISABLED", "VECTORSEARCH")
    assert made.outputs["collectionEndpoint"] == found["collectionEndpoint"]
    assert (made.status, made.outputs["arn"]) == ("emulated", found["arn"])
    tags = cloud.ask("opensearchserverless", "ListTagsForResource", resourceArn=found["arn"])["tags"]
    assert tags_of([{"Key": one["key"], "Value": one["value"]} for one in tags]) == TAGS


@pytest.mark.parametrize("resource", ["collection/shop-search", "collection/shop-*"])
def test_a_key_that_aws_keeps_encrypts_by_name_or_by_pattern(cloud: Cloud, resource: str) -> None:
    encryption(cloud, resource=resource)
    assert collection(cloud).status == "emulated"


def test_a_collection_that_no_policy_encrypts_is_refused_as_by_aws(cloud: Cloud) -> None:
    network(cloud, AllowFromPublic=True)
    with pytest.raises(RehearsalError, match="No matching security policy of encryption type"):
        collection(cloud)


def test_a_second_endpoint_in_a_network_is_refused(cloud: Cloud) -> None:
    type_, group = "aws:opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint", "sg-0123456789abcdef0"
    inputs = {"vpcId": cloud.vpc(), "subnetIds": [cloud.subnet()], "securityGroupIds": [group]}
    assert cloud.make(type_, "first", name="shop-one", **inputs).id.startswith("vpce-")
    with pytest.raises(RehearsalError, match="already a VpcEndpoint"):
        cloud.make(type_, "second", name="shop-two", **inputs)


def test_data_access_policies_and_groups_are_validated_only_and_their_requests_are_read(cloud: Cloud) -> None:
    access = "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy"
    rule = {"ResourceType": "index", "Resource": ["index/shop-search/pages"], "Permission": ["aoss:ReadDocument"]}
    policy = json.dumps([{"Rules": [rule], "Principal": ["arn:aws:iam::123456789012:role/api"]}])
    made = cloud.make(access, name="shop-search-1", type="data", policy=policy)
    assert (made.status, made.id) == ("validated", "shop-search-1")
    with pytest.raises(RehearsalError, match="name"):
        cloud.make(access, name="s" * 33, type="data", policy=policy)
    limits = {"minIndexingCapacityInOcu": 1, "maxIndexingCapacityInOcu": 2}
    limits |= {"minSearchCapacityInOcu": 1, "maxSearchCapacityInOcu": 4}
    group = "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup"
    assert cloud.make(group, name="shop", standbyReplicas="DISABLED", capacityLimits=[limits]).status == "validated"
    with pytest.raises(RehearsalError, match="maxIndexingCapacityInOCU"):
        cloud.make(
            group, name="shop", standbyReplicas="DISABLED", capacityLimits=[{**limits, "maxIndexingCapacityInOcu": 0}]
        )


def knowledge_base(cloud: Cloud, **changes: Any) -> CreateResult:
    encryption(cloud)
    arn = collection(cloud).outputs["arn"]
    role = cloud.make("aws:iam/role:Role", "role", name="shop-role", assumeRolePolicy="{}").outputs["arn"]
    fields = {"vectorField": "embedding", "textField": "text", "metadataField": "metadata"}
    inputs = {
        "name": "shop-wiki",
        "roleArn": role,
        "knowledgeBaseConfiguration": {
            "type": "VECTOR",
            "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": MODEL},
        },
        "storageConfiguration": {
            "type": "OPENSEARCH_SERVERLESS",
            "opensearchServerlessConfiguration": {
                "collectionArn": arn,
                "vectorIndexName": "pages",
                "fieldMapping": fields,
            },
        },
        **changes,
    }
    return cloud.make("aws:bedrock/agentKnowledgeBase:AgentKnowledgeBase", **inputs)


def test_a_knowledge_base_stands_on_its_collection_and_has_a_source(cloud: Cloud) -> None:
    made = knowledge_base(cloud)
    found = cloud.ask("bedrock-agent", "GetKnowledgeBase", knowledgeBaseId=made.id)["knowledgeBase"]
    assert (made.status, made.outputs["arn"]) == ("emulated", found["knowledgeBaseArn"])
    assert found["storageConfiguration"]["opensearchServerlessConfiguration"]["vectorIndexName"] == "pages"
    # Without the checks of `ask`: AWS's own pattern for these ARNs fits none.
    client = cloud.account.client("bedrock-agent", REGION)
    assert client.list_tags_for_resource(resourceArn=found["knowledgeBaseArn"])["tags"] == TAGS
    source = cloud.make(
        "aws:bedrock/agentDataSource:AgentDataSource",
        name="shop-wiki",
        knowledgeBaseId=made.id,
        dataSourceConfiguration={"type": "S3", "s3Configuration": {"bucketArn": "arn:aws:s3:::shop-pages"}},
    )
    assert source.status == "validated"
    assert source.id == f"{source.outputs['dataSourceId']},{made.id}"


def test_a_source_with_two_folders_is_refused_as_by_aws(cloud: Cloud) -> None:
    s3 = {"bucketArn": "arn:aws:s3:::shop-pages", "inclusionPrefixes": ["a/", "b/"]}
    with pytest.raises(RehearsalError, match="inclusionPrefixes"):
        cloud.make(
            "aws:bedrock/agentDataSource:AgentDataSource",
            name="shop-wiki",
            knowledgeBaseId="ABCDEFGHIJ",
            dataSourceConfiguration={"type": "S3", "s3Configuration": s3},
        )
