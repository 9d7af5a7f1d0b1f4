"""The permissions of our own stacks: enough for every call that their rehearsals make, and nothing more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from cloudsplaining.scan.policy_document import PolicyDocument
from policy_sentry.shared.iam_data import get_service_prefix_data

from permissions import actions
from permissions.calls import action_of
from permissions.catalogue import FOLDER, written
from permissions.model import PURPOSES, Permissions
from permissions.needs import Asked
from permissions.policies import LIMIT, size
from rehearsal.stacks import stack_names
from tests.conftest import ACCOUNT, REGION, ROOT
from tests.iam import allowed, listed

STACKS = stack_names(ROOT)
Statement = Mapping[str, Any]
OfStack = Callable[[str], Permissions]
ReportOf = Callable[[str], dict[str, Any]]

ATTACHED = 10
"""Managed policies that a role may have, unless AWS is asked for more."""

NAMED_BY_CALLS = {
    ("dynamodb", "TableName"): "arn:aws:dynamodb:{region}:{account}:table/{value}",
    ("ecr", "repositoryName"): "arn:aws:ecr:{region}:{account}:repository/{value}",
    ("iam", "RoleName"): "arn:aws:iam::{account}:role/{value}",
    ("lambda", "FunctionName"): "arn:aws:lambda:{region}:{account}:function:{value}",
    ("logs", "logGroupName"): "arn:aws:logs:{region}:{account}:log-group:{value}",
    ("s3", "Bucket"): "arn:aws:s3:::{value}",
    ("sns", "TopicArn"): "{value}",
    ("sqs", "QueueName"): "arn:aws:sqs:{region}:{account}:{value}",
    ("ssm", "Name"): "arn:aws:ssm:{region}:{account}:parameter{value}",
}
"""What a call is about by its own words, whatever the permissions take it for."""


def statements(found: Permissions, purpose: Any = "up") -> list[Statement]:
    return [one for document in found.documents(purpose) for one in document["Statement"]]


def may(held: list[Statement], asked: Asked) -> list[int]:
    """Which of the statements allow a request, judged by the tests' own reading of IAM."""
    keys = {key.replace(":", "__"): value for key, value in asked.context.items()}
    return [
        position
        for position, one in enumerate(held)
        if asked.action in listed(one["Action"])
        and allowed([{"Statement": [one]}], asked.action, asked.resource, **keys)
    ]


def distinct(found: Permissions) -> list[Asked]:
    every = {(one.action, one.resource, json.dumps(one.context, sort_keys=True)): one for one in found.asked}
    return list(every.values())


@pytest.mark.parametrize("name", STACKS)
def test_every_recorded_call_is_allowed_and_no_statement_is_idle(name: str, of_stack: OfStack) -> None:
    found = of_stack(name)
    held = statements(found)
    alone: set[int] = set()
    for asked in distinct(found):
        by = may(held, asked)
        assert by, f"{asked.call} needs {asked.action} on {asked.resource} with {dict(asked.context)}"
        if len(by) == 1:
            alone.add(by[0])
    idle = [one["Sid"] for position, one in enumerate(held) if position not in alone]
    assert idle == [], "without these statements every recorded call would be allowed still"


@pytest.mark.parametrize("name", STACKS)
def test_what_a_call_says_it_is_about_is_allowed(name: str, of_stack: OfStack, report_of: ReportOf) -> None:
    held, judged = statements(of_stack(name)), 0
    for resource in report_of(name)["resources"]:
        for call in resource["calls"]:
            action = action_of(call["service"], call["operation"])
            assert action is not None, call
            for (service, member), form in NAMED_BY_CALLS.items():
                value = call["about"].get(member)
                if service != call["service"] or value is None or value.startswith("arn:") != (form == "{value}"):
                    continue
                if service == "ssm" and not value.startswith("/"):
                    # A document.
                    continue
                if service == "s3" and "Key" in call["about"]:
                    value = f"{value}/{call['about']['Key']}"
                if value.startswith("AWSServiceRole"):
                    # IAM's own path lies between.
                    continue
                arn = form.format(region=call["region"], account=ACCOUNT, value=value)
                asked = Asked(action, arn, {"aws:RequestedRegion": call["region"]}, call["operation"])
                assert may(held, asked), f"{call['operation']} of {resource['name']}: {action} on {arn}"
                judged += 1
    assert judged > 5


