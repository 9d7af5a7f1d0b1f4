"""Pushes to GitHub, from the delivery to the queue of jobs and the page: the function as it runs, in its package."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
from typing import Any

import pytest
from webhook import pushes
from wiki.github import REPOSITORY
from wiki.worker import read

from packages.plan import sources
from packages.run import local, run, unpacked
from tests.workloads.gateway_events import http, rest
from tests.workloads.wiki.conftest import Account

KEY = "signs-nothing-real"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def receiver(account: Account, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The receiver, which knows its queue, its table and its key."""
    name = account.environment["TABLE_JOBS"].replace("jobs", "deliveries")
    account.client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    secret = account.client("secretsmanager").create_secret(Name=f"{name}-key", SecretString=KEY)["ARN"]
    account.environment |= {"TABLE_DELIVERIES": name, "WEBHOOK_KEY_SECRET_ARN": secret}
    for variable, value in account.environment.items():
        monkeypatch.setenv(variable, value)
    importlib.reload(importlib.import_module("webhook.signature"))
    return importlib.reload(importlib.import_module("webhook.pushes"))


def push(delivery: str, *, key: str = KEY, event: Any = http, kind: str = "push", **changes: Any) -> dict[str, Any]:
    body = {
        "ref": "refs/heads/main", "after": COMMIT, "repository": {"full_name": "O/R", "default_branch": "main"},
        "commits": [{"message": "x" * 1000}] * 300, **changes,
    }  # fmt: skip
    text = json.dumps(body)
    signature = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"X_Hub_Signature_256": f"sha256={signature}", "X_GitHub_Delivery": delivery, "X_GitHub_Event": kind}
    return {**event("POST", "/webhook", **headers), "body": text}


def status(receiver: Any, event: dict[str, Any]) -> int:
    return receiver.handler(event, None)["statusCode"]


def queued(account: Account) -> list[dict[str, Any]]:
    return account.client("sqs").receive_message(
        QueueUrl=account.environment["QUEUE_URL"], MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    ).get("Messages", [])  # fmt: skip


