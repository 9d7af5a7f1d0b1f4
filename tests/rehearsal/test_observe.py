"""What watches over Kumiki's stacks, on the emulated account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.iam import allowed
from tests.rehearsal.conftest import ROOT, Refuse, Rehearse, Rehearsed

both = pytest.mark.parametrize("name", ["dev", "prod"])


def of_type(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in done.report["resources"] if one["type"].endswith(ending)]


# --- Topics ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A14")
@both
def test_alarms_reach_somebody_by_two_topics_whose_key_admits_who_publishes(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    topics = {one["inputs"]["name"]: one for one in of_type(done, ":Topic")}
    assert set(topics) == {f"kumiki-{name}-critical-alerts", f"kumiki-{name}-warning-alerts"}
    for topic in topics.values():
        heard = [one["inputs"] for one in of_type(done, ":TopicSubscription") if one["inputs"]["topic"] == topic["id"]]
        assert "email" in {one["protocol"] for one in heard}
        (key,) = [one for one in of_type(done, "key:Key") if one["outputs"]["arn"] == topic["inputs"]["kmsMasterKeyId"]]
        for service in ("cloudwatch.amazonaws.com", "events.amazonaws.com"):
            (use,) = [
                statement
                for statement in json.loads(key["inputs"]["policy"])["Statement"]
                if statement["Principal"].get("Service") == service
            ]
            assert {"kms:Decrypt", "kms:GenerateDataKey*"} <= set(use["Action"])
            (policy,) = [one["inputs"] for one in of_type(done, ":TopicPolicy") if one["inputs"]["arn"] == topic["id"]]
            (may,) = [
                statement
                for statement in json.loads(policy["policy"])["Statement"]
                if isinstance(statement["Principal"], dict) and statement["Principal"].get("Service") == service
            ]
            assert may["Condition"] == use["Condition"], "who may publish may use the key, and nobody else"


def test_a_slack_channel_can_hear_the_alarms_too(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki({"kumiki:alerts": {"slack": {"workspaceId": "T012AB34C", "channelId": "C98ZY"}}}, only=[])
    assert done.status == 0, done.text
    (channel,) = of_type(done, ":SlackChannelConfiguration")
    assert channel["status"] == "validated"
    assert set(channel["inputs"]["snsTopicArns"]) == {one["id"] for one in of_type(done, ":Topic")}


# --- Errors in logs --------------------------------------------------------------------------------------------------

ERROR_LOG = """
import sys
sys.path.insert(0, {root!r})
from components.alarms import AlarmTopics
from components.operations.error_log_alarm import ErrorLogAlarm, ErrorLogAlarmArgs