@pytest.mark.parametrize("name", STACKS)
def test_a_preview_writes_nothing_and_each_policy_fits(name: str, of_stack: OfStack) -> None:
    found = of_stack(name)
    assert [one for one in found.actions("preview") if actions.level(one) not in ("Read", "List")] == []
    for purpose in PURPOSES:
        documents = found.documents(purpose)
        assert 0 < len(documents) <= ATTACHED
        assert all(size(one) <= LIMIT for one in documents)
        for document in documents:
            patterns = [one for each in document["Statement"] for one in listed(each["Resource"])]
            # IAM refuses a pattern for a service: MalformedPolicyDocument.
            assert [one for one in patterns if one != "*" and "*" in one.split(":")[2]] == []
            sids = [one["Sid"] for one in document["Statement"]]
            assert all(sid.isalnum() for sid in sids)
            assert len(set(sids)) == len(sids)
    unknown = [one for purpose in PURPOSES for one in found.actions(purpose) if actions.spelt(one) != one]
    assert unknown == []


@pytest.mark.parametrize("name", STACKS)
def test_no_policy_leads_to_more_rights_on_every_resource(name: str, of_stack: OfStack) -> None:
    found = of_stack(name)
    for purpose in PURPOSES:
        together = PolicyDocument({"Version": "2012-10-17", "Statement": statements(found, purpose)})
        assert together.allows_privilege_escalation == []
        assert together.credentials_exposure == []
        assert together.allows_data_exfiltration_actions == []


def keys_of(action: str, patterns: list[str]) -> set[str]:
    """The condition keys that AWS lists for an action, and for what it is about."""
    prefix, _, name = action.partition(":")
    data: Any = get_service_prefix_data(prefix)
    found: set[str] = set()
    for kind, row in data["privileges"][name]["resource_types"].items():
        listed_type = data["resources"].get(kind)
        if listed_type is None or any(actions.fits(listed_type["arn"], one.replace("*", "x")) for one in patterns):
            found |= {*row["condition_keys"], *((listed_type or {}).get("condition_keys", ()))}
    return found


@pytest.mark.parametrize("name", STACKS)
def test_every_condition_is_one_that_the_action_knows(name: str, of_stack: OfStack) -> None:
    found = of_stack(name)
    for purpose in PURPOSES:
        for one in statements(found, purpose):
            keys = {key for tests in one.get("Condition", {}).values() for key in tests}
            for action in listed(one["Action"]):
                known = keys_of(action, listed(one["Resource"]))
                for key in keys - {"aws:RequestedRegion"}:
                    general = re.sub(r"^(aws:(?:Request|Resource)Tag)/.+", r"\1/${TagKey}", key)
                    assert general in known, f"{action} never matches under {key}"


@pytest.mark.parametrize("name", STACKS)
def test_what_aws_can_narrow_is_narrowed(name: str, of_stack: OfStack) -> None:
    found = of_stack(name)
    wide = {
        action
        for purpose in PURPOSES
        for one in statements(found, purpose)
        if "*" in listed(one["Resource"])
        for action in listed(one["Action"])
        if actions.rows(action) and not actions.only_reads(action)
    }
    assert wide == set()
    everybodys = {
        f"{action} on {pattern}"
        for one in statements(found, "up")
        for action in listed(one["Action"])
        for pattern in listed(one["Resource"])
        if action.startswith("iam:") and re.fullmatch(r"arn:[\w-]+:iam::\d+:[\w-]+/\*", pattern)
    }
    assert everybodys == set()


