"""What flows into the lake's raw zone, on the emulator: tables as the workflow copies them, logs by Firehose."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import moto.dynamodb.models.table_export
import pytest

from tests.iam import allowed
from tests.rehearsal.conftest import Rehearsed
from tests.rehearsal.test_lake import bucket_of, documents, made, named
from tests.rehearsal.test_specs import REGION, Cloud

ROLE = "arn:aws:iam::123456789012:role/exports"
Run = Callable[[], dict[str, Any]]


@pytest.fixture
def analytics(rehearsed: Any) -> Rehearsed:
    done = rehearsed("analytics")
    assert done.status == 0, done.text
    return done


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made_ = Cloud()
    yield made_
    made_.account.close()


def table(cloud: Cloud, name: str, *, recovery: bool = True) -> None:
    cloud.ask(
        "dynamodb", "CreateTable", TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    cloud.ask("dynamodb", "PutItem", TableName=name, Item={"id": {"S": f"{name}-1"}})
    if recovery:
        cloud.ask(
            "dynamodb", "UpdateContinuousBackups", TableName=name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )  # fmt: skip


@pytest.fixture
def exports(analytics: Rehearsed, cloud: Cloud) -> Run:
    """One execution of the definition that the stack deploys, in which nobody waits."""
    machine = json.loads(named(analytics, "lake-exports-state-machine")["definition"])
    states = machine["States"]["Export each"]["ItemProcessor"]["States"]
    states["Let it be written"]["Seconds"] = 0
    for state in states.values():
        for retry in state.get("Retry", []):
            retry |= {"IntervalSeconds": 1, "BackoffRate": 1}
    cloud.bucket(bucket_of(analytics, "raw"))
    arn = cloud.make(
        "aws:sfn/stateMachine:StateMachine", name="exports", definition=json.dumps(machine), roleArn=ROLE
    ).id

    def run() -> dict[str, Any]:
        begun = cloud.ask("stepfunctions", "StartExecution", stateMachineArn=arn, name=str(uuid.uuid4()), input="{}")
        for _ in range(3000):
            found = cloud.ask("stepfunctions", "DescribeExecution", executionArn=begun["executionArn"])
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.1)
        raise AssertionError("the execution did not end")

    return run


def files(cloud: Cloud, bucket: str) -> dict[str, bytes]:
    listed = cloud.ask("s3", "ListObjectsV2", Bucket=bucket).get("Contents", [])
    return {one["Key"]: cloud.ask("s3", "GetObject", Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}


@pytest.mark.covers("B20")
def test_each_table_is_copied_under_its_name_and_the_day(analytics: Rehearsed, cloud: Cloud, exports: Run) -> None:
    for name in ("chat-dev-sessions", "chat-dev-settings"):
        table(cloud, name)
    found = exports()
    assert found["status"] == "SUCCEEDED", found
    copies = files(cloud, bucket_of(analytics, "raw"))
    day = f"{found['startDate']:%Y-%m-%d}"
    assert sorted(key.split("/AWSDynamoDB/")[0] for key in copies) == [
        f"exports/chat-dev-sessions/day={day}", f"exports/chat-dev-settings/day={day}"
    ]  # fmt: skip
    for key, content in copies.items():
        assert json.loads(gzip.decompress(content))["Item"] == {"id": {"S": f"{key.split('/')[1]}-1"}}


@pytest.mark.covers("B20")
def test_a_table_that_cannot_be_copied_fails_the_execution_and_the_others_are_copied(
    analytics: Rehearsed, cloud: Cloud, exports: Run
) -> None:
    table(cloud, "chat-dev-sessions", recovery=False)
    table(cloud, "chat-dev-settings")
    found = exports()
    assert (found["status"], found["error"]) == ("FAILED", "NotExported")
    (copy,) = files(cloud, bucket_of(analytics, "raw"))
    assert copy.startswith("exports/chat-dev-settings/")


@pytest.mark.covers("B20")
def test_a_copy_that_breaks_off_fails_the_execution(
    cloud: Cloud, exports: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, _backend: Any) -> None:
        self.status = "FAILED"

    monkeypatch.setattr(moto.dynamodb.models.table_export.TableExport, "_backup_to_s3_file", broken)
    for name in ("chat-dev-sessions", "chat-dev-settings"):
        table(cloud, name)
    found = exports()
    assert (found["status"], found["error"]) == ("FAILED", "NotExported")


@pytest.mark.covers("B20")
def test_the_workflow_may_copy_these_tables_into_this_folder_and_no_more(analytics: Rehearsed) -> None:
    may = documents(analytics, "lake-exports-role")
    here = f"arn:aws:dynamodb:{REGION}:123456789012:table/chat-dev"
    raw = f"arn:aws:s3:::{bucket_of(analytics, 'raw')}"
    assert allowed(may, "dynamodb:ExportTableToPointInTime", f"{here}-sessions")
    assert allowed(may, "dynamodb:DescribeExport", f"{here}-sessions/export/1")
    assert allowed(may, "s3:PutObject", f"{raw}/exports/chat-dev-sessions/day=2026-01-01/x")
    for action, resource in [
        ("dynamodb:Scan", f"{here}-sessions"), ("dynamodb:ExportTableToPointInTime", f"{here}-users"),
        ("s3:PutObject", f"{raw}/cloudwatch-logs/x"), ("s3:GetObject", f"{raw}/exports/x"),
        ("s3:PutObject", f"arn:aws:s3:::{bucket_of(analytics, 'clean')}/exports/x"),
    ]:  # fmt: skip
        assert not allowed(may, action, resource), (action, resource)


@pytest.mark.covers("B14", "B20")
def test_the_copies_are_crawled_because_nobody_knows_what_items_hold(analytics: Rehearsed) -> None:
    (crawler,) = made(analytics, "glue/crawler:Crawler")
    (target,) = crawler["s3Targets"]
    assert target["path"] == f"s3://{bucket_of(analytics, 'raw')}/exports/"
    assert "**/manifest-*" in target["exclusions"], "what lies beside the data is no data"


@pytest.mark.covers("B14", "B20")
def test_the_databases_logs_flow_into_the_raw_zone(analytics: Rehearsed) -> None:
    (stream,) = made(analytics, "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
    to = stream["extendedS3Configuration"]
    assert to["bucketArn"] == f"arn:aws:s3:::{bucket_of(analytics, 'raw')}"
    assert stream["serverSideEncryption"]["keyType"] == "CUSTOMER_MANAGED_CMK"
    assert to["kmsKeyArn"] == stream["serverSideEncryption"]["keyArn"]
    fed = {one["logGroup"] for one in made(analytics, ":LogSubscriptionFilter")}
    assert {"/aws/rds/instance/chat-dev-database/postgresql", "/aws/vendedlogs/states/chat-dev-lake-night"} <= fed
    may = documents(analytics, "lake-log-export-role")
    assert allowed(may, "s3:PutObject", f"{to['bucketArn']}/cloudwatch-logs/2026/01/01/00/x.gz")
    assert not allowed(may, "s3:PutObject", f"{to['bucketArn']}/exports/x")
    sends = documents(analytics, "lake-log-export-subscription-role")
    assert [one["Action"] for document in sends for one in document["Statement"]] == [
        ["firehose:PutRecord", "firehose:PutRecordBatch"]
    ]


@pytest.mark.covers("B20")
def test_a_record_that_is_logged_arrives_as_a_file(cloud: Cloud) -> None:
    cloud.bucket("raw")
    key = cloud.make("aws:kms/key:Key").outputs["arn"]
    stream = cloud.make(
        "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
        name="shop-logs",
        destination="extended_s3",
        serverSideEncryption={"enabled": True, "keyType": "CUSTOMER_MANAGED_CMK", "keyArn": key},
        extendedS3Configuration={
            "bucketArn": "arn:aws:s3:::raw", "roleArn": ROLE, "prefix": "cloudwatch-logs/", "kmsKeyArn": key,
            "bufferingInterval": 300, "bufferingSize": 64, "compressionFormat": "UNCOMPRESSED", "fileExtension": ".gz",
        },
    )  # fmt: skip
    assert (stream.status, stream.left_out) == ("emulated", [])
    described = cloud.ask("firehose", "DescribeDeliveryStream", DeliveryStreamName="shop-logs")
    to = described["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert to["BufferingHints"] == {"IntervalInSeconds": 300, "SizeInMBs": 64}
    assert to["EncryptionConfiguration"] == {"KMSEncryptionConfig": {"AWSKMSKeyARN": key}}
    cloud.make("aws:cloudwatch/logGroup:LogGroup", name="/shop")
    cloud.make("aws:cloudwatch/logStream:LogStream", name="one", logGroupName="/shop")
    made_ = cloud.make(
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        name="shop-logs", logGroup="/shop", destinationArn=stream.outputs["arn"], roleArn=ROLE, filterPattern="",
    )  # fmt: skip
    assert (made_.status, made_.left_out) == ("emulated", [])
    events = [{"timestamp": int(time.time() * 1000), "message": "duration: 512 ms"}]
    cloud.ask("logs", "PutLogEvents", logGroupName="/shop", logStreamName="one", logEvents=events)
    ((name, content),) = files(cloud, "raw").items()
    assert name.startswith("cloudwatch-logs/20")
    envelope = json.loads(gzip.decompress(content))
    assert (envelope["logGroup"], envelope["logEvents"][0]["message"]) == ("/shop", "duration: 512 ms")
