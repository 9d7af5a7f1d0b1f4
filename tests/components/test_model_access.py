"""Models at Bedrock: who may invoke what, with which settings, behind which guardrail; what is refused and watched."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pulumi_aws as aws
import pytest

from components.account import Account
from components.alarms import AlarmTopics
from components.data.bucket import Bucket, BucketArgs
from components.errors import ArgumentError
from components.intelligence import models as table
from components.intelligence.guardrail import GuardrailArgs
from components.intelligence.invocation_logs import InvocationLogs, InvocationLogsArgs, invocation_statements
from components.intelligence.model_access import ModelAccess
from components.intelligence.model_use import ModelAccessArgs, ModelUse
from tests.conftest import ACCOUNT, REGION, Recorder

NAME = "wiki-dev-models"
JAPAN = ("ap-northeast-1", "ap-northeast-3")
PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/jp.anthropic.claude-sonnet-4-6"
SONNET = [f"arn:aws:bedrock:{region}::foundation-model/anthropic.claude-sonnet-4-6" for region in JAPAN]
TITAN = f"arn:aws:bedrock:{REGION}::foundation-model/amazon.titan-embed-text-v2:0"
GUARDRAIL = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/{NAME}-guardrail"
TOPICS = AlarmTopics(critical="arn:critical", warning="arn:warning")
WRITER, EMBEDDER = ModelUse(model="claude-sonnet-4-6"), ModelUse(model="titan-embed-text-v2")


def access(within: tuple[str, ...] = JAPAN, guardrail: GuardrailArgs | None = None, **uses: ModelUse) -> ModelAccess:
    args = ModelAccessArgs(models=uses or {"writer": WRITER, "embedder": EMBEDDER}, guardrail=guardrail)
    return ModelAccess(NAME, args, path="/wiki/dev", region=REGION, within=within)


def granted(recorder: Recorder, *uses: str, **args: Any) -> list[dict[str, Any]]:
    role: list[aws.iam.Role] = []

    def program() -> None:
        role.append(aws.iam.Role("wiki-dev-worker-role", assume_role_policy="{}"))
        access(**args).grant_invoke(role[0], *uses)

    recorder.run(program)
    return recorder.named(f"{NAME}-invoke-for-wiki-dev-worker-role").policy()["Statement"]


@pytest.mark.covers("B4", "D10")
def test_a_profile_is_granted_with_the_model_in_each_of_its_regions_and_only_by_way_of_it(recorder: Recorder) -> None:
    by_profile, where_it_leads = granted(recorder, "writer")
    assert (by_profile["Action"], by_profile["Resource"]) == (["bedrock:InvokeModel"], PROFILE)
    assert (where_it_leads["Action"], where_it_leads["Resource"]) == (["bedrock:InvokeModel"], SONNET)
    assert where_it_leads["Condition"] == {"StringEquals": {"bedrock:InferenceProfileArn": PROFILE}}


@pytest.mark.covers("D10")
def test_a_model_of_the_region_is_granted_by_itself_and_nothing_more(recorder: Recorder) -> None:
    [only] = granted(recorder, "embedder")
    assert only == {
        "Action": ["bedrock:InvokeModel"], "Effect": "Allow", "Resource": [TITAN], "Sid": "InvokeEmbedder",
    }  # fmt: skip


def test_answers_may_be_streamed_only_where_it_is_asked(recorder: Recorder) -> None:
    uses = {"writer": ModelUse(model="claude-sonnet-4-6", streaming=True), "embedder": EMBEDDER}
    *writer, embedder = granted(recorder, "writer", "embedder", **uses)
    stream = "bedrock:InvokeModelWithResponseStream"
    assert all(stream in one["Action"] for one in writer)
    assert stream not in embedder["Action"]


def test_a_chat_model_can_be_invoked_behind_its_guardrail_only_and_an_embedding_model_has_none(
    recorder: Recorder,
) -> None:
    *writer, embedder, apply = granted(recorder, "writer", "embedder", guardrail=GuardrailArgs())
    for one in writer:
        assert one["Condition"]["StringEquals"]["bedrock:GuardrailIdentifier"] == f"{GUARDRAIL}:1"
    assert "Condition" not in embedder
    assert (apply["Action"], apply["Resource"]) == ("bedrock:ApplyGuardrail", GUARDRAIL)


def test_a_guardrail_that_is_not_required_is_no_condition_of_the_permission(recorder: Recorder) -> None:
    statements = granted(recorder, "writer", guardrail=GuardrailArgs(required=False))
    assert "GuardrailIdentifier" not in json.dumps(statements)
    assert "bedrock:ApplyGuardrail" in json.dumps(statements)


def test_a_profile_of_the_world_is_granted_with_the_model_of_no_region(recorder: Recorder) -> None:
    """What may be answered anywhere is reached where nothing nearer is allowed, by who allows it in Python."""
    within = (*JAPAN, table.WORLD)
    _, where = granted(recorder, "writer", within=within, writer=ModelUse(model="claude-sonnet-5"))
    model = "foundation-model/anthropic.claude-sonnet-5"
    assert where["Resource"] == [f"arn:aws:bedrock:{REGION}::{model}", f"arn:aws:bedrock:::{model}"]


def test_who_reads_how_to_ask_reads_of_no_other_model(recorder: Recorder) -> None:
    def program() -> None:
        access().grant_read(aws.iam.Role("wiki-dev-worker-role", assume_role_policy="{}"), "writer")

    recorder.run(program)
    [only] = recorder.named(f"{NAME}-read-for-wiki-dev-worker-role").policy()["Statement"]
    root = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/wiki/dev/models/writer"
    assert only["Resource"] == [root, f"{root}/*"]


# --- Settings --------------------------------------------------------------------------------------------------------


def parameters(recorder: Recorder) -> dict[str, str]:
    return {each.inputs["name"].removeprefix("/wiki/dev/models/"): each.inputs["insecureValue"]
            for each in recorder.of("ssm/parameter:Parameter")}  # fmt: skip


@pytest.mark.covers("D5")
def test_programs_find_in_the_parameters_what_a_request_may_say(recorder: Recorder) -> None:
    recorder.run(lambda: access(guardrail=GuardrailArgs()) and None)
    assert parameters(recorder) == {
        "embedder/dimensions": "1024",
        "embedder/id": "amazon.titan-embed-text-v2:0",
        "writer/guardrail-id": f"{NAME}-guardrail",
        "writer/guardrail-version": "1",
        "writer/id": "jp.anthropic.claude-sonnet-4-6",
        "writer/max-tokens": "4096",
        "writer/temperature": "0.1",
    }


@pytest.mark.covers("D5")
@pytest.mark.parametrize(
    ("use", "expected"),
    [
        # The design's three settings, where a model takes all of them; the others are refused by Bedrock.
        ({"model": "nova-2-lite"}, {"max-tokens": 4096, "temperature": 0.1, "top-p": 0.9}),
        ({"model": "claude-sonnet-4-6"}, {"max-tokens": 4096, "temperature": 0.1}),
        ({"model": "claude-sonnet-4-6", "top_p": 0.9}, {"max-tokens": 4096, "top-p": 0.9}),
        ({"model": "claude-sonnet-4-6", "temperature": 0}, {"max-tokens": 4096, "temperature": 0}),
        ({"model": "claude-opus-4-8"}, {"max-tokens": 4096}),
        ({"model": "titan-embed-text-v2", "dimensions": 256}, {"dimensions": 256}),
    ],
)
def test_a_model_is_sent_only_what_it_takes(use: dict[str, Any], expected: dict[str, float]) -> None:
    assert ModelUse(**use).settings == expected


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ({"model": "claude-3-5-sonnet"}, "ended at Bedrock on 2026-03-01; use claude-sonnet-4-6"),
        ({"model": "claude-sonet-4-6"}, "is not a known model; did you mean 'claude-sonnet-4-6'?"),
        ({"model": "nova-2-lite", "top_p": 2}, "top_p: 2 is not allowed; use 0 to 1"),
        ({"model": "nova-2-lite", "temperature": -0.1}, "temperature: -0.1 is not allowed; use 0 to 1"),
        ({"model": "nova-2-lite", "max_tokens": 0}, "max_tokens: 0 is not allowed; use 1 or more"),
        ({"model": "nova-pro", "max_tokens": 9000}, "9000 is more than nova-pro writes; use 1 to 5000"),
        ({"model": "claude-sonnet-4-6", "top_p": 0.9, "temperature": 0.1}, "refused together by claude-sonnet-4-6"),
        ({"model": "claude-opus-4-7", "temperature": 0.1}, "is refused by claude-opus-4-7, which takes neither"),
        ({"model": "titan-embed-text-v2", "dimensions": 1536}, "titan-embed-text-v2 gives; use 256, 512, 1024"),
        ({"model": "titan-embed-text-v2", "top_p": 0.9}, "is for chat models, and titan-embed-text-v2 embeds"),
        ({"model": "claude-sonnet-4-6", "dimensions": 1024}, "is for embeddings, and claude-sonnet-4-6 chats"),
    ],
)
def test_what_bedrock_would_refuse_is_refused_before(use: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        ModelUse(**use)
    assert said in str(refused.value)


@pytest.mark.covers("D17")
@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nova-pro", r"models\.writer\.model: 'nova-pro' leaves ap-northeast-1, ap-northeast-3: apac\."),
        ("claude-sonnet-5", "global.anthropic.claude-sonnet-5 answers in any region of the world"),
        ("claude-3-5-sonnet-v2", "is not offered in ap-northeast-1; use claude-sonnet-4-6"),
    ],
)
def test_a_model_whose_requests_would_leave_japan_is_refused(model: str, said: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=said):
        recorder.run(lambda: access(writer=ModelUse(model=model)) and None)


def test_a_legacy_model_is_warned_of_with_the_day_and_its_successor(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    row = table.MODELS["claude-sonnet-4-5"]
    changed = {field: getattr(row, field) for field in row.__dataclass_fields__}
    changed |= {"legacy_since": date(2020, 1, 1), "ends": date(9999, 1, 1)}
    monkeypatch.setitem(table.MODELS, "claude-sonnet-4-5", table.Model(**changed))
    monkeypatch.setattr("pulumi.log.warn", lambda message, *_more: said.append(message))
    recorder.run(lambda: access(writer=ModelUse(model="claude-sonnet-4-5")) and None)
    [only] = said
    assert "models.writer.model: claude-sonnet-4-5 is in the legacy state since 2020-01-01" in only
    assert "ends at Bedrock on 9999-01-01; use claude-sonnet-4-6" in only


# --- Guardrail -------------------------------------------------------------------------------------------------------


def test_a_guardrail_looks_for_attacks_in_prompts_and_for_personal_data(recorder: Recorder) -> None:
    recorder.run(lambda: access(guardrail=GuardrailArgs()) and None)
    made = recorder.one("guardrail:Guardrail").inputs
    assert made["contentPolicyConfig"]["filtersConfigs"] == [
        {"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"}
    ]
    entities = made["sensitiveInformationPolicyConfig"]["piiEntitiesConfigs"]
    found = {one["type"]: one["action"] for one in entities}
    assert (found["EMAIL"], found["AWS_SECRET_KEY"]) == ("ANONYMIZE", "BLOCK")
    for one in entities:
        assert (one["inputAction"], one["inputEnabled"]) == (one["action"], True)
        assert (one["outputAction"], one["outputEnabled"]) == (one["action"], True)
    # With it, requests would be looked at outside Japan.
    assert "crossRegionConfig" not in made


def test_another_guardrail_is_another_version_and_the_same_one_is_not(recorder: Recorder) -> None:
    def said(args: GuardrailArgs) -> str:
        recorder.resources.clear()
        recorder.run(lambda: access(guardrail=args) and None)
        return recorder.one(":GuardrailVersion").inputs["description"]

    first = said(GuardrailArgs())
    assert said(GuardrailArgs(prompt_attacks="LOW")) != first
    assert said(GuardrailArgs()) == first
    # Of who must use it, a version says nothing.
    assert said(GuardrailArgs(required=False)) == first


def test_embeddings_alone_need_no_guardrail(recorder: Recorder) -> None:
    recorder.run(lambda: access(guardrail=GuardrailArgs(), embedder=EMBEDDER) and None)
    assert recorder.of("guardrail:Guardrail") == []


# --- What is watched and recorded ------------------------------------------------------------------------------------


def test_somebody_hears_of_throttles_errors_slow_answers_and_many_tokens(recorder: Recorder) -> None:
    writer = ModelUse(model="claude-sonnet-4-6", alarm_tokens_per_hour=5, alarm_latency_seconds=2)
    recorder.run(lambda: access(writer=writer).alarms(TOPICS) and None)
    alarms = {each.name.removeprefix(f"{NAME}-writer-"): each.inputs for each in recorder.of(":MetricAlarm")}
    assert {*alarms} == {"throttles-alarm", "errors-alarm", "latency-alarm", "tokens-alarm"}
    dimensions = {"ModelId": "jp.anthropic.claude-sonnet-4-6"}
    assert alarms["throttles-alarm"]["dimensions"] == dimensions
    assert (alarms["latency-alarm"]["threshold"], alarms["latency-alarm"]["extendedStatistic"]) == (2000, "p95")
    tokens = alarms["tokens-alarm"]
    assert tokens["threshold"] == 5
    counted = [one["metric"] for one in tokens["metricQueries"] if "metric" in one]
    assert {(one["metricName"], one["period"]) for one in counted} == {
        ("InputTokenCount", 3600),
        ("OutputTokenCount", 3600),
    }
    assert all(one["dimensions"] == dimensions for one in counted)
    assert alarms["errors-alarm"]["alarmActions"] == ["arn:critical"]


def test_the_record_of_invocations_goes_to_a_bucket_and_a_group_and_bedrock_writes_nowhere_else(
    recorder: Recorder,
) -> None:
    def program() -> None:
        bucket = Bucket("wiki-dev-records", BucketArgs())
        logs = InvocationLogs("wiki-dev-model-logs", InvocationLogsArgs(log_retention_days=7), bucket=bucket)
        [statement] = invocation_statements(bucket.arn, Account.of(logs))
        Bucket("wiki-dev-open", BucketArgs(), statements=lambda _arn: [statement])

    recorder.run(program)
    made = recorder.one(":InvocationLoggingConfiguration").inputs["loggingConfig"]
    assert made["s3Config"] == {"bucketName": "wiki-dev-records-bucket-1234567", "keyPrefix": "model-invocations"}
    assert made["cloudwatchConfig"]["logGroupName"] == "/aws/bedrock/wiki-dev-model-logs"
    assert (made["textDataDeliveryEnabled"], made["embeddingDataDeliveryEnabled"]) == (True, False)
    assert recorder.one(":LogGroup").inputs["retentionInDays"] == 7
    [writes] = recorder.named("wiki-dev-model-logs-policy").policy()["Statement"]
    assert writes["Resource"].endswith("/aws/bedrock/wiki-dev-model-logs:log-stream:aws/bedrock/modelinvocations")
    admitted = recorder.named("wiki-dev-open-policy").policy()["Statement"][-1]
    assert admitted["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert admitted["Resource"].endswith(f"/model-invocations/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/*")
    assert admitted["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
