"""Knowledge bases: what they stand on, what their role may do, and what brings them up to date."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.data.bucket import Bucket, BucketArgs
from components.data.collection_endpoint import CollectionEndpoint, CollectionEndpointArgs
from components.data.vector_collection import VectorCollection
from components.data.vector_collection_args import VectorCollectionArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.intelligence.knowledge_base import SYNC_DEFINITION, KnowledgeBase, KnowledgeBaseArgs
from components.intelligence.vector_index import VectorIndex, VectorIndexArgs
from components.messaging.schedule import ScheduleArgs
from tests.conftest import ACCOUNT, REGION, ROOT, Recorder
from tests.iam import allowed
from tests.networks import existing_network

NAME, BUCKET = "wiki-dev-wiki", "wiki-dev-pages"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
ARN = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:knowledge-base/{NAME}-knowledge-base"
COLLECTION = f"arn:aws:aoss:{REGION}:{ACCOUNT}:collection/wiki-dev-search-collection-id"
MODEL = f"arn:aws:bedrock:{REGION}::foundation-model/amazon.titan-embed-text-v2:0"
DEFINITION = (ROOT / "workloads" / "workflows" / f"{SYNC_DEFINITION}.asl.json").read_text(encoding="utf-8")
DAILY = ScheduleArgs(expression="cron(0 2 * * ? *)")


def made(
    recorder: Recorder,
    *use: Callable[[KnowledgeBase], Any],
    bedrock: bool = True,
    events: bool = True,
    model: str = "titan-embed-text-v2",
    **args: Any,
) -> Recorder:
    def program() -> None:
        endpoint = CollectionEndpoint("wiki-dev-collections", CollectionEndpointArgs(), network=existing_network())
        search = VectorCollection("wiki-dev-search", VectorCollectionArgs(bedrock=bedrock), endpoint=endpoint)
        index = aws.sqs.Queue("wiki-dev-created")
        key = ExistingKey(arn=KEY)
        base = KnowledgeBase(
            NAME,
            KnowledgeBaseArgs(**{"on_changes": True, **args}),
            store=VectorIndex(
                name="pages", args=VectorIndexArgs(embedding_model=model), collection=search, created=index
            ),
            bucket=Bucket(BUCKET, BucketArgs(events=events), key=key),
            sync=DEFINITION,
            key=key,
        )
        for each in use:
            each(base)

    return recorder.run(program)


def base_of(recorder: Recorder) -> dict[str, Any]:
    return recorder.one(":AgentKnowledgeBase").inputs


def of_the_role(recorder: Recorder) -> list[dict[str, Any]]:
    return [each.policy() for each in recorder.of(":RolePolicy") if each.inputs["role"] == f"{NAME}-role-id"]


@pytest.mark.covers("B4")
def test_it_stands_on_the_index_and_its_fields_and_embeds_by_the_exact_model(recorder: Recorder) -> None:
    made(recorder)
    assert base_of(recorder)["storageConfiguration"] == {
        "type": "OPENSEARCH_SERVERLESS",
        "opensearchServerlessConfiguration": {
            "collectionArn": COLLECTION,
            "vectorIndexName": "pages",
            "fieldMapping": {"vectorField": "embedding", "textField": "text", "metadataField": "metadata"},
        },
    }
    configuration = base_of(recorder)["knowledgeBaseConfiguration"]
    assert configuration["vectorKnowledgeBaseConfiguration"] == {
        "embeddingModelArn": MODEL,
        "embeddingModelConfiguration": {
            "bedrockEmbeddingModelConfiguration": {"dimensions": 1024, "embeddingDataType": "FLOAT32"}
        },
    }


def test_a_model_with_one_length_is_asked_for_none(recorder: Recorder) -> None:
    made(recorder, model="cohere-embed-multilingual-v3")
    vectors = base_of(recorder)["knowledgeBaseConfiguration"]["vectorKnowledgeBaseConfiguration"]
    assert "embeddingModelConfiguration" not in vectors


def test_it_is_made_when_the_index_is_there_and_its_role_may_use_all_that_it_needs(recorder: Recorder) -> None:
    before = {recorder.by_urn(urn).name for urn in made(recorder).one(":AgentKnowledgeBase").dependencies}
    assert {
        "wiki-dev-created",
        f"{NAME}-policy",
        f"{BUCKET}-read-for-{NAME}-role",
        f"wiki-dev-search-search-and-write-for-{NAME}-role",
    } <= before
    grant = recorder.named(f"wiki-dev-search-search-and-write-for-{NAME}-role")
    assert recorder.one(":ServerlessAccessPolicy").urn in grant.dependencies


@pytest.mark.covers("B4")
def test_its_role_may_embed_by_one_model_read_one_folder_and_use_one_index(recorder: Recorder) -> None:
    policies = of_the_role(made(recorder, folder="docs"))
    assert allowed(policies, "bedrock:InvokeModel", MODEL)
    assert not allowed(policies, "bedrock:InvokeModel", MODEL.replace("v2:0", "v1"))
    bucket = f"arn:aws:s3:::{BUCKET}-bucket-1234567"
    assert allowed(policies, "s3:GetObject", f"{bucket}/docs/a.md")
    assert not allowed(policies, "s3:GetObject", f"{bucket}/private/a.md")
    assert not allowed(policies, "s3:PutObject", f"{bucket}/docs/a.md")
    assert allowed(policies, "aoss:APIAccessAll", COLLECTION)
    assert not allowed(policies, "aoss:APIAccessAll", f"{COLLECTION}2")
    assert allowed(policies, "kms:GenerateDataKey", KEY)
    assert not allowed(policies, "bedrock:Retrieve", ARN)
    ((policy,),) = [json.loads(each.inputs["policy"]) for each in recorder.of(":ServerlessAccessPolicy")]
    assert [rule["Resource"] for rule in policy["Rules"]] == [["index/wiki-dev-search/pages"]]
    assert set(policy["Rules"][0]["Permission"]) == {"aoss:DescribeIndex", "aoss:ReadDocument", "aoss:WriteDocument"}


def test_bedrock_assumes_its_role_for_knowledge_bases_of_this_account_only(recorder: Recorder) -> None:
    (trusted,) = made(recorder).named(f"{NAME}-role").policy("assumeRolePolicy")["Statement"]
    assert trusted["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert trusted["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:knowledge-base/*"},
    }


def test_its_source_is_the_folder_of_this_accounts_bucket_cut_as_it_is_told(recorder: Recorder) -> None:
    made(recorder, folder="docs/published", chunks={"tokens": 500, "overlap_percent": 10})
    source = recorder.one(":AgentDataSource").inputs
    assert source["dataSourceConfiguration"]["s3Configuration"] == {
        "bucketArn": f"arn:aws:s3:::{BUCKET}-bucket-1234567",
        "bucketOwnerAccountId": ACCOUNT,
        "inclusionPrefixes": ["docs/published/"],
    }
    assert source["serverSideEncryptionConfiguration"] == {"kmsKeyArn": KEY}
    chunking = source["vectorIngestionConfiguration"]["chunkingConfiguration"]
    assert chunking["fixedSizeChunkingConfiguration"] == {"maxTokens": 500, "overlapPercentage": 10}
    assert source["dataDeletionPolicy"] == "RETAIN"


# --- Up to date ------------------------------------------------------------------------------------------------------


@pytest.mark.covers("B4")
def test_a_change_in_its_folder_starts_the_workflow_with_the_moment_of_the_change(recorder: Recorder) -> None:
    made(recorder, folder="docs")
    rule = recorder.one(":EventRule").inputs
    assert json.loads(rule["eventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": {"bucket": {"name": [{"prefix": f"{BUCKET}-bucket-"}]}, "object": {"key": [{"prefix": "docs/"}]}},
    }
    target = recorder.one(":EventTarget").inputs
    # The whole event: the workflow reads its `time`.
    assert "inputTransformer" not in target
    assert target["arn"].endswith(f"{NAME}-sync-state-machine")
    assert recorder.one(":BucketNotification").inputs["eventbridge"] is True


@pytest.mark.covers("B4")
def test_a_schedule_starts_the_same_workflow_with_the_planned_moment(recorder: Recorder) -> None:
    made(recorder, on_changes=False, schedule=DAILY, events=False)
    target = recorder.one("schedule:Schedule").inputs["target"]
    assert json.loads(target["input"]) == {"time": "<aws.scheduler.scheduled-time>"}
    assert target["arn"].endswith(f"{NAME}-sync-state-machine")
    assert recorder.of(":EventRule") == []


def test_the_workflow_may_ingest_into_this_knowledge_base_and_no_other(recorder: Recorder) -> None:
    made(recorder)
    policies = [each.policy() for each in recorder.of(":RolePolicy") if each.inputs["role"] == f"{NAME}-sync-role-id"]
    for action in ("bedrock:StartIngestionJob", "bedrock:GetIngestionJob", "bedrock:ListIngestionJobs"):
        assert allowed(policies, action, ARN)
        assert not allowed(policies, action, f"{ARN}2")
    assert not allowed(policies, "bedrock:DeleteKnowledgeBase", ARN)
    definition = recorder.one(":StateMachine").inputs["definition"]
    assert f'"KnowledgeBaseId": "{NAME}-knowledge-base-id"' in definition
    assert f'"DataSourceId": "{NAME}-data-source-source-id"' in definition


def test_alarms_tell_of_a_workflow_that_fails_and_of_one_that_does_not_start(recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")
    made(recorder, lambda base: base.alarms(topics), schedule=DAILY)
    assert {each.name for each in recorder.of(":MetricAlarm")} >= {
        f"{NAME}-sync-failed-alarm",
        f"{NAME}-changes-dead-letters-alarm",
        f"{NAME}-schedule-dead-letters-alarm",
    }


# --- Grants and refusals ---------------------------------------------------------------------------------------------


@pytest.mark.covers("B4")
@pytest.mark.parametrize("generate", [False, True])
def test_who_may_retrieve_may_generate_only_where_that_is_asked(recorder: Recorder, generate: bool) -> None:
    def grant(base: KnowledgeBase) -> None:
        base.grant_retrieve(aws.iam.Role("wiki-dev-api", assume_role_policy="{}"), generate=generate)

    made(recorder, grant)
    policies = [each.policy() for each in recorder.of(":RolePolicy") if each.inputs["role"] == "wiki-dev-api-id"]
    assert allowed(policies, "bedrock:Retrieve", ARN)
    assert not allowed(policies, "bedrock:Retrieve", f"{ARN}2")
    assert allowed(policies, "bedrock:RetrieveAndGenerate", "*") is generate
    assert not allowed(policies, "bedrock:InvokeModel", MODEL)
    assert not allowed(policies, "bedrock:StartIngestionJob", ARN)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bedrock": False}, "set bedrock to true on the collection"),
        ({"events": False}, "set events on the bucket"),
        ({"on_changes": False}, "it would stay empty"),
        ({"folder": "/docs/"}, "write the names of folders"),
        ({"chunks": {"tokens": 9000}}, "20 to 8192"),
        ({"chunks": {"overlap_percent": 0}}, "1 to 99 percent"),
        ({"schedule": {"expression": "rate(1 day)", "input": {"time": "now"}}}, "leave it out"),
        ({"description": "x" * 201}, "too many characters; AWS takes 200"),
    ],
)
def test_what_would_not_work_is_refused(recorder: Recorder, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        made(recorder, **changes)
    assert recorder.of(":AgentKnowledgeBase") == []
