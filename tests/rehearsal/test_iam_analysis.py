"""What the policies of our stacks let people do, judged by tools that know all of AWS's actions; our lists, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloudsplaining.shared.constants import (
    ACTIONS_THAT_RETURN_CREDENTIALS,
    PRIVILEGE_ESCALATION_METHODS,
    READ_ONLY_DATA_EXFILTRATION_ACTIONS,
)
from guardrails.rules.iam_escalation import _ESCALATIONS
from guardrails.rules.iam_wildcards import CREDENTIALS, DECRYPTS, PERMISSIONS, READS, WRITES
from guardrails.rules.permissions import _RESTRICTABLE
from policy_sentry.querying.actions import get_action_data

from changes.comment import comment
from rehearsal.iam_analysis import ACCEPTED, IamAnalyzer
from rehearsal.monitor import Registered
from rehearsal.problems import Problem
from rehearsal.property_values import UNKNOWN, Secret
from tests.rehearsal.conftest import Rehearse, Rehearsed


@pytest.fixture(scope="module")
def analyzer() -> IamAnalyzer:
    return IamAnalyzer()


def iam(kind: str, name: str, **inputs: Any) -> Registered:
    """An IAM resource as the deployment made it."""
    type_ = f"aws:iam/{kind}:{kind[0].upper()}{kind[1:]}"
    outputs = {"arn": f"arn:aws:iam::123456789012:{kind}/{name}"}
    return Registered(
        urn=f"urn:pulumi:s::p::{type_}::{name}",
        type=type_,
        name=name,
        parent="",
        custom=True,
        inputs=inputs,
        outputs=outputs,
        id=name,
    )


def document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def may(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, **more: Any) -> dict[str, Any]:
    return {**may(action), "Effect": "Deny", **more}


def found(analyzer: IamAnalyzer, *statements: Any) -> list[Problem]:
    return analyzer.analyse([iam("rolePolicy", "policy", role="role", policy=document(*statements))]).problems


PASS, START = may("iam:PassRole"), may("ec2:RunInstances")
ONE = "arn:aws:s3:::files/*"
ONLY_BY_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}


@pytest.mark.parametrize("stack", ["dev", "prod", "standard"])
def test_our_stacks_are_analysed_without_findings(rehearsed: Callable[[str], Rehearsed], stack: str) -> None:
    result = rehearsed(stack)
    policies = [one for one in result.report["resources"] if one["type"].startswith("aws:iam/rolePolicy:")]

    assert len(policies) > 5
    assert result.report["iam"]["policies"] == len(policies)
    assert not [one for one in result.report["problems"] if one["kind"] == "iam"]
    assert f"{len(policies)} IAM policies analysed" in result.text


def test_all_that_is_accepted_is_needed_and_has_a_reason(rehearsed: Callable[[str], Rehearsed]) -> None:
    used = {key for stack in ("dev", "personal") for key in rehearsed(stack).report["iam"]["accepted"]}

    assert used == {action for one in ACCEPTED for action in one.actions}
    assert all(len(one.reason) > 20 for one in ACCEPTED)


@pytest.mark.parametrize(
    ("rule", "level", "statements"),
    [
        ("iam-escalation", "error", [PASS, START]),
        ("iam-escalation", "error", [may("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/*")]),
        ("iam-escalation", "error", [may("iam:CreatePolicyVersio?")]),
        ("iam-escalation", "error", [PASS, START, deny("iam:PassRole", Condition=ONLY_BY_MFA)]),
        ("iam-escalation", "error", [PASS, START, deny("iam:PassRole", Resource="arn:aws:iam::1:role/a")]),
        ("iam-escalation", "error", [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]),
        ("iam-exfiltration", "warning", [may("s3:GetObject")]),
        ("iam-exfiltration", "warning", [may("s3:GetObject", ["arn:aws:s3:::*/*", ONE])]),
        ("iam-exfiltration", "warning", [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": ONE}]),
        ("iam-exfiltration", "warning", [may("ssm:Get*", "arn:aws:ssm:ap-northeast-1:123456789012:parameter/*")]),
        ("iam-credentials", "warning", [may("redshift:GetClusterCredentials")]),
        ("iam-permissions", "warning", [may("s3:PutBucketPolicy")]),
        ("iam-writes", "warning", [may("dynamodb:DeleteTable")]),
        ("iam-writes", "warning", [may("ec2:CreateNetworkInterface")]),
        ("iam-not-analysed", "warning", [{"Effect": "Allow", "Resource": "*"}]),
        ("iam-not-analysed", "warning", [{"Action": "s3:GetObject", "Resource": "*"}]),
        ("iam-not-analysed", "warning", [may([7, None])]),
        ("iam-not-analysed", "warning", [may("everything")]),
    ],
)
def test_what_is_too_wide_is_found(analyzer: IamAnalyzer, rule: str, level: str, statements: list[Any]) -> None:
    problems = {one.rule: one for one in found(analyzer, *statements)}

    assert rule in problems
    assert problems[rule].level == level
    assert problems[rule].urn is not None
    assert problems[rule].remedy


@pytest.mark.parametrize(
    "statements",
    [
        [may("s3:GetObject", ONE)],
        [may("s3:ListAllMyBuckets")],
        [may("iam:PassRole", "arn:aws:iam::123456789012:role/task"), START | {"Condition": {"Null": {"a": "true"}}}],
        [PASS, deny("iam:PassRole")],
        [may("dynamodb:DeleteTable", Condition={"StringEquals": {"aws:ResourceTag/Project": "kumiki"}})],
        [may("nobody:KnowsThisAction")],
        [may("ecr:GetAuthorizationToken")],
    ],
)
def test_what_is_narrow_is_left_alone(analyzer: IamAnalyzer, statements: list[Any]) -> None:
    assert found(analyzer, *statements) == []


def test_network_interfaces_are_accepted_only_of_functions_whose_code_may_not_make_them(analyzer: IamAnalyzer) -> None:
    actions = [action for one in ACCEPTED if one.denied_to_code for action in one.actions]
    to_code = deny("", Action=actions, Condition={"ArnEquals": {"lambda:SourceFunctionArn": ["arn"]}})

    assert found(analyzer, may(actions), to_code) == []
    assert [one.rule for one in found(analyzer, may(actions), to_code | {"Condition": ONLY_BY_MFA})] == ["iam-writes"]


@pytest.mark.parametrize(
    "others",
    [
        [iam("rolePolicy", "other", role="app", policy=document(START))],
        [
            iam("policy", "other", policy=document(START)),
            iam("rolePolicyAttachment", "a", role="app", policyArn="arn:aws:iam::123456789012:policy/other"),
        ],
        [
            iam("policy", "other", policy=document(START)),
            iam("policyAttachment", "a", roles=["app"], policyArn="arn:aws:iam::123456789012:policy/other"),
        ],
    ],
)
def test_several_policies_of_one_role_are_analysed_together(analyzer: IamAnalyzer, others: list[Registered]) -> None:
    role = iam("role", "app", inlinePolicies=[{"name": "pass", "policy": document(PASS)}])
    apart = iam("rolePolicy", "apart", role="somebody-else", policy=document(START))

    (problem,) = [one for one in analyzer.analyse([role, *others]).problems if one.rule == "iam-escalation"]
    assert problem.urn == role.urn
    assert "by its 2 policies together: iam:passrole with ec2:runinstances" in problem.message
    assert not [one for one in analyzer.analyse([role, apart]).problems if one.rule == "iam-escalation"]


def test_a_role_that_names_its_policies_itself_holds_them(analyzer: IamAnalyzer) -> None:
    start = iam("policy", "start", policy=document(START))
    role = iam("role", "app", managedPolicyArns=[start.outputs["arn"]])
    passes = iam("rolePolicy", "pass", role="app", policy=document(PASS))

    assert role.urn in {one.urn for one in analyzer.analyse([start, role, passes]).problems if one.level == "error"}


def test_a_way_that_one_policy_opens_alone_is_told_once(analyzer: IamAnalyzer) -> None:
    role = iam("role", "app")
    alone = iam("rolePolicy", "alone", role="app", policy=document(PASS, START))
    other = iam("rolePolicy", "other", role="app", policy=document(may("s3:ListAllMyBuckets")))

    assert [one.urn for one in analyzer.analyse([role, alone, other]).problems if one.level == "error"] == [alone.urn]


@pytest.mark.parametrize("policy", [UNKNOWN, None, "", "no JSON", "[]", "{}", 7, {"Statement": "none"}])
def test_a_policy_that_is_not_known_or_none_is_passed_over(analyzer: IamAnalyzer, policy: Any) -> None:
    analysis = analyzer.analyse(
        [
            iam("rolePolicy", "policy", role=UNKNOWN, policy=policy),
            iam("role", "role", inlinePolicies=[{"name": "a", "policy": policy}, UNKNOWN], managedPolicyArns=UNKNOWN),
            iam("policyAttachment", "attachment", roles=UNKNOWN, users=[UNKNOWN], policyArn=UNKNOWN),
        ]
    )

    assert (analysis.policies, analysis.problems) == (0, [])


def test_a_secret_policy_is_read_and_named_by_its_actions_only(analyzer: IamAnalyzer) -> None:
    (problem,) = analyzer.analyse(
        [iam("userPolicy", "p", user="u", policy=Secret(document(may("s3:GetObject"))))]
    ).problems

    assert problem.rule == "iam-exfiltration"
    assert "s3:GetObject" in problem.message


def test_a_program_of_somebody_else_is_analysed_too(rehearse_plain: Rehearse, tmp_path: Path) -> None:
    result = rehearse_plain(
        """
        import json
        def document(statement):
            whole = {"Effect": "Allow", "Resource": "*", **statement}
            return json.dumps({"Version": "2012-10-17", "Statement": [whole]})
        trust = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]})
        role = aws.iam.Role("role", assume_role_policy=trust, opts=opts)
        aws.iam.RolePolicy("pass", role=role.name, policy=document({"Action": "iam:PassRole"}), opts=opts)
        start = aws.iam.Policy("start", policy=document({"Action": "ec2:RunInstances"}), opts=opts)
        aws.iam.RolePolicyAttachment("attached", role=role.name, policy_arn=start.arn, opts=opts)
        user = aws.iam.User("user", opts=opts)
        aws.iam.UserPolicy("reads", user=user.name, policy=document({"Action": "secretsmanager:*"}), opts=opts)
        """,
        "--sarif",
        str(tmp_path / "findings.sarif"),
    )
    found = {
        (one["rule"], one["urn"].rpartition("::")[2]): one for one in result.report["problems"] if one["kind"] == "iam"
    }

    assert result.status == 1
    assert found["iam-escalation", "role"]["level"] == "error"
    assert found["iam-exfiltration", "reads"]["level"] == "warning"
    assert result.report["iam"]["policies"] == 3
    (run,) = json.loads((tmp_path / "findings.sarif").read_text(encoding="utf-8"))["runs"]
    assert {("iam-escalation", "error"), ("iam-exfiltration", "warning")} <= {
        (one["ruleId"], one["level"]) for one in run["results"]
    }
    assert "`iam-escalation` **role**" in comment([result.report])


@pytest.mark.parametrize("action", _RESTRICTABLE)
def test_each_action_that_the_pack_wants_restricted_takes_a_resource(action: str) -> None:
    assert any(each != "*" for each in _resources(action)), f"{action} knows no resource"


@pytest.mark.parametrize("action", sorted({action for way in _ESCALATIONS for action in way}))
def test_each_action_of_an_escalation_exists(action: str) -> None:
    assert _resources(action)


def test_the_escalations_of_the_pack_are_published_ones_but_for_two_more_services() -> None:
    published = [frozenset(actions) for actions in PRIVILEGE_ESCALATION_METHODS.values()]
    ours = [frozenset(action.lower() for action in way) for way in _ESCALATIONS]

    assert {action for way in ours if not any(each <= way for each in published) for action in way} == {
        "iam:passrole",
        *("ecs:registertaskdefinition", "ecs:updateservice"),
        *("states:createstatemachine", "states:startexecution"),
    }


def _resources(action: str) -> list[Any]:
    data = get_action_data(*action.split(":"))
    assert data, f"AWS has no action {action}"
    return [each["resource_arn_format"] for rows in data.values() for each in rows]


def _level(action: str) -> str:
    return next(each["access_level"] for rows in get_action_data(*action.split(":")).values() for each in rows)


def test_the_lists_of_the_pack_are_what_they_are_called() -> None:
    known = {name.lower() for name in ACTIONS_THAT_RETURN_CREDENTIALS}

    assert set(READS) == set(READ_ONLY_DATA_EXFILTRATION_ACTIONS)
    assert {action.lower() for action in CREDENTIALS} <= known
    assert {_level(action) for action in PERMISSIONS} == {"Permissions management"}
    assert {_level(action) for action in WRITES} == {"Write"}
    assert all(_resources(action) != ["*"] for action in (*READS, *PERMISSIONS, *WRITES, *DECRYPTS))


@pytest.mark.parametrize(
    ("actions", "rule"),
    [(READS, "iam-exfiltration"), (PERMISSIONS, "iam-permissions"), (WRITES, "iam-writes")],
)
def test_what_the_pack_calls_too_wide_the_rehearsal_does_too(
    analyzer: IamAnalyzer, actions: tuple[str, ...], rule: str
) -> None:
    for action in actions:
        assert rule in {one.rule for one in found(analyzer, may(action))}, action