def roles(report: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Each role of a stack, and the services that it trusts."""
    for one in report["resources"]:
        if one["type"] == "aws:iam/role:Role":
            trust = json.loads(one["inputs"]["assumeRolePolicy"])
            services = {
                service
                for statement in trust["Statement"]
                for service in listed(statement["Principal"].get("Service", []))
            }
            yield one["outputs"]["arn"], services


@pytest.mark.parametrize("name", STACKS)
def test_roles_go_to_the_services_that_they_trust_and_to_no_other(
    name: str, of_stack: OfStack, report_of: ReportOf
) -> None:
    held = statements(of_stack(name))
    every = dict(roles(report_of(name)))
    services = {service for trusted in every.values() for service in trusted} | {"ec2.amazonaws.com"}
    for role, trusted in every.items():
        for service in services - trusted:
            assert not may(held, Asked("iam:PassRole", role, {"iam:PassedToService": service}, ""))
        assert not may(held, Asked("iam:PassRole", role, {}, ""))
    for service in services:
        for arn in (f"arn:aws:iam::{ACCOUNT}:role/admin", f"arn:aws:iam::{ACCOUNT}:role/kumiki-dev-new-role"):
            assert not may(held, Asked("iam:PassRole", arn, {"iam:PassedToService": service}, ""))


@pytest.mark.parametrize("name", STACKS)
def test_what_is_written_of_a_stack_is_what_it_needs(name: str, of_stack: OfStack) -> None:
    file = FOLDER / f"{name}.json"
    assert file.read_text(encoding="utf-8") == written(of_stack(name)), "stale: run `make docs-permissions`"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stack_of_deployers_gives_each_role_what_was_worked_out(stack: str, report_of: ReportOf) -> None:
    known = json.loads((FOLDER / f"{stack}.json").read_text(encoding="utf-8"))["up"]
    made = [
        json.loads(one["inputs"]["policy"])
        for one in report_of("deployers")["resources"]
        if one["name"].startswith(f"kumiki-deployers-prod-{stack}-policy-") and one["type"].endswith(":Policy")
    ]
    assert made == known


def test_what_belongs_to_others_is_refused(of_stack: OfStack) -> None:
    held, region = statements(of_stack("dev")), {"aws:RequestedRegion": REGION}
    here = f"{REGION}:{ACCOUNT}"
    others = {"aws:ResourceTag/Project": "shop", "aws:ResourceTag/Environment": "dev"}
    for action, arn in (
        ("s3:PutBucketPolicy", "arn:aws:s3:::shop-dev-files"),
        ("s3:GetObject", "arn:aws:s3:::kumiki-dev-audit-bucket-1234567/a-file"),
        ("sqs:DeleteQueue", f"arn:aws:sqs:{here}:shop-dev-jobs"),
        ("sqs:SetQueueAttributes", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:kumiki-dev-jobs"),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/infrastructure-kumiki-dev"),
        ("iam:TagRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/kumiki-dev-person"),
        ("ssm:GetParameter", f"arn:aws:ssm:{here}:parameter/kumiki/prod/api/image-tag"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{here}:secret:kumiki-dev-other-AbCdEf"),
        ("kms:PutKeyPolicy", f"arn:aws:kms:{here}:key/1"),
        ("kms:Decrypt", f"arn:aws:kms:{here}:key/1"),
        ("ec2:DeleteVpc", f"arn:aws:ec2:{here}:vpc/vpc-1"),
        ("ec2:ModifySubnetAttribute", f"arn:aws:ec2:{here}:subnet/subnet-1"),
    ):
        for context in (region, {**region, **others}):
            assert not may(held, Asked(action, arn, context, "")), (action, arn)
    assert not may(held, Asked("ec2:DescribeVpcs", "*", {"aws:RequestedRegion": "eu-west-1"}, ""))
    assert not may(held, Asked("kms:CreateKey", "*", region, "")), "a key without the stack's tags"


def test_a_host_is_started_with_a_volume_and_an_interface_that_carry_no_tags_yet(of_stack: OfStack) -> None:
    held, here = statements(of_stack("free-tier")), f"{REGION}:{ACCOUNT}"
    for kind in ("volume/vol-1", "network-interface/eni-1"):
        asked = Asked("ec2:RunInstances", f"arn:aws:ec2:{here}:{kind}", {"aws:RequestedRegion": REGION}, "")
        assert may(held, asked), kind
    instance = Asked("ec2:RunInstances", f"arn:aws:ec2:{here}:instance/i-1", {"aws:RequestedRegion": REGION}, "")
    assert not may(held, instance), "an instance without the stack's tags"


def test_an_update_deletes_nothing_that_keeps_data_and_a_destruction_does(of_stack: OfStack) -> None:
    found = of_stack("dev")
    kept = {
        "dynamodb:DeleteTable",
        "ecr:DeleteRepository",
        "kms:ScheduleKeyDeletion",
        "logs:DeleteLogGroup",
        "rds:DeleteDBCluster",
        "s3:DeleteBucket",
        "secretsmanager:DeleteSecret",
        "sqs:DeleteQueue",
    }
    assert not kept & set(found.actions("up"))
    assert kept <= set(found.actions("destroy"))
    assert "sns:DeleteTopic" in found.actions("up"), "what is replaced goes"
    assert not {"iam:CreateRole", "sqs:CreateQueue", "ec2:CreateVpc"} & set(found.actions("destroy"))
