"""Webhooks, from the delivery to the table or the dead-letter queue: the real package, with queue and table in moto."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from packages.plan import sources
from packages.run import local, run, unpacked
from tests.workloads.gateway_events import http, rest

KEY = "signs-nothing-real"
ATTEMPTS = 3
REGION = "ap-northeast-1"


@dataclass(frozen=True)
class Cloud:
    """A queue with its dead letters, a table and a secret, and the functions that know them by their environment."""

    folder: Path
    endpoint: str
    queue: str
    dead_letters: str
    environment: dict[str, str]

    def client(self, service: str) -> Any:
        return boto3.client(
            service, region_name=REGION, endpoint_url=self.endpoint,
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip

    def call(self, handler: str, *events: dict[str, Any]) -> list[Any]:
        return run(self.folder, handler, events, self.environment).answers

    def waiting(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages"]
        answer = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def kept(self) -> dict[str, str]:
        items = self.client("dynamodb").scan(TableName=self.environment["TABLE_DELIVERIES"])["Items"]
        return {item["id"]["S"]: item["payload"]["S"] for item in items}

    def changes(self) -> list[dict[str, Any]]:
        """What Lambda reads of the table's stream, in the form in which it hands it over."""
        streams = self.client("dynamodbstreams")
        [stream] = streams.list_streams(TableName=self.environment["TABLE_DELIVERIES"])["Streams"]
        [shard] = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
        begin = streams.get_shard_iterator(
            StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = streams.get_records(ShardIterator=begin)["Records"]
        for record in records:
            change = record["dynamodb"]
            change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
        return records

    def work_through(self) -> None:
        """What Lambda does with a queue: hand over batches, and delete what was not answered as failed."""
        sqs = self.client("sqs")
        asked = {"QueueUrl": self.queue, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        while messages := sqs.receive_message(**asked).get("Messages", []):
            records = [
                {
                    "messageId": one["MessageId"], "body": one["Body"], "eventSource": "aws:sqs",
                    "messageAttributes": {
                        name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
                        for name, value in one.get("MessageAttributes", {}).items()
                    },
                }
                for one in messages
            ]  # fmt: skip
            [answer] = self.call("webhook.work.handler", {"Records": records})
            failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
            for one in messages:
                if one["MessageId"] not in failed:
                    sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with unpacked(local(sources()["webhook"])) as made:
        yield made


@pytest.fixture
def cloud(account: str, folder: Path, request: pytest.FixtureRequest) -> Cloud:
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    made = Cloud(folder, account, "", "", {})
    sqs = made.client("sqs")
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": ATTEMPTS})
    # What a consumer did not delete can be received again at once: no test waits for it.
    attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
    queue = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    made.client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )  # fmt: skip
    secret = made.client("secretsmanager").create_secret(Name=name, SecretString=KEY)["ARN"]
    environment = {
        "QUEUE_URL": queue, "TABLE_DELIVERIES": name, "WEBHOOK_KEY_SECRET_ARN": secret, "AWS_ENDPOINT_URL": account,
        "METRICS_NAMESPACE": "kumiki-dev", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip
    return Cloud(folder, account, queue, dead, environment)


def delivery(identity: str, body: str = '{"ref": "main"}', *, key: str = KEY, event: Any = http, **changes: str) -> Any:
    """A push as GitHub delivers it."""
    signature = hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {
        "X_Hub_Signature_256": f"sha256={signature}", "X_GitHub_Delivery": identity, "X_GitHub_Event": "push",
        **changes,
    }  # fmt: skip
    return {**event("POST", "/webhook", **headers), "body": body}


@pytest.mark.covers("B6")
def test_a_delivery_is_answered_at_once_queued_and_kept_once(cloud: Cloud) -> None:
    encoded = delivery("three")
    encoded |= {"body": base64.b64encode(encoded["body"].encode()).decode(), "isBase64Encoded": True}
    events = [delivery("one"), delivery("two", event=rest), encoded]
    assert [answer["statusCode"] for answer in cloud.call("webhook.receive.handler", *events)] == [202] * 3
    assert cloud.waiting(cloud.queue) == 3
    cloud.work_through()
    # Sent again, under the same id: the first one counts.
    cloud.call("webhook.receive.handler", delivery("one", '{"ref": "changed"}'))
    cloud.work_through()
    assert cloud.kept() == dict.fromkeys(("one", "two", "three"), '{"ref": "main"}')
    assert (cloud.waiting(cloud.queue), cloud.waiting(cloud.dead_letters)) == (0, 0)


def test_what_is_not_signed_or_makes_no_sense_is_refused_and_not_queued(cloud: Cloud) -> None:
    unsigned = delivery("x")
    unsigned["headers"] = {}
    events = [
        unsigned,
        delivery("x", key="another"),
        delivery("x", X_Hub_Signature_256="sha256=é"),
        delivery("x", "{"),
        delivery("x", "[" * 100_000),
        delivery("x", '"\uffff"'),
        {**delivery("x", "é"), "body": base64.b64encode(b"\xff").decode(), "isBase64Encoded": True},
        delivery("a b"),
        delivery("x", X_GitHub_Event=""),
        delivery("x", json.dumps("x" * 200_000)),
    ]
    answers = cloud.call("webhook.receive.handler", *events)
    assert [answer["statusCode"] for answer in answers] == [401, 401, 401, 400, 400, 400, 401, 400, 400, 413]
    assert cloud.waiting(cloud.queue) == 0


@pytest.mark.parametrize(
    "body",
    [
        '{"ref":"main",  "b":1.0,"big":12345678901234567890.10,"a":1e2,"a":2}',
        '{"text": "\\ud83d \\u3042 \u3042 \\/ \\uffff"}',
        "[1e999, -0, 1E5]",
        '{"text": "' + "あ" * 60_000 + '"}',
        ' {"a":\t1}\r\n',
    ],
)
def test_a_delivery_is_kept_letter_by_letter(cloud: Cloud, body: str) -> None:
    [answer] = cloud.call("webhook.receive.handler", delivery("one", body))
    assert answer["statusCode"] == 202
    cloud.work_through()
    assert cloud.kept() == {"one": body}


@pytest.fixture
def receive(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """One copy of the function, that lives on between deliveries: the status for a delivery signed with a key."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    # As a new copy of the function begins: with no key that it knows.
    importlib.reload(importlib.import_module("webhook.signature"))
    receiver = importlib.reload(importlib.import_module("webhook.receive"))
    return lambda key: receiver.handler(delivery(uuid.uuid4().hex, key=key), None)["statusCode"]


class Clock:
    """The time that a copy of the function believes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        now = time.time
        monkeypatch.setattr("time.time", lambda: now() + self.ahead)


@pytest.mark.covers("B6")
def test_after_a_rotation_both_keys_count_for_a_while_and_then_only_the_new_one(
    cloud: Cloud, receive: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = cloud.client("secretsmanager")
    clock = Clock(monkeypatch)
    assert [receive(KEY), receive("new")] == [202, 401]
    secrets.put_secret_value(SecretId=cloud.environment["WEBHOOK_KEY_SECRET_ARN"], SecretString="new")
    clock.ahead = 6
    assert [receive("new"), receive(KEY), receive("never")] == [202, 202, 401]
    clock.ahead = 3700
    assert [receive("new"), receive(KEY)] == [202, 401]


def test_the_keys_are_read_again_no_oftener_than_every_few_seconds_whatever_strangers_send(
    receive: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    assert receive(KEY) == 202
    receiver = importlib.import_module("webhook.signature")
    readings: list[float] = []
    read = receiver._read_keys  # noqa: SLF001 counted
    monkeypatch.setattr(receiver, "_read_keys", lambda now: readings.append(now) or read(now))
    for second in range(60):
        clock.ahead = second
        assert receive("a stranger's") == 401
    assert 6 <= len(readings) <= 12


def test_secrets_that_cannot_be_read_for_a_moment_lose_nothing(
    cloud: Cloud, receive: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    assert receive(KEY) == 202
    cloud.client("secretsmanager").delete_secret(
        SecretId=cloud.environment["WEBHOOK_KEY_SECRET_ARN"], ForceDeleteWithoutRecovery=True
    )
    clock.ahead = 100
    assert [receive(KEY), receive("another")] == [202, 401]


@pytest.mark.covers("B6")
def test_a_message_that_keeps_failing_goes_to_the_dead_letter_queue_and_takes_no_other_along(cloud: Cloud) -> None:
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=cloud.queue, MessageBody="nobody understands this")
    cloud.call("webhook.receive.handler", delivery("good"))
    cloud.work_through()
    assert cloud.kept() == {"good": '{"ref": "main"}'}
    assert cloud.waiting(cloud.queue) == 0
    [dead] = sqs.receive_message(QueueUrl=cloud.dead_letters, MaxNumberOfMessages=10)["Messages"]
    assert dead["Body"] == "nobody understands this"


def test_a_table_that_is_away_loses_nothing(cloud: Cloud) -> None:
    cloud.call("webhook.receive.handler", delivery("one"))
    cloud.client("dynamodb").delete_table(TableName=cloud.environment["TABLE_DELIVERIES"])
    cloud.work_through()
    assert cloud.waiting(cloud.dead_letters) == 1


def counted(log: list[str]) -> list[tuple[str, int]]:
    """Kind and number of each count that CloudWatch finds in a log."""
    found = [json.loads(line) for line in log if line.startswith("{")]
    for one in found:
        [described] = one["_aws"]["CloudWatchMetrics"]
        assert (described["Namespace"], described["Dimensions"]) == ("kumiki-dev", [["Kind"]])
        assert abs(one["_aws"]["Timestamp"] / 1000 - time.time()) < 3600
    return [(one["Kind"], one["Deliveries"]) for one in found]


@pytest.mark.covers("B11")
def test_each_delivery_that_is_kept_is_counted_once_by_its_kind(cloud: Cloud) -> None:
    for name, kind in (("one", "push"), ("two", "issues"), ("one", "push")):
        cloud.call("webhook.receive.handler", delivery(name, X_GitHub_Event=kind))
    cloud.work_through()
    done = run(cloud.folder, "webhook.count.handler", [{"Records": cloud.changes()}], cloud.environment)
    assert done.answers == [{"batchItemFailures": []}]
    assert sorted(counted(done.log)) == [("issues", 1), ("push", 1)]


def test_a_change_that_cannot_be_counted_is_named_and_holds_up_those_behind_it(cloud: Cloud) -> None:
    for name in ("one", "two", "three"):
        cloud.call("webhook.receive.handler", delivery(name))
    cloud.work_through()
    records = cloud.changes()
    del records[1]["dynamodb"]["NewImage"]["kind"]
    done = run(cloud.folder, "webhook.count.handler", [{"Records": records}], cloud.environment)
    assert done.answers == [{"batchItemFailures": [{"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}]}]
    assert counted(done.log) == [("push", 1)]


def test_a_delivery_that_ends_by_itself_is_not_counted_again(cloud: Cloud) -> None:
    gone = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1", "ApproximateCreationDateTime": 1.0, "Keys": {}}}
    done = run(cloud.folder, "webhook.count.handler", [{"Records": [gone]}], cloud.environment)
    assert (done.answers, counted(done.log)) == ([{"batchItemFailures": []}], [])
