"""What of the audit trail rings: the patterns against records as CloudTrail writes them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from components.alarms import AlarmTopics
from components.data.bucket import Bucket, BucketArgs
from components.identity.key import ExistingKey
from components.operations.account_baseline import AccountBaseline, AccountBaselineArgs
from components.operations.trail_alarms import WATCHED
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed

NAME = "wiki-prod-baseline"
TOPICS = AlarmTopics(critical="critical", warning="warning")
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{NAME}"
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/cloudtrail/{NAME}"


def build(recorder: Recorder, **changes: Any) -> Recorder:
    skip: dict[str, Any] = {"guard_duty": "skip", "config": "skip", "access_analyzer": "skip"}
    args = AccountBaselineArgs(**{**skip, "trail_logs": True, **changes})

    def program() -> None:
        audit, key = Bucket("wiki-prod-audit", BucketArgs()), ExistingKey(arn="arn:aws:kms:::key/logs")
        AccountBaseline(NAME, args, trail_bucket=audit, logs_key=key).alarms(TOPICS)

    return recorder.run(program)


def found(record: dict[str, Any], path: str) -> Any:
    for step in path.split("."):
        record = record.get(step) if isinstance(record, dict) else None  # pyright: ignore[reportAssignmentType]
    return record


TERM = re.compile(r'\$\.([\w.]+) (?:(NOT EXISTS)|(!?=) "([^"]*)")')


def matches(pattern: str, record: dict[str, Any]) -> bool:
    """As CloudWatch judges a record by a pattern: terms with `=`, `!=`, `NOT EXISTS` and `*`, joined by && and ||."""

    def judged(term: re.Match[str]) -> str:
        path, missing, operator, value = term.groups()
        given = found(record, path)
        if missing:
            return str(given is None)
        # A term on a field that is not there is not met, whatever its operator.
        return str(given is not None and fnmatchcase(str(given), value) == (operator == "="))

    text = TERM.sub(judged, pattern.strip("{} ")).replace("&&", "and").replace("||", "or")
    assert re.fullmatch(r"(True|False|and|or|[() ])+", text), f"the test does not know {text}"
    return bool(eval(text))  # noqa: S307 nothing but what the line above admits


def told(record: dict[str, Any]) -> set[str]:
    return {each.name for each in WATCHED if matches(each.pattern, record)}


def event(name: str, service: str = "iam", **more: Any) -> dict[str, Any]:
    return {
        "eventName": name, "eventSource": f"{service}.amazonaws.com", "eventType": "AwsApiCall",
        "userIdentity": {"type": "AssumedRole"}, **more,
    }  # fmt: skip


def sign_in(mfa: str, result: str = "Success", kind: str = "IAMUser", **more: Any) -> dict[str, Any]:
    return event(
        "ConsoleLogin", "signin", userIdentity={"type": kind}, additionalEventData={"MFAUsed": mfa},
        responseElements={"ConsoleLogin": result}, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("record", "names"),
    [
        (event("DescribeVpcs", "ec2"), set()),
        (event("CreateUser", userIdentity={"type": "Root"}), {"root-use"}),
        # AWS itself, on behalf of the account.
        (event("Decrypt", "kms", userIdentity={"type": "Root", "invokedBy": "backup.amazonaws.com"}), set()),
        (event("CreateUser", userIdentity={"type": "Root"}, eventType="AwsServiceEvent"), set()),
        (sign_in("No"), {"sign-in-without-mfa"}),
        (sign_in("Yes"), set()),
        # Whoever comes by single sign-on has shown it there.
        (sign_in("No", kind="AssumedRole"), set()),
        (sign_in("No", "Failure", errorMessage="Failed authentication"), {"refused-sign-ins"}),
        (event("GetObject", "s3", errorCode="AccessDenied"), {"refused-calls"}),
        (event("RunInstances", "ec2", errorCode="Client.UnauthorizedOperation"), {"refused-calls"}),
        (event("GetObject", "s3", errorCode="NoSuchKey"), set()),
        (event("StopLogging", "cloudtrail"), {"trail-changes"}),
        (event("StopConfigurationRecorder", "config"), {"config-changes"}),
        (event("ScheduleKeyDeletion", "kms"), {"keys-disabled"}),
        (event("CancelKeyDeletion", "kms"), set()),
        (event("AttachRolePolicy"), {"policy-changes"}),
        (event("DeleteUserPolicy"), {"policy-changes"}),
        (event("PutBucketPolicy", "s3"), {"bucket-policy-changes"}),
        (event("AuthorizeSecurityGroupIngress", "ec2"), {"security-group-changes"}),
        (event("ReplaceNetworkAclEntry", "ec2"), {"network-acl-changes"}),
        (event("AttachInternetGateway", "ec2"), {"gateway-changes"}),
        (event("CreateRoute", "ec2"), {"route-changes"}),
        # A route of API Gateway's has the same name.
        (event("CreateRoute", "apigateway"), set()),
        (event("CreateVpcPeeringConnection", "ec2"), {"network-changes"}),
    ],
)
def test_what_rings(record: dict[str, Any], names: set[str]) -> None:
    assert told(record) == names


def test_patterns_are_no_longer_than_cloudwatch_takes() -> None:
    assert all(len(each.pattern) <= 1024 for each in WATCHED)


def test_each_kind_has_its_metric_and_its_alarm_on_the_trails_own_group(recorder: Recorder) -> None:
    build(recorder)
    filters = {each.inputs["metricTransformation"]["name"]: each.inputs for each in recorder.of(":LogMetricFilter")}
    alarms = {each.inputs["metricName"]: each.inputs for each in recorder.of(":MetricAlarm")}
    assert set(filters) == {f"{NAME}-{each.name}" for each in WATCHED}
    assert set(alarms) == {*filters, "IncomingLogEvents"}
    assert {each["logGroupName"] for each in filters.values()} == {f"/aws/cloudtrail/{NAME}"}
    assert alarms[f"{NAME}-root-use"]["alarmActions"] == ["critical"]
    assert alarms[f"{NAME}-policy-changes"]["alarmActions"] == ["warning"]
    silent = alarms["IncomingLogEvents"]
    assert (silent["treatMissingData"], silent["alarmActions"]) == ("breaching", ["critical"])


def test_cloudtrail_may_write_its_own_streams_of_this_group_and_nothing_more(recorder: Recorder) -> None:
    trail = build(recorder).one(":Trail")
    assert trail.inputs["cloudWatchLogsGroupArn"] == f"{GROUP}:*"
    assert recorder.one(":LogGroup").inputs["kmsKeyId"] == "arn:aws:kms:::key/logs"
    policy = recorder.one(":RolePolicy")
    assert policy.urn in trail.dependencies, "CloudTrail tries it when the trail is made"
    may = [policy.policy()]
    own = f"{GROUP}:log-stream:{ACCOUNT}_CloudTrail_{REGION}"
    assert allowed(may, "logs:PutLogEvents", own)
    assert allowed(may, "logs:CreateLogStream", own)
    assert not allowed(may, "logs:PutLogEvents", f"{GROUP}:log-stream:other")
    assert not allowed(may, "logs:DeleteLogStream", own)
    (trusted,) = recorder.one(":Role").policy("assumeRolePolicy")["Statement"]
    assert trusted["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert trusted["Condition"]["ArnLikeIfExists"] == {"aws:SourceArn": TRAIL}


def test_without_the_switch_the_trail_goes_to_its_bucket_only(recorder: Recorder) -> None:
    build(recorder, trail_logs=False)
    made = {each.type for each in recorder.resources if each.custom and not each.type.startswith("aws:s3/")}
    assert made == {"aws:cloudtrail/trail:Trail"}
