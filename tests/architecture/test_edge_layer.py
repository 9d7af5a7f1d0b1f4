"""How the edge joins the other layers."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from architecture.context import build_context
from architecture.data import Data
from architecture.edge import Edge, build_edge
from architecture.network import build_network
from components.alarms import AlarmTopics
from settings import Settings
from tests.conftest import Recorder

CONFIG: dict[str, Any] = {
    "product": "wiki",
    "environment": "dev",
    "owner": "platform",
    "network": {},
    "logArchive": {},
    "domain": {"name": "example.com", "zone": "create"},
    "loadBalancer": {},
}


def build(
    recorder: Recorder,
    topics: AlarmTopics | None = None,
    data: Any = None,
    us_east_topics: AlarmTopics | None = None,
    **changes: Any,
) -> Recorder:
    config = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    texts = {f"kumiki:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}

    def program() -> None:
        ctx = build_context(Settings.parse(texts))
        ctx = replace(ctx, topics=topics or ctx.topics, us_east_topics=us_east_topics or ctx.us_east_topics)
        built = build_edge(ctx, build_network(ctx), data or Data(None, None, None, None))
        assert isinstance(built, Edge)

    return recorder.run(program)


@pytest.mark.covers("A12")
def test_the_database_has_a_name_in_the_private_zone_and_none_in_the_public_one(recorder: Recorder) -> None:
    data = SimpleNamespace(database=SimpleNamespace(endpoint=pulumi.Output.from_input("db.example.org")))
    build(recorder, data=data)
    (record,) = [each.inputs for each in recorder.of(":Record") if each.inputs.get("records") == ["db.example.org"]]
    assert record["name"] == "database.internal.example.com"
    assert record["zoneId"] == "Zwiki-dev-internal-zone"


@pytest.mark.covers("A14")
def test_the_edge_is_watched_as_soon_as_there_are_topics(recorder: Recorder) -> None:
    build(recorder, AlarmTopics(critical="arn:critical", warning="arn:warning"))
    assert [each.name for each in recorder.of(":MetricAlarm")] == [
        "wiki-dev-firewall-blocked-alarm",
        "wiki-dev-tls-expiry",
        "wiki-dev-web-rejected-connections",
        "wiki-dev-web-response-time",
        "wiki-dev-web-server-error-rate",
    ]


SIGNED = {"domain": {"name": "example.com", "zone": "create", "dnssec": True}, "alerts": {"emails": ["a@b.example"]}}


def test_the_public_zone_is_signed_where_the_stack_says_so_and_tells_us_east_1(recorder: Recorder) -> None:
    us_east = AlarmTopics(critical="arn:us-east-critical", warning="arn:us-east-critical")
    build(recorder, us_east_topics=us_east, **SIGNED)
    assert recorder.one("HostedZoneDnsSec").inputs["hostedZoneId"] == "Zwiki-dev-domain-zone"
    alarms = [each.inputs for each in recorder.of(":MetricAlarm") if each.inputs.get("namespace") == "AWS/Route53"]
    assert [each["alarmActions"] for each in alarms] == [["arn:us-east-critical"]] * 2


def test_a_zone_is_not_signed_unless_the_stack_says_so(recorder: Recorder) -> None:
    us_east = AlarmTopics(critical="arn:us-east-critical", warning="arn:us-east-critical")
    build(recorder, us_east_topics=us_east, **{**SIGNED, "domain": {"name": "example.com", "zone": "create"}})
    assert recorder.of("HostedZoneDnsSec") == recorder.of("KeySigningKey") == []


def test_a_stack_without_a_load_balancer_can_have_names(recorder: Recorder) -> None:
    build(recorder, loadBalancer=None)
    assert len(recorder.of("route53/zone:Zone")) == 2
    assert recorder.of("lb/loadBalancer:LoadBalancer") == []
    assert recorder.of(":Record") == []


def test_the_firewalls_log_is_encrypted_by_a_key_that_admits_its_group(recorder: Recorder) -> None:
    build(recorder)
    patterns = next(
        each["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
        for each in recorder.one("key:Key").policy()["Statement"]
        if "Condition" in each
    )
    assert [pattern.rpartition(":")[2] for pattern in patterns] == ["/*/wiki-dev-*", "aws-waf-logs-wiki-dev-*"]
