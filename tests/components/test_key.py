"""Who may use a key, and for what."""

from __future__ import annotations

from typing import Any

import pulumi_aws as aws
import pytest

from components.errors import ArgumentError
from components.identity.key import Key, KeyArgs, ServiceUse
from tests.conftest import ACCOUNT, REGION, Recorder

NAME = "wiki-dev-logs"


def statements(recorder: Recorder, *services: ServiceUse, **args: Any) -> list[dict[str, Any]]:
    recorder.run(lambda: Key(NAME, KeyArgs(description="Logs", **args), services=services))
    return recorder.one("key:Key").policy()["Statement"]


def test_a_key_rotates_and_its_account_decides_who_uses_it(recorder: Recorder) -> None:
    [only] = statements(recorder)
    assert only["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert recorder.one("key:Key").inputs["enableKeyRotation"] is True
    assert recorder.one(":Alias").inputs["name"] == f"alias/{NAME}"


def test_cloudwatch_logs_may_use_it_for_the_named_groups_of_this_account_only(recorder: Recorder) -> None:
    logs = statements(recorder, log_groups=["/aws/vpc-flow-logs/wiki-dev-network"])[1]
    assert logs["Principal"] == {"Service": f"logs.{REGION}.amazonaws.com"}
    assert logs["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": [
                f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/vpc-flow-logs/wiki-dev-network"
            ]
        }
    }
    assert "kms:*" not in logs["Action"]


def test_a_service_may_use_it_only_on_behalf_of_the_named_resource(recorder: Recorder) -> None:
    source = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"
    service = statements(recorder, ServiceUse(principal="cloudwatch.amazonaws.com", source_arn=source))[1]
    assert service["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert service["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": source},
    }


def test_nobody_outside_is_ever_admitted_without_a_condition(recorder: Recorder) -> None:
    sns = ServiceUse(principal="sns.amazonaws.com", source_arn="arn:aws:sns:::x")
    for each in statements(recorder, sns, log_groups=["/x"]):
        assert each["Principal"] != "*"
        assert "Condition" in each or each["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


@pytest.mark.parametrize(
    ("verb", "may", "may_not"),
    [("encrypt", "kms:GenerateDataKey", "kms:Decrypt"), ("decrypt", "kms:Decrypt", "kms:Encrypt")],
)
def test_a_grant_allows_its_verb_and_nothing_more(verb: str, may: str, may_not: str, recorder: Recorder) -> None:
    def program() -> None:
        role = aws.iam.Role("wiki-dev-api-role", assume_role_policy="{}")
        getattr(Key(NAME, KeyArgs(description="Logs")), f"grant_{verb}")(role)

    [permission] = recorder.run(program).one(":RolePolicy").policy()["Statement"]
    assert may in permission["Action"]
    assert may_not not in permission["Action"]
    assert not any("*" in action for action in permission["Action"])
    assert permission["Resource"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:Key/{NAME}-key"


@pytest.mark.parametrize(("retention", "protect", "days"), [("protected", True, 30), ("ephemeral", False, 7)])
def test_retention_decides_how_hard_a_key_is_to_lose(
    retention: str, protect: bool, days: int, recorder: Recorder
) -> None:
    statements(recorder, retention=retention)
    key = recorder.one("key:Key")
    assert key.protect is protect
    assert key.inputs["deletionWindowInDays"] == days


def test_a_key_for_a_replica_lives_in_its_region_and_serves_its_logs(recorder: Recorder) -> None:
    logs = statements(recorder, region="ap-northeast-3", log_groups=["/x"])[1]
    assert recorder.one("key:Key").inputs["region"] == "ap-northeast-3"
    assert recorder.one(":Alias").inputs["region"] == "ap-northeast-3"
    assert logs["Principal"] == {"Service": "logs.ap-northeast-3.amazonaws.com"}


@pytest.mark.parametrize(
    ("args", "part"),
    [
        ({"rotation_days": 30}, "rotation_days: 30 is not allowed; use 90 to 2560"),
        ({"rotation_days": 3000}, "use 90 to 2560"),
        ({"log_groups": ["*"]}, "would admit every log group"),
    ],
)
def test_a_key_that_is_too_open_or_cannot_be_is_refused(args: dict[str, Any], part: str) -> None:
    with pytest.raises(ArgumentError, match=part):
        KeyArgs(description="Logs", **args)


def test_a_service_principal_must_be_one() -> None:
    with pytest.raises(ArgumentError, match="is not an AWS service"):
        ServiceUse(principal="*", source_arn="x")
