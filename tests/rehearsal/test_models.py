"""Models at Bedrock in a whole stack: what is made, who may ask, and what the stack's file is refused for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rehearsal.conftest import Refuse, Rehearse
from tests.stack_files import config_of

ACCESS: dict[str, Any] = {
    "models": {"writer": {"model": "claude-sonnet-4-6"}, "embedder": {"model": "titan-embed-text-v2"}}
}


def with_models(**changes: Any) -> dict[str, Any]:
    """Dev with models that its worker asks, and the endpoints by which it can."""
    config = config_of("dev", {})
    services, network = config["kumiki:services"], config["kumiki:network"]
    services["worker"] = {**services["worker"], "models": ["writer", "embedder"]}
    network = {**network, "endpoints": [*network["endpoints"], "bedrock-runtime", "ssm"]}
    return {
        "kumiki:modelAccess": ACCESS,
        "kumiki:services": services,
        "kumiki:network": network,
        **{f"kumiki:{key}": value for key, value in changes.items()},
    }


def test_a_worker_may_ask_its_models_in_japan_and_every_request_is_recorded(rehearse_kumiki: Rehearse) -> None:
    """The rest of the stack is left out, so that no more is made than is looked at."""
    done = rehearse_kumiki(
        {**with_models(), "kumiki:expected": {"modelInputTokens": 2_000_000, "modelOutputTokens": 1_000_000}},
        only=["network", "logArchive", "services", "queues", "cluster", "keys", "workflows", "database", "cache",
              "secrets", "parameters", "domain", "loadBalancer", "alerts", "tables"],
    )  # fmt: skip
    assert (done.status, done.problems()) == (0, []), done.text
    policy = json.loads(done.resource("kumiki-dev-models-invoke-for-kumiki-dev-worker-task-role")["inputs"]["policy"])[
        "Statement"
    ]
    asked = {one for each in policy if "InvokeModel" in str(each["Action"]) for one in _listed(each["Resource"])}
    assert {one.split(":")[3] for one in asked} == {"ap-northeast-1", "ap-northeast-3"}
    assert not any("*" in one for one in asked)
    statuses = {one["name"]: one["status"] for one in done.report["resources"]}
    assert statuses["kumiki-dev-model-logs-configuration"] == "emulated"
    assert statuses["kumiki-dev-models-guardrail"] == "validated"
    month = next(one for one in done.report["months"] if one["region"] == "ap-northeast-1")
    lines = {one["what"]: one["list_usd"] for one in month["lines"]}
    assert lines["tokens read"] == 6.6
    assert lines["tokens written"] == 16.5


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.covers("D5", "D17")
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            with_models(modelAccess={"models": {"writer": {"model": "claude-3-5-sonnet"}}}),
            [
                "kumiki:modelAccess.models.writer.model: 'claude-3-5-sonnet' ended at Bedrock on",
                "use claude-sonnet-4-6",
            ],
        ),
        (
            with_models(modelAccess={"models": {"writer": {"model": "nova-pro"}}}),
            ["kumiki:modelAccess.models.writer.model: nova-pro leaves ap-northeast-1, ap-northeast-3", "apac."],
        ),
        (
            with_models(modelAccess={"models": {"writer": {"model": "claude-sonnet-5"}}}),
            ["claude-sonnet-5 leaves", "any region of the world", "claude-sonnet-4-6"],
        ),
        (
            with_models(modelAccess={"models": {"writer": {"model": "nova-2-lite", "topP": 2}}}),
            ["kumiki:modelAccess.models.writer.topP: 2 is not allowed; use 0 to 1"],
        ),
        (
            with_models(modelAccess={"models": {}}),
            ["kumiki:modelAccess.models: {} has too few entries; write 1 or more"],
        ),
        (
            with_models(modelAccess={"models": {"writer": {"model": "claude-sonnet-4-6"}}}),
            ["kumiki:services.worker.models: embedder is not a model of modelAccess", "there are: writer"],
        ),
        (
            with_models(modelAccess=None),
            ["kumiki:services.worker.models: writer needs models; add the section modelAccess"],
        ),
        (
            {**with_models(), "kumiki:network": config_of("dev", {})["kumiki:network"]},
            ["kumiki:network.endpoints: lacks bedrock-runtime, ssm, by which worker asks models"],
        ),
        (
            with_models(parameters={"values": {"models/writer/id": "mine"}}),
            ["kumiki:parameters.values.models/writer/id: is where the settings of modelAccess are"],
        ),
        (
            with_models(modelAccess={**ACCESS, "guardrail": {"personalData": {}}}),
            ["kumiki:modelAccess.guardrail.personalData: {} looks for nothing"],
        ),
    ],
)
def test_a_mistake_in_models_is_refused_with_its_key_and_its_mend(
    changes: dict[str, Any], parts: list[str], refuse_kumiki: Refuse
) -> None:
    said = refuse_kumiki(changes)
    assert [part for part in parts if part not in said] == [], said
