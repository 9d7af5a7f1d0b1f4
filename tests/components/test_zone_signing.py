"""A signed zone: who may use its key, what is made and deleted before what, and who hears when it fails."""

from __future__ import annotations

from typing import Any

import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.edge.dns import Zone, ZoneArgs
from components.edge.zone_signing import ZoneSigning, ZoneSigningArgs
from tests.conftest import ACCOUNT, Recorder

TOPICS = AlarmTopics(critical="arn:critical", warning="arn:warning")
SERVICE = {"Service": "dnssec-route53.amazonaws.com"}


def signing(**changes: Any) -> ZoneSigning:
    zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com", existing_id="Z123"))
    return ZoneSigning("wiki-dev-dnssec", ZoneSigningArgs(**changes), zone=zone, topics=TOPICS)


def sign(recorder: Recorder, **changes: Any) -> Recorder:
    return recorder.run(lambda: signing(**changes))


def test_the_key_is_of_the_kind_and_in_the_region_that_route_53_takes(recorder: Recorder) -> None:
    key = sign(recorder).one("kms/key:Key").inputs
    assert (key["region"], key["customerMasterKeySpec"], key["keyUsage"]) == (
        "us-east-1",
        "ECC_NIST_P256",
        "SIGN_VERIFY",
    )
    assert "enableKeyRotation" not in key
    assert recorder.one("kms/alias:Alias").inputs["region"] == "us-east-1"


def test_route_53_signs_for_this_zone_alone_and_makes_grants_for_aws_alone(recorder: Recorder) -> None:
    own, signs, grants = sign(recorder).one("kms/key:Key").policy()["Statement"]
    assert own["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert (signs["Principal"], signs["Action"]) == (SERVICE, ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"])
    assert signs["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": "arn:aws:route53:::hostedzone/Z123"},
    }
    assert (grants["Principal"], grants["Action"]) == (SERVICE, "kms:CreateGrant")
    assert grants["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_signing_begins_after_its_key_is_active_and_ends_before_it(recorder: Recorder) -> None:
    signing_key, signed = sign(recorder).one("KeySigningKey"), recorder.one("HostedZoneDnsSec")
    assert signing_key.inputs["status"] == "ACTIVE"
    assert (
        signing_key.inputs["keyManagementServiceArn"] == f"arn:aws:kms:ap-northeast-1:{ACCOUNT}:Key/wiki-dev-dnssec-key"
    )
    # Route 53 takes no hyphens here.
    assert signing_key.inputs["name"] == "wiki_dev_dnssec"
    assert signed.inputs["hostedZoneId"] == signing_key.inputs["hostedZoneId"] == "Z123"
    assert signing_key.urn in signed.dependencies


def test_two_alarms_ring_in_us_east_1_and_hold_until_the_next_value(recorder: Recorder) -> None:
    alarms = [each.inputs for each in sign(recorder).of(":MetricAlarm")]
    assert {each["metricName"] for each in alarms} == {"DNSSECInternalFailure", "DNSSECKeySigningKeysNeedingAction"}
    for alarm in alarms:
        assert (alarm["namespace"], alarm["dimensions"]) == ("AWS/Route53", {"HostedZoneId": "Z123"})
        assert (alarm["statistic"], alarm["threshold"], alarm["comparisonOperator"]) == (
            "Sum",
            0,
            "GreaterThanThreshold",
        )
        assert (alarm["region"], alarm["treatMissingData"]) == ("us-east-1", "ignore")
        assert alarm["alarmActions"] == ["arn:critical"]


@pytest.mark.parametrize(("retention", "kept", "days"), [("protected", True, 30), ("ephemeral", False, 7)])
def test_signing_and_its_key_are_as_protected_as_the_stack(
    retention: Any, kept: bool, days: int, recorder: Recorder
) -> None:
    sign(recorder, retention=retention)
    assert recorder.one("kms/key:Key").protect is recorder.one("HostedZoneDnsSec").protect is kept
    assert recorder.one("kms/key:Key").inputs["deletionWindowInDays"] == days


def test_the_ds_record_is_known_only_once_the_zone_is_signed(recorder: Recorder) -> None:
    def program() -> None:
        aws.sns.Topic("reader", display_name=signing().ds_record)

    recorder.run(program)
    reader = recorder.named("reader")
    assert reader.inputs["displayName"] == "12345 13 2 0123456789ABCDEF"
    assert recorder.one("HostedZoneDnsSec").urn in reader.dependencies
