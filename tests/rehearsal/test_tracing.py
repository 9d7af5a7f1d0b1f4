"""Traces in a whole stack: who may send them, what samples them, and what the stack's file is refused for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.problems import RehearsalError
from tests.iam import allowed
from tests.rehearsal.conftest import Refuse, Rehearse
from tests.rehearsal.test_specs import REGION, Cloud, cloud
from tests.stack_files import config_of

__all__ = ["cloud"]

# Another account's: the rehearsal would look for it in this one.
COPY = "999999999999.dkr.ecr.ap-northeast-1.amazonaws.com/otel/collector:v0.48.0"


def traced(**changes: Any) -> dict[str, Any]:
    """Dev with traces of its worker, and the endpoint by which they leave."""
    config = config_of("dev", {})
    services, network = config["kumiki:services"], config["kumiki:network"]
    services["worker"] = {**services["worker"], "tracing": {"image": COPY}}
    return {
        "kumiki:tracing": {"samplePercent": 25},
        "kumiki:services": services,
        "kumiki:network": {**network, "endpoints": [*network["endpoints"], "xray"]},
        **{f"kumiki:{key}": value for key, value in changes.items()},
    }


@pytest.mark.covers("D13")
def test_a_service_sends_its_share_of_traces_and_groups_show_those_with_faults(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki(
        traced(),
        only=["network", "logArchive", "services", "queues", "cluster", "keys", "workflows", "database", "cache",
              "secrets", "parameters", "domain", "loadBalancer", "alerts", "tables"],
    )  # fmt: skip
    assert (done.status, done.problems()) == (0, []), done.text
    task = json.loads(done.resource("kumiki-dev-worker-task-definition")["inputs"]["containerDefinitions"])
    app = next(one for one in task if one["name"] == "app")
    told = {one["name"]: one["value"] for one in app["environment"]}
    # Said once, in the section tracing.
    assert told["OTEL_TRACES_SAMPLER_ARG"] == "0.25"
    rule = done.resource("kumiki-dev-tracing-sampling-rule")
    assert (rule["status"], rule["inputs"]["fixedRate"], rule["inputs"]["serviceName"]) == (
        "validated",
        0.25,
        "kumiki-dev-*",
    )
    group = done.resource("kumiki-dev-tracing-faults-group")["inputs"]
    # The worker, and the workflows, which always send traces.
    assert 'service("kumiki-dev-worker") { fault = true }' in group["filterExpression"]
    assert "kumiki-dev-api" not in group["filterExpression"]
    policy = json.loads(done.resource("kumiki-dev-worker-task-policy")["inputs"]["policy"])
    assert allowed([policy], "xray:PutTraceSegments", "*")
    outputs = done.report["outputs"]
    assert outputs["traceGroups"] == {"faults": "kumiki-dev-tracing-faults", "slow": "kumiki-dev-tracing-slow"}
    assert outputs["traceRetentionDays"] == 30


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            {"kumiki:tracing": {"samplePercent": 250}},
            ["kumiki:tracing.samplePercent: 250 is not allowed; use 0 to 100"],
        ),
        (
            {"kumiki:tracing": {}, "kumiki:workflows": {}},
            ["kumiki:tracing: has nothing to look at", "add tracing: {} to a service"],
        ),
        (
            {**traced(), "kumiki:network": config_of("dev", {})["kumiki:network"]},
            ["kumiki:network.endpoints: lacks xray, by which worker sends traces"],
        ),
        (
            {
                **traced(),
                "kumiki:services": {
                    **traced()["kumiki:services"],
                    "worker": {**traced()["kumiki:services"]["worker"], "tracing": {}},
                },
            },
            ["kumiki:services.worker.tracing.image: public.ecr.aws/", "copy it into ECR"],
        ),
        (
            {
                **traced(),
                "kumiki:services": {
                    **traced()["kumiki:services"],
                    "worker": {**traced()["kumiki:services"]["worker"], "tracing": {"image": COPY, "memory": 4096}},
                },
            },
            ["kumiki:services.worker.tracing.memory: 4096 with 128 of others leaves nothing of the task's"],
        ),
    ],
)
def test_a_mistake_in_traces_is_refused_with_its_key_and_its_mend(
    changes: dict[str, Any], parts: list[str], refuse_kumiki: Refuse
) -> None:
    said = refuse_kumiki(changes)
    assert [part for part in parts if part not in said] == [], said


# --- The specs -------------------------------------------------------------------------------------------------------

RULE: dict[str, Any] = {
    "ruleName": "wiki-dev-tracing", "priority": 1000, "version": 1, "reservoirSize": 1, "fixedRate": 0.1,
    "serviceName": "wiki-dev-*", "serviceType": "*", "host": "*", "httpMethod": "*", "urlPath": "*",
    "resourceArn": "*",
}  # fmt: skip


def test_rules_and_groups_are_validated_and_have_the_arns_of_aws(cloud: Cloud) -> None:
    rule = cloud.make("aws:xray/samplingRule:SamplingRule", **RULE)
    group = cloud.make("aws:xray/group:Group", groupName="wiki-dev-faults", filterExpression="fault = true")
    assert (rule.status, rule.reason) == ("validated", "the emulator has no X-Ray")
    assert (rule.id, group.status) == ("wiki-dev-tracing", "validated")
    assert rule.outputs["arn"] == f"arn:aws:xray:{REGION}:123456789012:sampling-rule/wiki-dev-tracing"
    assert group.outputs["arn"].startswith(f"arn:aws:xray:{REGION}:123456789012:group/wiki-dev-faults/")


@pytest.mark.parametrize(
    "changed", [{"ruleName": "x" * 33}, {"priority": 0}, {"host": "h" * 65}, {"fixedRate": -0.1}, {"colour": "red"}]
)
def test_a_rule_that_aws_would_refuse_is_refused(changed: dict[str, Any], cloud: Cloud) -> None:
    with pytest.raises(RehearsalError):
        cloud.make("aws:xray/samplingRule:SamplingRule", **{**RULE, **changed})
