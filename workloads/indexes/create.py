"""Creates an index in a collection of OpenSearch Serverless; one that is there with the same mapping stays as it is.

Called once for each index by the deployment, which fails with what is raised here. The event says which, and how:
{"index": "pages", "body": {"settings": …, "mappings": …}, "settle_seconds": 45}.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from time import sleep
from typing import Any, Final, NamedTuple, Protocol

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

_SERVICE: Final = "aoss"
_SPARE_SECONDS: Final = 20
"""Kept for the last answer, and to say so: no attempt begins later than this before the end."""
_PAUSES: Final = (2.0, 4.0, 8.0, 15.0)
_EXISTS: Final = "resource_already_exists_exception"


class IndexCreationError(Exception):
    """Why an index cannot be created. The message is shown to whoever deploys."""


class Context(Protocol):
    """What Lambda says of the call."""

    def get_remaining_time_in_millis(self) -> int: ...


class Answer(NamedTuple):
    """What the collection answers."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.text)
        except ValueError:
            return {}

    @property
    def kind(self) -> str:
        """The kind of error, as OpenSearch names it."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("type", "")) if isinstance(error, dict) else ""


Ask = Callable[[str, str, bytes], Answer]
"""Method, path and body."""


def handler(event: Mapping[str, Any], context: Context) -> dict[str, str]:
    """Create the index that `event` describes; what became of it."""

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    ask = asking(os.environ["COLLECTION_URL"], os.environ["AWS_REGION"])
    state = create(ask, event["index"], event["body"], seconds_left)
    settle = min(float(event.get("settle_seconds", 0)), seconds_left() - _SPARE_SECONDS)
    if state == "created" and settle > 0:
        # A knowledge base that is made in the same moment may not see it yet, and Bedrock refuses what it does not see.
        sleep(settle)
    return {"index": event["index"], "state": state}


def create(ask: Ask, index: str, body: Mapping[str, Any], seconds_left: Callable[[], float]) -> str:
    """`created`, or `unchanged` where an index of this mapping is there."""
    patient = _Patient(ask, seconds_left)
    answer = patient.ask("PUT", f"/{index}", json.dumps(body, sort_keys=True).encode())
    if answer.status == 200:
        return "created"
    # Also what is told of an index that an attempt has made whose answer was lost.
    if answer.kind != _EXISTS:
        raise IndexCreationError(f"{index} cannot be created: {answer.status} {_reason(answer)}")
    there = patient.ask("GET", f"/{index}", b"")
    if there.status != 200:
        raise IndexCreationError(f"{index} is there and cannot be looked at: {there.status} {_reason(there)}")
    differences = list(differing(body, there.body.get(index, {})))
    if differences:
        raise IndexCreationError(
            f"{index} is there with another mapping: {'; '.join(differences)}. OpenSearch cannot change that in an "
            "index with documents: name a new one, write the documents to it again, then leave this one out"
        )
    return "unchanged"


def differing(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """What `wanted` says and `found` says otherwise. OpenSearch answers with texts for numbers and truth values, takes
    `{"a": {"b": 1}}` for `{"a.b": 1}`, and tells more than it was told: fields that came with documents, and settings
    of its own."""
    there = dict(_leaves(found))
    for path, value in _leaves(wanted):
        if path not in there:
            yield f"{path} is missing"
        elif there[path] != value:
            yield f"{path} is {there[path]}, not {value}"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


class _Patient:
    """Asks again while a policy spreads, which takes a minute or more, and while the collection is busy or starts."""

    def __init__(self, ask: Ask, seconds_left: Callable[[], float]) -> None:
        self._ask, self._seconds_left = ask, seconds_left

    def ask(self, method: str, path: str, body: bytes) -> Answer:
        attempts = 0
        while True:
            answer, why = self._once(method, path, body)
            if answer is not None and why is None:
                return answer
            pause = _pause(answer, attempts)
            attempts += 1
            if self._seconds_left() < pause + _SPARE_SECONDS:
                raise IndexCreationError(f"{path.strip('/')} cannot be created: {why} ({attempts} attempts)")
            sleep(pause)

    def _once(self, method: str, path: str, body: bytes) -> tuple[Answer | None, str | None]:
        """The answer, and why it is not the last word."""
        try:
            answer = self._ask(method, path, body)
        except (NoConnectionError, HTTPClientError) as error:
            return None, f"the collection cannot be reached: {error}. Look at its network policy and its VPC endpoint"
        if answer.status == 403:
            return answer, (
                "the collection still answers 403. Look at the role's aoss:APIAccessAll, at the data access policy "
                "that names the role and the index, and at the network policy"
            )
        if answer.status == 429 or answer.status >= 500:
            return answer, f"the collection still answers {answer.status} {_reason(answer)}"
        return answer, None


def _pause(answer: Answer | None, attempts: int) -> float:
    wished = answer.headers.get("retry-after", "") if answer is not None else ""
    pause = _PAUSES[min(attempts, len(_PAUSES) - 1)]
    return max(pause, float(wished)) if wished.isdigit() else pause


def _reason(answer: Answer) -> str:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    if isinstance(error, dict):
        return str(error.get("reason") or error.get("type") or "")
    return str(error or answer.text[:200])


def asking(url: str, region: str) -> Ask:
    """Requests to a collection, signed with the function's own role."""
    credentials = botocore.session.Session().get_credentials()
    if credentials is None:
        raise IndexCreationError("the function has no credentials")
    http = URLLib3Session(timeout=10)

    def ask(method: str, path: str, body: bytes) -> Answer:
        # OpenSearch Serverless wants this header, and wants it signed.
        headers = {"content-type": "application/json", "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
        request = AWSRequest(method=method, url=f"{url}{path}", data=body, headers=headers)
        SigV4Auth(credentials.get_frozen_credentials(), _SERVICE, region).add_auth(request)
        answer = http.send(request.prepare())
        lower = {str(name).lower(): str(value) for name, value in answer.headers.items()}
        return Answer(answer.status_code, lower, answer.content.decode("utf-8", "replace"))

    return ask
