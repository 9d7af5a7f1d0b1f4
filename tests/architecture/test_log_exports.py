"""Logs of CloudWatch's groups that flow on into the archive, where the stack's file wants it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.architecture.test_whole_stacks import deploy
from tests.conftest import Recorder, Registered
from tests.iam import allowed
from tests.stack_files import config_of

ARCHIVE = {"glacierAfterDays": 90, "deleteAfterDays": 365}
STREAMS = ("database-logs", "group-logs")


def hybrid(**archive: Any) -> dict[str, Any]:
    network = {**config_of("hybrid", {})["kumiki:network"], "flowLogs": {"destination": "cloudwatch"}}
    return config_of("hybrid", {"kumiki:logArchive": {**ARCHIVE, **archive}, "kumiki:network": network})


def fed(made: Recorder, stream: str) -> set[str]:
    """The log groups that feed a stream."""
    return {
        one.inputs["logGroup"]
        for one in made.of(":LogSubscriptionFilter")
        if one.name.startswith(f"hybrid-prod-{stream}-")
    }


@pytest.mark.covers("B11")
def test_what_apis_firewalls_network_and_database_write_flows_into_the_archive(recorder: Recorder) -> None:
    made = deploy(recorder, hybrid(groupLogs=True))
    assert fed(made, "group-logs") == {
        "/aws/vendedlogs/apis/hybrid-prod-app",
        "/aws/vendedlogs/apis/hybrid-prod-talk",
        "/aws/vpc-flow-logs/hybrid-prod-network",
    }
    assert fed(made, "database-logs") == {
        "/aws/rds/instance/hybrid-prod-database/postgresql",
        "/aws/rds/instance/hybrid-prod-database/upgrade",
    }
    for stream in STREAMS:
        firehose = made.named(f"hybrid-prod-{stream}-delivery-stream").inputs
        assert firehose["extendedS3Configuration"]["prefix"] == f"{stream}/"
        bucket = firehose["extendedS3Configuration"]["bucketArn"]
        assert bucket.startswith("arn:aws:s3:::hybrid-prod-log-archive")
        policy = made.named(f"hybrid-prod-{stream}-policy").policy()
        assert allowed([policy], "s3:PutObject", f"{bucket}/{stream}/2026/01/x.gz")
        assert not allowed([policy], "s3:PutObject", f"{bucket}/s3-access-logs/x.gz")
        assert made.named(f"hybrid-prod-{stream}-late-alarm").inputs["alarmActions"]


@pytest.mark.covers("B11")
def test_nothing_flows_unless_the_stack_wants_it(recorder: Recorder) -> None:
    network = {"kumiki:network": {"flowLogs": {"destination": "cloudwatch"}}, "kumiki:logArchive": ARCHIVE}
    made = deploy(recorder, config_of("hybrid", network, only=("logArchive", "network")))
    assert made.named("hybrid-prod-network-flow-log-group")
    assert [one for stream in STREAMS for one in _of(made, stream)] == []


def _of(made: Recorder, stream: str) -> list[Registered]:
    return [one for one in made.resources if f"-{stream}-" in one.name]
