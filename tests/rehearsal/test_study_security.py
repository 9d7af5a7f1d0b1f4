"""What keeps the study tracker's data to itself, on the stacks as they were deployed in the rehearsal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.iam import listed
from tests.rehearsal.conftest import Rehearsed

STACKS = ("study-dev", "study-prod")

Stack = Callable[[str], Rehearsed]
both = pytest.mark.parametrize("name", STACKS)

# Questions that AWS asks without a resource, and the services that know none.
UNBOUND = {
    "cloudwatch:DescribeAlarms", "inspector-scan:ScanSbom", "tag:GetResources",
    "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
}  # fmt: skip


def of(stack: Rehearsed, type_: str) -> list[dict[str, Any]]:
    return [one for one in stack.report["resources"] if one["type"].endswith(type_) and one["custom"]]


def rights(stack: Rehearsed) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in of(stack, ":RolePolicy"):
        for statement in json.loads(one["inputs"]["policy"])["Statement"]:
            yield one["name"], statement


@pytest.mark.covers("C9")
@both
def test_every_right_is_of_named_actions_on_named_resources(name: str, rehearsed: Stack) -> None:
    seen = 0
    for role, statement in rights(rehearsed(name)):
        seen += 1
        actions = listed(statement["Action"])
        assert not [action for action in actions if action.endswith("*")], role
        if "*" in listed(statement["Resource"]):
            assert set(actions) <= UNBOUND, (role, actions)
    assert seen > 10


@pytest.mark.covers("C9")
@both
def test_every_role_is_taken_by_one_service_or_by_the_jobs_of_one_environment(name: str, rehearsed: Stack) -> None:
    for one in of(rehearsed(name), "iam/role:Role"):
        for statement in json.loads(one["inputs"]["assumeRolePolicy"])["Statement"]:
            [(kind, principal)] = statement["Principal"].items()
            assert kind in ("Service", "Federated"), one["name"]
            assert principal != "*"
            # Lambda takes a role of the function's own account only.
            assert principal == "lambda.amazonaws.com" or statement["Condition"], one["name"]


@pytest.mark.covers("C9")
@both
def test_every_bucket_is_encrypted_closed_and_refuses_plain_http(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    buckets = {one["id"] for one in of(stack, "s3/bucket:Bucket")}
    assert len(buckets) >= 3
    encrypted = {one["inputs"]["bucket"] for one in of(stack, ":BucketServerSideEncryptionConfiguration")}
    closed = {
        one["inputs"]["bucket"]
        for one in of(stack, ":BucketPublicAccessBlock")
        if all(one["inputs"][key] for key in
               ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"))
    }  # fmt: skip
    by_tls = {
        one["inputs"]["bucket"]
        for one in of(stack, ":BucketPolicy")
        for statement in json.loads(one["inputs"]["policy"])["Statement"]
        if statement["Effect"] == "Deny"
        and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
    }
    assert encrypted == closed == by_tls == buckets


@pytest.mark.covers("C9")
def test_in_prod_all_that_is_kept_is_encrypted_with_keys_of_our_own(rehearsed: Stack) -> None:
    stack = rehearsed("study-prod")
    keys = {one["outputs"]["arn"] for one in of(stack, "kms/key:Key")}
    kept = {
        "dynamodb/table:Table": lambda one: one["serverSideEncryption"]["kmsKeyArn"],
        "cloudwatch/logGroup:LogGroup": lambda one: one["kmsKeyId"],
        "secretsmanager/secret:Secret": lambda one: one["kmsKeyId"],
        "sns/topic:Topic": lambda one: one["kmsMasterKeyId"],
        "backup/vault:Vault": lambda one: one["kmsKeyArn"],
        "lambda/function:Function": lambda one: one["kmsKeyArn"],
    }
    for type_, key_of in kept.items():
        found = of(stack, type_)
        assert found, type_
        assert {key_of(one["inputs"]) for one in found} <= keys, type_
    assert all(one["inputs"]["enableKeyRotation"] for one in of(stack, "kms/key:Key"))


@pytest.mark.covers("C9")
@both
def test_browsers_come_by_tls_1_2_and_learn_to_come_by_nothing_else(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    site = stack.resource(f"{name}-site-distribution")["inputs"]
    assert site["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
    behaviours = [site["defaultCacheBehavior"], *site["orderedCacheBehaviors"]]
    assert {one["viewerProtocolPolicy"] for one in behaviours} <= {"redirect-to-https", "https-only"}
    origins = [
        one["customOriginConfig"]["originProtocolPolicy"] for one in site["origins"] if "customOriginConfig" in one
    ]
    assert origins == ["https-only"]
    headers = stack.resource(f"{name}-site-headers-policy")["inputs"]["securityHeadersConfig"]
    assert headers["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31_536_000


@pytest.mark.covers("C9")
def test_in_prod_the_firewall_knows_common_attacks_and_limits_each_address(rehearsed: Stack) -> None:
    acl = rehearsed("study-prod").resource("study-prod-site-firewall-web-acl")["inputs"]
    managed = {
        rule["statement"]["managedRuleGroupStatement"]["name"]
        for rule in acl["rules"]
        if "managedRuleGroupStatement" in rule["statement"]
    }
    assert {"AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"} <= managed
    [limit] = [rule for rule in acl["rules"] if "rateBasedStatement" in rule["statement"]]
    assert limit["statement"]["rateBasedStatement"]["limit"] == 2000
    assert "block" in limit["action"]
    assert not [rule for rule in acl["rules"] if "count" in rule.get("overrideAction", {})]
