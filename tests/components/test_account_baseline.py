"""What an account gets, and what is left to others."""

from __future__ import annotations

from typing import Any

import pytest
from moto.events.models import EventPattern

from components.alarms import AlarmTopics
from components.data.bucket import Bucket, BucketArgs
from components.errors import ArgumentError
from components.operations.account_baseline import AccountBaseline, AccountBaselineArgs
from tests.conftest import ACCOUNT, Recorder

TOPICS = AlarmTopics(critical="critical", warning="warning")
NAME = "wiki-dev-baseline"
WAYS: dict[str, Any] = {"guard_duty": "skip", "config": "skip", "trail": "skip", "access_analyzer": "skip"}


def baseline(**args: Any) -> AccountBaseline:
    buckets: dict[str, Any] = {
        f"{kept}_bucket": Bucket(f"wiki-dev-{kept}", BucketArgs()) for kept in ("config", "trail")
    }
    return AccountBaseline(NAME, AccountBaselineArgs(**args), **buckets)


def kinds(recorder: Recorder, **args: Any) -> set[str]:
    recorder.run(lambda: baseline(**args))
    made = [each for each in recorder.resources if each.custom and not each.type.startswith("aws:s3/")]
    return {each.type.rpartition(":")[2] for each in made}


@pytest.mark.parametrize(
    ("part", "made"),
    [
        ("guard_duty", {"Detector", "DetectorFeature"}),
        ("config", {"ServiceLinkedRole", "Recorder", "DeliveryChannel", "RecorderStatus", "Rule"}),
        ("trail", {"Trail"}),
        ("access_analyzer", {"Analyzer"}),
    ],
)
def test_each_part_is_created_alone_and_nothing_more(part: str, made: set[str], recorder: Recorder) -> None:
    assert kinds(recorder, **{**WAYS, part: "create"}) == made


@pytest.mark.parametrize(("part", "made"), [("guard_duty", set()), ("config", {"Rule"}), ("trail", set())])
def test_what_is_adopted_is_not_made_again(part: str, made: set[str], recorder: Recorder) -> None:
    assert kinds(recorder, **{**WAYS, part: "adopt"}) == made


def test_the_recorder_adopts_the_role_that_aws_config_has_in_the_account(recorder: Recorder) -> None:
    assert "ServiceLinkedRole" not in kinds(recorder, config_role="adopt")
    assert recorder.one(":Recorder").inputs["roleArn"] == (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    )


def test_the_recorder_starts_after_its_channel_and_rules_after_both(recorder: Recorder) -> None:
    kinds(recorder)
    assert recorder.one(":Recorder").urn in recorder.one(":DeliveryChannel").dependencies
    assert recorder.one(":DeliveryChannel").urn in recorder.one(":RecorderStatus").dependencies
    assert all(recorder.one(":RecorderStatus").urn in rule.dependencies for rule in recorder.of("rule:Rule"))


def heard(recorder: Recorder, source: str, kind: str, detail: dict[str, Any], **args: Any) -> list[str]:
    """The topics that hear of an event."""
    recorder.run(lambda: baseline(**args).alarms(TOPICS))
    event: Any = {"source": source, "detail-type": kind, "detail": detail}
    topics = {target.inputs["rule"]: target.inputs["arn"] for target in recorder.of(":EventTarget")}
    patterns = {rule.inputs["name"]: rule.inputs["eventPattern"] for rule in recorder.of(":EventRule")}
    assert set(topics) == set(patterns)
    return sorted(topics[name] for name, text in patterns.items() if EventPattern.load(text).matches_event(event))


@pytest.mark.covers("A11", "A14")
@pytest.mark.parametrize(
    ("severity", "topics"),
    [(1, []), (3.9, []), (4, ["warning"]), (6.9, ["warning"]), (7, ["critical"]), (9.5, ["critical"])],
)
def test_people_hear_of_what_guardduty_finds_as_grave_as_it_is(
    severity: float, topics: list[str], recorder: Recorder
) -> None:
    finding = {"severity": severity, "type": "UnauthorizedAccess:IAMUser/ConsoleLogin"}
    assert heard(recorder, "aws.guardduty", "GuardDuty Finding", finding) == topics


@pytest.mark.covers("A11", "A14")
@pytest.mark.parametrize(
    ("rule", "now", "topics"),
    [
        (f"{NAME}-rds-storage-encrypted", "NON_COMPLIANT", ["warning"]),
        (f"{NAME}-rds-storage-encrypted", "COMPLIANT", []),
        ("another-stacks-rule", "NON_COMPLIANT", []),
    ],
)
def test_people_hear_of_what_no_longer_keeps_a_rule_of_this_stack(
    rule: str, now: str, topics: list[str], recorder: Recorder
) -> None:
    change = {
        "messageType": "ComplianceChangeNotification",
        "configRuleName": rule,
        "newEvaluationResult": {"complianceType": now},
    }
    assert heard(recorder, "aws.config", "Config Rules Compliance Change", change) == topics


def test_every_feature_of_guardduty_is_written_down_on_or_off(recorder: Recorder) -> None:
    kinds(recorder, **{**WAYS, "guard_duty": "create"}, guard_duty_features=["LAMBDA_NETWORK_LOGS"])
    states = {each.inputs["name"]: each.inputs["status"] for each in recorder.of(":DetectorFeature")}
    # What AWS switches on by itself in a new detector: all optional features but RUNTIME_MONITORING.
    assert states == {
        "EBS_MALWARE_PROTECTION": "DISABLED", "EKS_AUDIT_LOGS": "DISABLED", "LAMBDA_NETWORK_LOGS": "ENABLED",
        "RDS_LOGIN_EVENTS": "DISABLED", "S3_DATA_EVENTS": "DISABLED",
    }  # fmt: skip


def test_what_is_skipped_is_not_listened_to(recorder: Recorder) -> None:
    assert heard(recorder, "aws.guardduty", "GuardDuty Finding", {"severity": 9}, **WAYS) == []
    assert recorder.of(":EventRule") == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"guard_duty": "yes"}, "guard_duty: 'yes' is not allowed; use create, adopt or skip"),
        (
            {"guard_duty_features": ["S3_DATA_EVENT"]},
            r"guard_duty_features\[0\]: 'S3_DATA_EVENT' is not allowed; did you mean 'S3_DATA_EVENTS'",
        ),
        ({"config_rules": ["tls"]}, r"config_rules\[0\]: 'tls' is not allowed; write the identifier"),
        ({"config_rules": ["A_RULE", "A_RULE"]}, "has a rule twice"),
        (
            {"trail": "adopt", "trail_logs": True},
            "trail_logs: True is for a trail that is made here, and trail is adopt",
        ),
    ],
)
def test_what_cannot_be_is_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        AccountBaselineArgs(**args)


@pytest.mark.parametrize("part", ["config", "trail"])
def test_what_is_recorded_needs_a_bucket(part: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=f"{part}: 'create' needs a bucket; give {part}_bucket"):
        recorder.run(lambda: AccountBaseline(NAME, AccountBaselineArgs(**{**WAYS, part: "create"})))
