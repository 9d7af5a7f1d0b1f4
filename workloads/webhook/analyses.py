"""Puts requests for analyses, which come in no order and perhaps twice, in line: each repository's jobs in their order.

SQS calls `webhook.analyses.handler` with a batch from a standard queue, each message {"repository": "owner/name"}, or
"*" for every repository that the wiki has. The environment names the FIFO queue of the jobs (QUEUE_URL) and the table
of repositories (TABLE_REPOSITORIES, hash key `repository`). The function may send to the one and scan the other.

It answers which messages failed: only those come again, and after the queue's last attempt they wait in its dead-letter
queue. A message that comes again makes the same jobs, which SQS and the job's record know.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3

from webhook.pushes import REPOSITORY

log = logging.getLogger("webhook")

EVERY = "*"
_MOST_IN_A_CALL = 10


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The messages that failed, in the form in which Lambda understands them."""
    failed = []
    for record in event["Records"]:
        try:
            _queue(record["messageId"], list(_wanted(record["body"])))
        except Exception:
            # One message that cannot be understood must not bring back the others of its batch.
            log.exception("message %s failed", record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _wanted(body: str) -> Iterator[str]:
    repository = json.loads(body)["repository"]
    if repository == EVERY:
        for page in (
            _dynamodb()
            .get_paginator("scan")
            .paginate(TableName=os.environ["TABLE_REPOSITORIES"], ProjectionExpression="repository")
        ):
            yield from (item["repository"]["S"] for item in page["Items"])
    elif isinstance(repository, str) and REPOSITORY.fullmatch(repository):
        yield repository.lower()
    else:
        raise ValueError("the message names no repository")


def _queue(message: str, repositories: list[str]) -> None:
    """A job for each, under an id that the same message gives again."""
    jobs = []
    for repository in repositories:
        id_ = hashlib.sha256(f"{message} {repository}".encode()).hexdigest()[:32]
        jobs.append({"id": id_, "repository": repository, "action": "analyse", "commit": None})
    for start in range(0, len(jobs), _MOST_IN_A_CALL):
        answer = _sqs().send_message_batch(
            QueueUrl=os.environ["QUEUE_URL"],
            Entries=[
                {
                    "Id": job["id"],
                    "MessageBody": json.dumps(job),
                    # As in `webhook.pushes`.
                    "MessageGroupId": job["repository"][:128],
                    "MessageDeduplicationId": job["id"],
                }
                for job in jobs[start : start + _MOST_IN_A_CALL]
            ],
        )
        if answer.get("Failed"):
            raise RuntimeError(f"SQS did not take {len(answer['Failed'])} jobs: {answer['Failed'][0].get('Message')}")
    log.info("queued %d analyses for %s", len(jobs), message)


@cache
def _sqs() -> Any:
    return boto3.client("sqs")


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb")
