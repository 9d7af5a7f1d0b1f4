"""What an account gets, and what is left to others."""

from __future__ import annotations

from typing import Any

import pytest
from moto.events.models import EventPattern

from components.alarms import AlarmTopics
from components.operations.account_baseline import AccountBaseline, AccountBaselineArgs
from components.refusal import Refusal
from tests.conftest import Recorder

TOPICS = AlarmTopics(critical="critical", warning="warning")
NAME = "wiki-dev-baseline"
WAYS = {"guard_duty": "skip", "config": "skip", "trail": "skip", "access_analyzer": "skip"}


def kinds(recorder: Recorder, **args: Any) -> set[str]:
    arguments = AccountBaselineArgs(**{"config_bucket": "logs", "trail_bucket": "audit", **args})
    recorder.run(lambda: AccountBaseline(NAME, arguments) and None)
    return {each.type.rpartition(":")[2] for each in recorder.resources if each.custom}


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


def test_the_recorder_starts_after_its_channel_and_rules_after_both(recorder: Recorder) -> None:
    kinds(recorder)
    assert recorder.one(":Recorder").urn in recorder.one(":DeliveryChannel").dependencies
    assert recorder.one(":DeliveryChannel").urn in recorder.one(":RecorderStatus").dependencies
    assert all(recorder.one(":RecorderStatus").urn in rule.dependencies for rule in recorder.of("rule:Rule"))


def heard(recorder: Recorder, source: str, kind: str, detail: dict[str, Any], **args: Any) -> list[str]:
    """The topics that hear of an event."""
    arguments = AccountBaselineArgs(**{"config_bucket": "logs", "trail_bucket": "audit", **args})
    recorder.run(lambda: AccountBaseline(NAME, arguments).alarms(TOPICS))
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


def test_what_is_skipped_is_not_listened_to(recorder: Recorder) -> None:
    assert heard(recorder, "aws.guardduty", "GuardDuty Finding", {"severity": 9}, **WAYS) == []
    assert recorder.of(":EventRule") == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"guard_duty": "yes"}, "guard_duty: 'yes' is not allowed; use create, adopt, skip"),
        ({"guard_duty_features": ["S3_DATA_EVENT"]}, "did you mean 'S3_DATA_EVENTS'"),
        ({"config_rules": ["tls"]}, "config_rules: 'tls' is not the identifier"),
        ({"config_rules": ["A_RULE", "A_RULE"]}, "has a rule twice"),
        ({"config_bucket": None}, "config: 'create' needs a bucket"),
        ({"trail_bucket": None}, "trail: 'create' needs a bucket"),
    ],
)
def test_what_cannot_be_is_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        AccountBaselineArgs(**{"config_bucket": "logs", "trail_bucket": "audit", **args})
