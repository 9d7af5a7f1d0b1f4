"""The rights of every role in our stacks, judged by tools that know all of AWS's actions; our short lists, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cloudsplaining.scan.policy_document import PolicyDocument
from guardrails.rules.permissions import _RESTRICTABLE
from guardrails.rules.rights import _ESCALATIONS
from policy_sentry.querying.actions import get_action_data

from tests.rehearsal.conftest import Rehearsed

# Writing actions that take no resource, or none that exists before the call; each with what narrows it instead.
UNCONSTRAINED = {
    "ecr:GetAuthorizationToken": "takes no resource; the token opens the repositories that are named",
    **dict.fromkeys(
        (
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:UnassignPrivateIpAddresses",
        ),
        "Lambda tries them on everything before it takes a function; the same policy denies them to the code",
    ),
    "xray:PutTelemetryRecords": "takes no resource",
    "xray:PutTraceSegments": "takes no resource",
}


def policies(rehearsed: Rehearsed) -> dict[str, PolicyDocument]:
    return {
        one["name"]: PolicyDocument(json.loads(one["inputs"]["policy"]))
        for one in rehearsed.report["resources"]
        if one["type"] in ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy")
    }


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_no_role_can_raise_itself_or_carry_data_away(rehearsed: Callable[[str], Rehearsed], stack: str) -> None:
    found = policies(rehearsed(stack))
    assert len(found) > 8

    for name, policy in found.items():
        assert policy.allows_privilege_escalation == [], name
        assert policy.allows_data_exfiltration_actions == [], name
        assert policy.permissions_management_without_constraints == [], name
        assert policy.service_wildcard == [], name
        assert not policy.contains_statement_using_not_action, name
        assert set(policy.credentials_exposure) <= set(UNCONSTRAINED), name
        assert set(policy.write_actions_without_constraints) <= set(UNCONSTRAINED), name


def test_that_tool_would_notice() -> None:
    wide = {"Effect": "Allow", "Action": ["iam:PutRolePolicy", "s3:GetObject"], "Resource": "*"}
    policy = PolicyDocument({"Version": "2012-10-17", "Statement": [wide]})

    assert policy.allows_privilege_escalation
    assert policy.allows_data_exfiltration_actions


@pytest.mark.parametrize("action", _RESTRICTABLE)
def test_each_action_that_the_pack_wants_restricted_takes_a_resource(action: str) -> None:
    assert any(each != "*" for each in _resources(action)), f"{action} knows no resource"


@pytest.mark.parametrize("action", sorted({action for way in _ESCALATIONS for action in way}))
def test_each_action_of_an_escalation_exists(action: str) -> None:
    assert _resources(action)


def _resources(action: str) -> list[Any]:
    data = get_action_data(*action.split(":"))
    assert data, f"AWS has no action {action}"
    return [each["resource_arn_format"] for rows in data.values() for each in rows]
