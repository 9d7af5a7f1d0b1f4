"""Requests for analyses, from the standard queue into the line of each repository's jobs."""

from __future__ import annotations

import importlib
import json
import uuid
from typing import Any

import pytest
from wiki.worker import read

from tests.workloads.wiki.conftest import Account


@pytest.fixture
def function(account: Account) -> Any:
    assert account.environment["QUEUE_URL"], "its clients are those of this account"
    return importlib.reload(importlib.import_module("webhook.analyses"))


def batch(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [{"messageId": f"{number}-{uuid.uuid4().hex}", "body": one} for number, one in enumerate(bodies)]
    }


def asked(repository: Any) -> str:
    return json.dumps({"repository": repository})


@pytest.mark.covers("D6", "D7")
def test_every_repository_gets_a_job_in_its_own_line_and_the_same_message_makes_no_second_one(
    account: Account, function: Any
) -> None:
    for number in range(12):
        account.store().add_repository(f"o/r{number}")
    event = batch(asked("*"))
    assert function.handler(event, None) == {"batchItemFailures": []}
    assert function.handler(event, None) == {"batchItemFailures": []}
    assert account.waiting() == 12
    messages = account.client("sqs").receive_message(
        QueueUrl=account.environment["QUEUE_URL"], MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )["Messages"]
    for message in messages:
        assert message["Attributes"]["MessageGroupId"] == read(message)["repository"]


@pytest.mark.covers("D7")
def test_a_job_that_is_asked_for_so_is_done_by_the_worker(account: Account, function: Any) -> None:
    account.store().add_repository("o/r")
    account.github.commit("o/r", {"src/a.py": "counts"})
    function.handler(batch(asked("O/R")), None)
    account.work()
    assert [page.path for page in account.store().pages("o/r")] == ["src"]


@pytest.mark.parametrize("wrong", ["", "[]", "{}", asked(None), asked("no-owner"), asked("o/r/more")])
def test_a_message_that_names_no_repository_comes_again_and_takes_no_other_along(
    account: Account, function: Any, wrong: str
) -> None:
    event = batch(wrong, asked("o/r"))
    failed = function.handler(event, None)["batchItemFailures"]
    assert failed == [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert account.waiting() == 1
