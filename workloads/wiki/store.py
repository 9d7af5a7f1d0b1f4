"""Repositories, pages and jobs in DynamoDB, and the texts of pages in S3."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from api import trace
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from wiki.settings import Settings

JOB_DAYS = 90
"""How long the state of a job can be asked for."""
LEASE_SECONDS = 100
"""How long a job belongs to its worker after the last sign of life. Less than its message is hidden for: whoever gets
that may begin."""

_pack, _unpack = TypeSerializer().serialize, TypeDeserializer().deserialize


class Superseded(Exception):
    """Somebody else has this repository or this job now."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is known of a page. Which of the texts and pieces are its own is said here alone."""

    repository: str
    path: str
    hash: str | None = None
    """Of what the text was written from; None before the first one is complete."""
    title: str = ""
    updated: str = ""
    documents: tuple[str, ...] = ()
    """The ids of its pieces in the index."""
    pending: str | None = None
    """The hash of a text that is on its way into the index."""
    stale: tuple[str, ...] = ()
    """Pieces of a former text that may still be in the index."""
    stale_hash: str | None = None
    """The former text, which may still be in the bucket."""
    removed: bool = False
    """It is no page any more, and what it consists of is going."""

    @property
    def shown(self) -> bool:
        return self.hash is not None and not self.removed


