"""Four kinds of logs: what a stack's file may say of them, and what that does to what holds them."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from guardrails.kit.stack import LOG_DAYS

from architecture.log_kinds import archive_lifecycle, kind_of_group
from architecture.transformation import tag_and_check
from components.data.log_delivery import CLOUDFRONT_PREFIX
from components.log_kinds import LEAST_DAYS
from settings import Settings, SettingsError
from settings.storage import LogKindSettings, LogSettings
from tests.conftest import Recorder

BASE = {"product": "wiki", "environment": "dev", "owner": "platform"}
KINDS = {"logs": {"retentionDays": 30, "kinds": {}}}


def settings(**sections: Any) -> Settings:
    given = {**BASE, **sections}
    return Settings.parse({
        f"kumiki:{key}": one if isinstance(one, str) else json.dumps(one) for key, one in given.items()
    })  # fmt: skip


def refused(**sections: Any) -> dict[str, str]:
    with pytest.raises(SettingsError) as error:
        settings(**sections)
    return {one.key.removeprefix("kumiki:"): one.message for one in error.value.mistakes}


@pytest.mark.covers("D17")
def test_the_pack_asks_for_the_days_that_the_program_keeps() -> None:
    """The pack is a program of its own and cannot import them."""
    assert LOG_DAYS == LEAST_DAYS == {"application": 1, "access": 365, "error": 180, "audit": 1096}


@pytest.mark.covers("D17")
def test_each_kind_has_its_days_and_programs_records_those_of_the_stack() -> None:
    logs = settings(**KINDS).logs
    assert {kind: logs.days(kind) for kind in LEAST_DAYS} == {
        "application": 30, "access": 365, "error": 180, "audit": 1096,
    }  # fmt: skip
    longer = settings(logs={"retentionDays": 30, "kinds": {"access": 400, "application": 90}}).logs
    assert (longer.days("access"), longer.days("application")) == (400, 90)


@pytest.mark.covers("D17")
@pytest.mark.parametrize(
    ("kinds", "kind", "words"),
    [
        ({"access": 180}, "access", "180 is less than access logs must be kept; use 365 or more"),
        ({"error": 90}, "error", "use 180 or more"),
        ({"audit": 365}, "audit", "use 1096 or more"),
        ({"audit": 1095}, "audit", "is not allowed"),
        ({"debug": 7}, "debug", "is not a known key"),
    ],
)
def test_fewer_days_than_a_kind_needs_are_refused(kinds: dict[str, int], kind: str, words: str) -> None:
    assert words in refused(logs={"kinds": kinds})[f"logs.kinds.{kind}"]


def test_days_are_said_in_one_place() -> None:
    said = refused(**KINDS, logArchive={"deleteAfterDays": 365}, baseline={"auditDays": 2000})
    assert "is said by logs.kinds" in said["logArchive.deleteAfterDays"]
    assert "is said by logs.kinds.audit" in said["baseline.auditDays"]
    assert "at 180 days" in refused(**KINDS, logArchive={"glacierAfterDays": 200})["logArchive.glacierAfterDays"]


def test_the_archive_keeps_what_each_service_writes_as_its_kind_demands() -> None:
    stack = settings(**KINDS, logArchive={})
    assert stack.log_archive is not None
    days = {rule.prefix: rule.delete_after_days for rule in archive_lifecycle(stack, stack.log_archive)}
    assert (days["app-logs/"], days["config/"], days[f"{CLOUDFRONT_PREFIX}/"]) == (180, 1096, 365)
    plain = settings(logArchive={})
    assert plain.log_archive is not None
    assert [rule.prefix for rule in archive_lifecycle(plain, plain.log_archive)] == [""]


@pytest.mark.parametrize(
    ("component", "name", "kind"),
    [
        ("kumiki:compute:Service", "wiki-dev-api-errors-log-group", "error"),
        ("kumiki:compute:Service", "wiki-dev-api-log-router-log-group", "application"),
        ("kumiki:compute:Service", "wiki-dev-api-metrics-log-group", "application"),
        # Without a log router errors stand among all else.
        ("kumiki:compute:Service", "wiki-dev-api-app-log-group", "error"),
        ("kumiki:edge:HttpApi", "wiki-dev-http-access-log", "access"),
        ("kumiki:operations:AccountBaseline", "wiki-dev-baseline-trail-log-group", "audit"),
        ("kumiki:new:Part", "wiki-dev-part-log-group", None),
    ],
)
def test_where_records_of_several_kinds_stand_together_the_one_kept_longest_counts(
    component: str, name: str, kind: str | None
) -> None:
    assert kind_of_group(component, name) == kind


@pytest.mark.parametrize(
    ("kinds", "given", "days", "tag"),
    [(None, 30, 30, None), (LogKindSettings(), 30, 365, "access"), (LogKindSettings(), 731, 731, "access")],
)
def test_a_group_keeps_its_logs_for_its_kinds_days_or_longer(
    kinds: LogKindSettings | None, given: int, days: int, tag: str | None, recorder: Recorder
) -> None:
    def program() -> None:
        logs = LogSettings(retention_days=30, kinds=kinds)
        pulumi.runtime.register_stack_transformation(tag_and_check("wiki-dev", {}, protected=False, logs=logs))
        part = pulumi.ComponentResource("kumiki:edge:HttpApi", "wiki-dev-http")
        aws.cloudwatch.LogGroup(
            "wiki-dev-http-access-log", name="/x", retention_in_days=given, opts=pulumi.ResourceOptions(parent=part)
        )

    group = recorder.run(program).one(":LogGroup").inputs
    assert (group["retentionInDays"], group["tags"].get("LogClass")) == (days, tag)