@pytest.mark.covers("D6")
@pytest.mark.parametrize("event", [http, rest])
def test_a_push_becomes_a_job_of_its_repository_with_the_deliverys_id(
    account: Account, receiver: Any, event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-67891233-abcdef012345678912345678;Sampled=1")
    assert status(receiver, push("delivery-1", event=event)) == 202
    [message] = queued(account)
    assert read(message) == {"id": "delivery-1", "repository": "o/r", "action": "analyse", "commit": COMMIT}
    assert message["Attributes"]["MessageGroupId"] == "o/r"
    assert message["Attributes"]["MessageDeduplicationId"] == "delivery-1"
    assert message["Attributes"]["AWSTraceHeader"] == "Root=1-67891233-abcdef012345678912345678;Sampled=1"


def test_a_push_is_a_page_in_the_end(account: Account, receiver: Any) -> None:
    commit = account.github.commit("o/r", {"src/a.py": "counts"})
    account.store().add_repository("o/r")
    assert status(receiver, push("delivery-1", after=commit)) == 202
    account.work()
    account.agree("o/r", {"src": "counts"})
    assert account.state("delivery-1")["state"] == "done"


def test_a_push_to_a_repository_that_has_no_wiki_is_no_work(account: Account, receiver: Any) -> None:
    assert status(receiver, push("delivery-1")) == 202
    account.work()
    assert account.state("delivery-1")["state"] == "done"
    assert account.github.requests == []


def test_a_delivery_is_taken_once_however_long_ago_it_was(account: Account, receiver: Any) -> None:
    assert [status(receiver, push("delivery-1")) for _ in range(2)] == [202, 409]
    now = receiver.time.time()
    receiver.time = type("Later", (), {"time": staticmethod(lambda: now + 3600)})
    assert [status(receiver, push(name)) for name in ("delivery-1", "delivery-2")] == [409, 202]
    items = account.client("dynamodb").scan(TableName=account.environment["TABLE_DELIVERIES"])["Items"]
    assert all(int(item["expires"]["N"]) > now + 29 * 86_400 for item in items)


def test_a_delivery_that_could_not_be_queued_may_come_again(account: Account, receiver: Any) -> None:
    send, fail = receiver._sqs, True  # noqa: SLF001 replaced

    class Failing:
        def send_message(self, **given: Any) -> Any:
            if fail:
                raise ConnectionError
            return send().send_message(**given)

    receiver._sqs = Failing  # noqa: SLF001 as above
    with pytest.raises(ConnectionError):
        receiver.handler(push("delivery-1"), None)
    # Not at once: perhaps the first one is still at it.
    assert status(receiver, push("delivery-1")) == 409
    fail, now = False, receiver.time.time()
    receiver.time = type("Later", (), {"time": staticmethod(lambda: now + 61)})
    assert [status(receiver, push("delivery-1")) for _ in range(2)] == [202, 409]
    assert len(queued(account)) == 1


def test_what_asks_for_no_analysis_is_answered_and_not_queued(account: Account, receiver: Any) -> None:
    for changes in (
        {"ref": "refs/heads/feature"}, {"ref": "refs/tags/main"}, {"after": "0" * 40}, {"kind": "ping"},
        {"kind": "issues"},
    ):  # fmt: skip
        assert status(receiver, push("delivery-1", **changes)) == 200
    assert queued(account) == []


def test_what_is_no_push_is_refused(account: Account, receiver: Any) -> None:
    wrong: list[dict[str, Any]] = [
        {"repository": None}, {"repository": {"full_name": "../x", "default_branch": "main"}}, {"ref": 1},
        {"repository": {"full_name": "o/r"}}, {"after": None},
    ]  # fmt: skip
    for changes in wrong:
        assert status(receiver, push("delivery-1", **changes)) == 400
    assert queued(account) == []


def test_a_strangers_push_is_refused_before_it_is_read(account: Account, receiver: Any) -> None:
    assert status(receiver, push("delivery-1", key="another")) == 401
    event = push("delivery-1")
    assert status(receiver, {**event, "body": event["body"].replace("refs", "ref5")}) == 401
    assert queued(account) == []
    assert account.client("dynamodb").scan(TableName=account.environment["TABLE_DELIVERIES"])["Items"] == []


@pytest.mark.covers("D8")
def test_after_a_rotation_both_keys_count_for_a_while(account: Account, receiver: Any) -> None:
    signature: Any = importlib.import_module("webhook.signature")
    now, ahead = signature.time.time(), [0.0]
    signature.time = type("Later", (), {"time": staticmethod(lambda: now + ahead[0])})
    assert status(receiver, push("1")) == 202
    account.client("secretsmanager").put_secret_value(
        SecretId=account.environment["WEBHOOK_KEY_SECRET_ARN"], SecretString="new"
    )
    ahead[0] = 61
    assert [status(receiver, push(name, key=key)) for name, key in (("2", "new"), ("3", KEY), ("4", "x"))] == [
        202, 202, 401,
    ]  # fmt: skip
    ahead[0] = 3800
    assert [status(receiver, push(name, key=key)) for name, key in (("5", "new"), ("6", KEY))] == [202, 401]


def test_repositories_with_very_long_names_have_a_group_too(account: Account, receiver: Any) -> None:
    name = f"{'o' * 39}/{'r' * 99}"
    assert status(receiver, push("1", repository={"full_name": name, "default_branch": "main"})) == 202
    [message] = queued(account)
    assert (read(message)["repository"], message["Attributes"]["MessageGroupId"]) == (name, name[:128])


def test_the_receiver_and_the_worker_take_the_same_for_a_repository() -> None:
    """Said twice: the function's package and the image have no module in common."""
    assert pushes.REPOSITORY.pattern == REPOSITORY


@pytest.mark.usefixtures("receiver")
def test_the_package_has_all_that_the_function_imports(account: Account) -> None:
    with unpacked(local(sources()["webhook"])) as folder:
        environment = {**account.environment, "AWS_REGION": account.environment["AWS_DEFAULT_REGION"]}
        answers = run(folder, "webhook.pushes.handler", [push("1"), push("1")], environment).answers
    assert [answer["statusCode"] for answer in answers] == [202, 409]