class Store:
    """The tables and the bucket that the settings name."""

    def __init__(self, settings: Settings) -> None:
        patience = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 4, "mode": "standard"})
        self._tables: Any = trace.watch(boto3.client("dynamodb", config=patience))
        self._objects: Any = trace.watch(boto3.client("s3", config=patience))
        self._queue: Any = trace.watch(boto3.client("sqs", config=patience))
        self._settings = settings

    # --- Repositories -------------------------------------------------------------------------------------------------

    def add_repository(self, repository: str) -> bool:
        """Whether it was not there before."""
        item = {"repository": repository, "added": now()}
        return self._put(self._settings.repositories, item, "attribute_not_exists(repository)")

    def repository(self, repository: str) -> dict[str, Any] | None:
        return self._get(self._settings.repositories, {"repository": repository})

    def repositories(self) -> list[dict[str, Any]]:
        """All of them by name; a wiki has some hundreds at most."""
        return sorted(self._pages_of("scan", TableName=self._settings.repositories), key=lambda one: one["repository"])

    def take_over(self, repository: str) -> int | None:
        """From now on only who has this number may change the repository's pages; None where it is no repository."""
        changed = self._update(
            self._settings.repositories, {"repository": repository}, "ADD epoch :one", {":one": 1},
            "attribute_exists(repository)",
        )  # fmt: skip
        return int(changed["epoch"]) if changed else None

    def note_analysis(self, repository: str, commit: str, epoch: int) -> None:
        self._need(self._update(
            self._settings.repositories, {"repository": repository}, "SET analysed = :at, #commit = :commit",
            {":at": now(), ":commit": commit, ":epoch": epoch}, "epoch = :epoch", {"#commit": "commit"},
        ))  # fmt: skip

    def drop_repository(self, repository: str, epoch: int) -> None:
        self._delete(self._settings.repositories, {"repository": repository}, epoch)

    # --- Pages ----------------------------------------------------------------------------------------------------

    def page(self, repository: str, path: str) -> Page | None:
        found = self._get(self._settings.pages, {"repository": repository, "path": path})
        return _page(found) if found else None

    def pages(self, repository: str) -> list[Page]:
        """All of the repository's, also those that are not shown, in the order of their paths."""
        asked = {
            "TableName": self._settings.pages, "KeyConditionExpression": "repository = :repository",
            "ExpressionAttributeValues": _packed({":repository": repository}), "ConsistentRead": True,
        }  # fmt: skip
        return [_page(one) for one in self._pages_of("query", **asked)]

    def shown(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Page]:
        """Those of these pages that are shown, by repository and path."""
        found: dict[tuple[str, str], Page] = {}
        wanted = [_packed({"repository": repository, "path": path}) for repository, path in dict.fromkeys(keys)]
        while wanted:
            answer = self._tables.batch_get_item(RequestItems={self._settings.pages: {"Keys": wanted[:100]}})
            for item in answer["Responses"].get(self._settings.pages, []):
                page = _page(_unpacked(item))
                found |= {(page.repository, page.path): page} if page.shown else {}
            left = answer.get("UnprocessedKeys", {}).get(self._settings.pages, {}).get("Keys", [])
            wanted = [*left, *wanted[100:]]
        return found

    def save(self, page: Page, epoch: int) -> Page:
        """Keep what is known of the page now; Superseded where a later owner has written."""
        item = {name: value for name, value in vars(page).items() if value not in (None, (), "", False)}
        item |= {name: list(item[name]) for name in ("documents", "stale") if name in item}
        condition = "attribute_not_exists(epoch) OR epoch <= :epoch"
        if not self._put(self._settings.pages, {**item, "epoch": epoch}, condition, {":epoch": epoch}):
            raise Superseded(f"a later job has {page.repository}")
        return page

    def drop(self, page: Page, epoch: int) -> None:
        self._delete(self._settings.pages, {"repository": page.repository, "path": page.path}, epoch)

    # --- Texts ----------------------------------------------------------------------------------------------------

    def text(self, repository: str, path: str, hash_: str) -> str | None:
        try:
            found = self._objects.get_object(Bucket=self._settings.bucket, Key=_key(repository, path, hash_))
        except self._objects.exceptions.NoSuchKey:
            return None
        return found["Body"].read().decode()

    def put_text(self, repository: str, path: str, hash_: str, text: str) -> None:
        self._objects.put_object(
            Bucket=self._settings.bucket, Key=_key(repository, path, hash_), Body=text.encode(),
            ContentType="text/markdown; charset=utf-8",
        )  # fmt: skip

    def drop_text(self, repository: str, path: str, hash_: str) -> None:
        self._objects.delete_object(Bucket=self._settings.bucket, Key=_key(repository, path, hash_))

    # --- Jobs -----------------------------------------------------------------------------------------------------

    def ask(self, job: Mapping[str, Any], trace_header: str | None) -> None:
        """Queue a job, behind all others of its repository, and note that it waits. In this order: a job that waits in
        no queue would wait for ever."""
        header = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace_header}} if trace_header else {}
        self._queue.send_message(
            QueueUrl=self._settings.queue_url, MessageBody=json.dumps(job), MessageGroupId=job["repository"][:128],
            MessageDeduplicationId=job["id"], MessageSystemAttributes=header,
        )  # fmt: skip
        item = {**job, "state": "queued", "created": now(), "expires": int(time.time()) + JOB_DAYS * 86_400}
        # It may have been begun already.
        self._put(self._settings.jobs, item, "attribute_not_exists(id)")

    def job(self, id_: str) -> dict[str, Any] | None:
        return self._get(self._settings.jobs, {"id": id_})

    def latest_jobs(self, repository: str, most: int) -> list[dict[str, Any]]:
        """The jobs of a repository that were asked for last, by an index that knows of each a moment later."""
        answer = self._tables.query(
            TableName=self._settings.jobs, IndexName="by-repository", KeyConditionExpression="repository = :repository",
            ExpressionAttributeValues=_packed({":repository": repository}), ScanIndexForward=False, Limit=most,
        )  # fmt: skip
        return [_unpacked(item) for item in answer["Items"]]

    def claim(self, job: Mapping[str, Any], holder: str) -> bool:
        """Begin the job; False where it was done before. Superseded while another worker has it."""
        at = int(time.time())
        begun = self._update(
            self._settings.jobs, {"id": job["id"]},
            "SET #state = :running, holder = :holder, lease = :lease, repository = :repository, #action = :action, "
            "created = if_not_exists(created, :created), expires = :expires REMOVE problem ADD attempts :one",
            {":running": "running", ":holder": holder, ":lease": at + LEASE_SECONDS, ":repository": job["repository"],
             ":action": job["action"], ":created": now(), ":expires": at + JOB_DAYS * 86_400, ":one": 1,
             ":done": "done", ":at": at},
            "attribute_not_exists(#state) OR NOT (#state = :done OR (#state = :running AND lease > :at))",
            {"#state": "state", "#action": "action"},
        )  # fmt: skip
        if begun is not None:
            return True
        found = self.job(job["id"])
        if found is not None and found["state"] == "done":
            return False
        raise Superseded("another worker has this job")

    def prolong(self, job: Mapping[str, Any], holder: str) -> None:
        """Tell that the worker lives."""
        self._settle(job, holder, "running", lease=int(time.time()) + LEASE_SECONDS)

    def finish(self, job: Mapping[str, Any], holder: str, state: str, problem: str = "") -> None:
        """What became of the job: `done`, `failed`, or `queued` again."""
        self._settle(job, holder, state, problem=problem[:1000], lease=0)

    def _settle(self, job: Mapping[str, Any], holder: str, state: str, **said: Any) -> None:
        values = {":state": state, ":running": "running", ":holder": holder}
        values |= {f":{name}": value for name, value in said.items()}
        expression = "SET #state = :state" + "".join(f", {name} = :{name}" for name in said)
        condition = "#state = :running AND holder = :holder"
        key = {"id": job["id"]}
        self._need(self._update(self._settings.jobs, key, expression, values, condition, {"#state": "state"}))

    def ready(self) -> None:
        """Raise unless the tables answer."""
        self._get(self._settings.repositories, {"repository": "-"})

    # --- DynamoDB -------------------------------------------------------------------------------------------------

    def _get(self, table: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        found = self._tables.get_item(TableName=table, Key=_packed(key), ConsistentRead=True).get("Item")
        return _unpacked(found) if found else None

    def _put(
        self, table: str, item: Mapping[str, Any], condition: str, values: Mapping[str, Any] | None = None
    ) -> bool:
        given = {"ExpressionAttributeValues": _packed(values)} if values else {}
        return _held(
            lambda: self._tables.put_item(TableName=table, Item=_packed(item), ConditionExpression=condition, **given)
        ) is not None  # fmt: skip

    def _update(
        self, table: str, key: Mapping[str, Any], expression: str, values: Mapping[str, Any], condition: str,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any] | None:  # fmt: skip
        """The item as it is now; None where the condition does not hold."""
        answer = _held(lambda: self._tables.update_item(
            TableName=table, Key=_packed(key), UpdateExpression=expression, ConditionExpression=condition,
            ExpressionAttributeValues=_packed(values), ReturnValues="ALL_NEW",
            **({"ExpressionAttributeNames": names} if names else {}),
        ))  # fmt: skip
        return _unpacked(answer["Attributes"]) if answer else None

    def _delete(self, table: str, key: Mapping[str, Any], epoch: int) -> None:
        self._need(_held(lambda: self._tables.delete_item(
            TableName=table, Key=_packed(key), ExpressionAttributeValues=_packed({":epoch": epoch}),
            ConditionExpression="attribute_not_exists(epoch) OR epoch <= :epoch",
        )))  # fmt: skip

    def _pages_of(self, operation: str, **asked: Any) -> Iterator[dict[str, Any]]:
        for page in self._tables.get_paginator(operation).paginate(**asked):
            yield from (_unpacked(item) for item in page["Items"])

    def _need(self, held: object) -> None:
        if held is None:
            raise Superseded("somebody else has it now")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _held(call: Any) -> dict[str, Any] | None:
    """What the call answers; None where its condition does not hold."""
    try:
        return call()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
            return None
        raise


def _key(repository: str, path: str, hash_: str) -> str:
    return f"pages/{repository}/{path}/{hash_}.md"


def _page(item: Mapping[str, Any]) -> Page:
    known = {name: value for name, value in item.items() if name in Page.__dataclass_fields__}
    lists = {name: tuple(known[name]) for name in ("documents", "stale") if name in known}
    return Page(**{**known, **lists})


def _packed(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _pack(value) for name, value in item.items()}


def _unpacked(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _unpack(value) for name, value in item.items()}