group = aws.cloudwatch.LogGroup("errors-group", name="/ecs/plain-dev-api/errors", retention_in_days=7, opts=opts)
topics = AlarmTopics(
    critical=aws.sns.Topic("critical", name="critical", opts=opts).arn,
    warning=aws.sns.Topic("warning", name="warning", opts=opts).arn,
)
opts = pulumi.ResourceOptions(providers=[provider])
ErrorLogAlarm("plain-dev-api-errors", ErrorLogAlarmArgs(), log_group=group.name, topics=topics, opts=opts)
"""


def test_an_error_in_a_log_rings_the_critical_topic(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain(ERROR_LOG.format(root=str(ROOT)))
    assert done.status == 0, done.text
    (counted,) = of_type(done, ":LogMetricFilter")
    assert counted["inputs"]["logGroupName"] == "/ecs/plain-dev-api/errors"
    (alarm,) = of_type(done, ":MetricAlarm")
    change = counted["inputs"]["metricTransformation"]
    assert (alarm["inputs"]["namespace"], alarm["inputs"]["metricName"]) == (change["namespace"], change["name"])
    (topic,) = [one for one in of_type(done, ":Topic") if one["name"] == "critical"]
    assert alarm["inputs"]["alarmActions"] == [topic["id"]]
    assert len(of_type(done, ":QueryDefinition")) == 3


# --- The account's baseline ------------------------------------------------------------------------------------------


@pytest.mark.covers("A11")
@both
def test_threats_are_detected_and_every_change_is_recorded_and_judged(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (detector,) = of_type(done, ":Detector")
    assert detector["inputs"]["enable"] is True
    features = {one["inputs"]["name"] for one in of_type(done, ":DetectorFeature")}
    assert {"S3_DATA_EVENTS", "RDS_LOGIN_EVENTS"} <= features
    (recorder,), (channel,) = of_type(done, "recorder:Recorder"), of_type(done, ":DeliveryChannel")
    (status,) = of_type(done, ":RecorderStatus")
    assert status["inputs"] == {"isEnabled": True, "name": recorder["inputs"]["name"]}
    group = recorder["inputs"]["recordingGroup"]
    assert group["allSupported"] is group["includeGlobalResourceTypes"] is True
    # In this order, or AWS refuses.
    assert recorder["urn"] in channel["depends_on"]
    assert channel["urn"] in status["depends_on"]
    assert channel["inputs"]["s3BucketName"] == done.report["outputs"]["logArchiveBucket"]
    rules = of_type(done, "rule:Rule")
    assert len(rules) >= 8
    assert all(status["urn"] in rule["depends_on"] for rule in rules)


@pytest.mark.covers("A11", "A14")
@both
def test_findings_and_violations_reach_the_people_who_hear_of_alarms(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    policies = {one["inputs"]["arn"]: json.loads(one["inputs"]["policy"]) for one in of_type(done, ":TopicPolicy")}
    rules = {one["inputs"]["name"]: one["outputs"]["arn"] for one in of_type(done, ":EventRule")}
    told: dict[str, set[str]] = {}
    for one in of_type(done, ":EventTarget"):
        topic, rule = one["inputs"]["arn"], one["inputs"]["rule"]
        if topic not in policies:
            continue
        assert "roleArn" not in one["inputs"], "a topic admits its rules by its policy"
        told.setdefault(topic.rpartition(":")[2], set()).add(rule.removeprefix(f"kumiki-{name}-baseline-"))
        admitted = [
            each for each in policies[topic]["Statement"] if each["Principal"] == {"Service": "events.amazonaws.com"}
        ]
        ours = {"aws__SourceAccount": "123456789012", "aws__SourceArn": rules[rule]}
        assert allowed([{"Statement": admitted}], "sns:Publish", topic, **ours)
        others = {**ours, "aws__SourceArn": rules[rule].replace(f"kumiki-{name}", "kumiki-other")}
        assert not allowed([{"Statement": admitted}], "sns:Publish", topic, **others)
    assert told == {
        f"kumiki-{name}-critical-alerts": {"critical-findings"},
        f"kumiki-{name}-warning-alerts": {"warning-findings", "violations"},
    }


@both
def test_the_archive_lets_the_record_in_and_a_bucket_with_a_lock_would_not(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    archive = done.report["outputs"]["logArchiveBucket"]
    (policy,) = [one["inputs"] for one in of_type(done, ":BucketPolicy") if one["inputs"]["bucket"] == archive]
    (write,) = [one for one in json.loads(policy["policy"])["Statement"] if one["Sid"] == "RecordOfConfiguration"]
    assert write["Principal"] == {"Service": "config.amazonaws.com"}
    assert write["Resource"] == f"arn:aws:s3:::{archive}/config/AWSLogs/123456789012/Config/*"
    assert write["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"
    locked = {one["inputs"]["bucket"] for one in of_type(done, ":BucketObjectLockConfiguration")}
    assert archive not in locked


@both
def test_who_did_what_is_kept_for_three_years_where_nobody_can_delete_it(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (trail,) = of_type(done, ":Trail")
    assert all(
        trail["inputs"][key] is True
        for key in ("isMultiRegionTrail", "includeGlobalServiceEvents", "enableLogFileValidation", "enableLogging")
    )
    bucket = trail["inputs"]["s3BucketName"]

    def the(ending: str) -> dict[str, Any]:
        return next(one["inputs"] for one in of_type(done, ending) if one["inputs"]["bucket"] == bucket)

    assert the("bucket:Bucket")["objectLockEnabled"] is True
    lock = the(":BucketObjectLockConfiguration")["rule"]["defaultRetention"]
    assert lock["days"] >= 1096
    assert {"days": 1096} in [rule.get("expiration") for rule in the(":BucketLifecycleConfiguration")["rules"]]
    (key,) = [one for one in of_type(done, "key:Key") if one["outputs"]["arn"] == trail["inputs"]["kmsKeyId"]]
    arn = trail["outputs"]["arn"]
    (use,) = [
        one
        for one in json.loads(key["inputs"]["policy"])["Statement"]
        if one["Principal"].get("Service") == "cloudtrail.amazonaws.com"
    ]
    assert use["Condition"]["ArnLike"]["aws:SourceArn"] == arn
    writers = {
        one["Sid"]: one for one in json.loads(the(":BucketPolicy")["policy"])["Statement"] if one["Effect"] == "Allow"
    }
    assert set(writers) == {"TrailLooksFirst", "TrailWrites"}
    assert all(one["Condition"]["StringEquals"]["aws:SourceArn"] == arn for one in writers.values())


def test_what_the_trail_records_rings_in_prod(rehearsed: Any) -> None:
    done = rehearsed("prod")
    trail = done.resource("kumiki-prod-baseline-trail")
    group = done.resource("kumiki-prod-baseline-trail-log-group")
    assert trail["inputs"]["cloudWatchLogsGroupArn"] == f"{group['outputs']['arn']}:*"
    alarm = done.resource("kumiki-prod-baseline-root-use-alarm")["inputs"]
    assert alarm["alarmActions"][0].endswith(":kumiki-prod-critical-alerts")
    assert not [one for one in of_type(rehearsed("dev"), ":LogGroup") if "cloudtrail" in one["inputs"]["name"]]


def test_what_the_account_has_already_is_adopted(rehearse_kumiki: Rehearse) -> None:
    ways = dict.fromkeys(("guardDuty", "config", "trail", "accessAnalyzer"), "adopt")
    done = rehearse_kumiki({"kumiki:baseline": ways}, only=["alerts", "logArchive"])
    assert done.status == 0, done.text
    made = {one["type"].rpartition(":")[2] for one in done.report["resources"] if "-baseline-" in one["name"]}
    assert made == {"Rule", "EventRule", "EventTarget"}, "rules are added to the recorder that is there"
    assert not of_type(done, ":BucketObjectLockConfiguration")


# --- The logs in Athena ----------------------------------------------------------------------------------------------


@pytest.mark.covers("A16")
@both
def test_the_table_reads_the_folders_that_the_log_router_writes_in_the_archive(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    archive = done.report["outputs"]["logArchiveBucket"]
    (table,) = [one["inputs"] for one in of_type(done, ":CatalogTable")]
    (database,) = [one["inputs"] for one in of_type(done, ":CatalogDatabase")]
    assert (table["databaseName"], database["name"]) == (f"kumiki_{name}_app_logs",) * 2
    template = table["parameters"]["storage.location.template"]
    written = f"s3://{archive}/app-logs/service=api/year=2026/month=01/day=31/hour=05/"
    shown = template
    for partition, value in (("service", "api"), ("year", "2026"), ("month", "01"), ("day", "31"), ("hour", "05")):
        shown = shown.replace("${" + partition + "}", value)
    assert shown == written
    assert written.startswith(table["storageDescriptor"]["location"])
    assert [key["name"] for key in table["partitionKeys"]] == ["service", "year", "month", "day", "hour"]


@pytest.mark.covers("A16")
@both
def test_questions_are_limited_and_their_answers_encrypted_and_soon_gone(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (workgroup,) = [one["inputs"] for one in of_type(done, ":Workgroup")]
    configuration = workgroup["configuration"]
    assert configuration["enforceWorkgroupConfiguration"] is True
    assert configuration["bytesScannedCutoffPerQuery"] >= 10 * 1024**2
    result = configuration["resultConfiguration"]
    assert result["encryptionConfiguration"]["encryptionOption"] == "SSE_KMS"
    bucket = result["outputLocation"].removeprefix("s3://").strip("/")
    (rules,) = [
        one["inputs"]["rules"]
        for one in of_type(done, ":BucketLifecycleConfiguration")
        if one["inputs"]["bucket"] == bucket
    ]
    assert any(rule.get("expiration", {}).get("days", 999) <= 30 for rule in rules)
    queries = [one["inputs"] for one in of_type(done, ":NamedQuery")]
    assert {query["name"].removeprefix(f"kumiki-{name}-app-logs-") for query in queries} == {
        "access-pattern",
        "performance",
        "user-behaviour",
    }
    for query in queries:
        assert query["workgroup"] == workgroup["name"]
        assert query["query"] == (ROOT / f"workloads/log-queries/{query['name'].split('app-logs-')[1]}.sql").read_text()


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"kumiki:alerts": {"emails": ["ops@example.com", "banana"]}},
         ["kumiki:alerts.emails[1]: 'banana' is not an e-mail address", "ops@example.com"]),
        ({"kumiki:alerts": {}}, ["kumiki:alerts: reach nobody; add emails or slack"]),
        ({"kumiki:alerts": {"slack": {"workspaceId": "ops", "channelId": "C1"}}},
         ["kumiki:alerts.slack.workspaceId: 'ops' is not allowed; write a workspace's id"]),
        ({"kumiki:baseline": {"guardDuty": "maybe"}},
         ["kumiki:baseline.guardDuty: 'maybe' is not allowed; use create, adopt or skip"]),
        ({"kumiki:baseline": {"trail": "adopt", "trailLogs": True}},
         ["kumiki:baseline.trailLogs: true is for a trail that is made here, and trail is adopt; use false"]),
        ({"kumiki:baseline": {"configRole": "skip"}},
         ["kumiki:baseline.configRole: 'skip' is not allowed; use create or adopt"]),
        ({"kumiki:baseline": {"configRules": ["tls only"]}},
         ["kumiki:baseline.configRules[0]: 'tls only'", "managed rule"]),
        ({"kumiki:baseline": {"auditDays": 30}},
         ["kumiki:baseline.auditDays: 30 is not allowed; use 1096"]),
        ({"kumiki:baseline": {"auditLock": "COMPLIANCE"}},
         ["kumiki:baseline.auditLock: COMPLIANCE cannot be torn down"]),
        ({"kumiki:logArchive": None, "kumiki:baseline": {}}, ["kumiki:baseline.config: create needs the log archive"]),
        ({"kumiki:logAnalytics": {"scanLimitMib": 9}},
         ["kumiki:logAnalytics.scanLimitMib: 9 is not allowed; use 10 to 7696581394432 MiB"]),
        ({"kumiki:logAnalytics": {"services": []}}, ["kumiki:logAnalytics.services: [] would show nothing"]),
        ({"kumiki:logArchive": None, "kumiki:baseline": None},
         ["kumiki:logAnalytics: reads the log archive, which is missing"]),
        ({"kumiki:freeTier": True, "kumiki:network": {}, "kumiki:baseline": {}},
         ["kumiki:baseline.guardDuty: create costs money", "kumiki:baseline.config: create costs money"]),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said
