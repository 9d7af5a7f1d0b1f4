"""Models of Bedrock, for the api and the wiki: one writes, one embeds. Both are asked again when they throttle, and
left alone while they are down.

Below a path the Parameter Store has `writer/id`, `writer/max-tokens`, `writer/temperature`, `writer/top-p`,
`writer/guardrail-id`, `writer/guardrail-version`, `embedder/id` and `embedder/dimensions`. What is not there is not
sent: there are models that refuse a temperature, or one beside top-p.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004 its name there

log = logging.getLogger("api.bedrock")

PASSING = {
    "InternalServerException",
    "ModelErrorException",
    "ModelNotReadyException",
    "ModelTimeoutException",
    "ServiceQuotaExceededException",
    "ServiceUnavailableException",
    "ThrottlingException",
}
"""Errors that may be gone with the next attempt (troubleshooting-api-error-codes in Bedrock's user guide)."""

FRESH_SECONDS = 60
"""How long parameters are gone by that were read."""


class ModelUnavailable(Exception):
    """No model answers now; the same question may be answered later."""


class ModelRefused(Exception):
    """A model, a guardrail or a policy does not answer this question, now or later."""


def wait(attempt: int, *, base: float = 0.5, most: float = 20, share: Callable[[], float] = random.random) -> float:
    """Seconds before the next attempt: any up to a bound that doubles, so that those who were refused together do not
    come back together (aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter, full jitter)."""
    return share() * min(most, base * 2**attempt)


@dataclass(kw_only=True)
class Breaker:
    """Opens after failures in a row: then nobody is asked. After a while one question is let through, whose answer
    closes it."""

    most_failures: int = 5
    open_seconds: float = 30
    clock: Callable[[], float] = time.monotonic
    _failures: int = field(default=0, init=False)
    _closed_at: float = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @property
    def opens_in(self) -> float:
        """Seconds until somebody may ask; 0 where somebody may now."""
        with self._lock:
            return max(0.0, self._closed_at - self.clock())

    def enter(self) -> None:
        """Raise unless the caller may ask now."""
        with self._lock:
            if self.clock() < self._closed_at:
                raise ModelUnavailable("the model has failed repeatedly and is not asked for a while")
            if self._failures >= self.most_failures:
                # The others wait for the answer of this one.
                self._closed_at = self.clock() + self.open_seconds

    def note(self, *, answered: bool) -> None:
        """What came of a question."""
        with self._lock:
            self._failures = 0 if answered else self._failures + 1
            self._closed_at = self.clock() + self.open_seconds if self._failures >= self.most_failures else 0


class BadParameters(Exception):
    """The Parameter Store does not say which models there are, or how they are asked."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """The model that writes: its id or that of an inference profile, and how it is asked."""

    id: str
    max_tokens: int
    temperature: float | None
    top_p: float | None
    guardrail: tuple[str, str] | None
    """Its id and its version."""

    def material(self, text: str) -> dict[str, Any]:
        """The text as a block of a request: marked, where there is a guardrail, which then looks for attacks in what is
        marked and nowhere else."""
        return {"text": text} if self.guardrail is None else {"guardContent": {"text": {"text": text}}}

    @property
    def inference(self) -> dict[str, float]:
        given = {"maxTokens": self.max_tokens, "temperature": self.temperature, "topP": self.top_p}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Embedder:
    """The model that embeds."""

    id: str
    dimensions: int


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a model wrote, and why it ended there."""

    text: str
    reason: str

    @property
    def declined(self) -> bool:
        """Whether the model or its guardrail did not want to answer: the text, if any, only says so."""
        return self.reason in {"guardrail_intervened", "content_filtered", "refusal"} or not self.text


@dataclass(kw_only=True)
class Models:
    """What the application asks of models."""

    runtime: Any
    parameters: Callable[[str], Mapping[str, str]]
    """What is below the path for a use, `writer` or `embedder`: a program may read of its own uses only."""
    attempts: int = 6
    breaker: Breaker = field(default_factory=Breaker)

    def writer(self) -> Writer:
        """The model that writes now."""
        given = self.parameters("writer")
        guardrail, version = given.get("writer/guardrail-id"), given.get("writer/guardrail-version")
        return Writer(
            id=_needed(given, "writer/id"),
            max_tokens=int(_number(given, "writer/max-tokens", 1, 1_000_000)),
            temperature=_number(given, "writer/temperature", 0, 1) if "writer/temperature" in given else None,
            top_p=_number(given, "writer/top-p", 0, 1) if "writer/top-p" in given else None,
            guardrail=(guardrail, version) if guardrail and version else None,
        )

    def embedder(self) -> Embedder:
        """The model that embeds now."""
        given = self.parameters("embedder")
        length = int(_number(given, "embedder/dimensions", 1, 16_000))
        return Embedder(id=_needed(given, "embedder/id"), dimensions=length)

    def converse(
        self, writer: Writer, system: str, messages: Sequence[Mapping[str, Any]], pause: Callable[[float], None]
    ) -> Written:
        """What the model says next. `messages` as Converse takes them; `pause` waits, or raises where there is no
        time."""
        request: dict[str, Any] = {
            "modelId": writer.id, "system": [{"text": system}], "inferenceConfig": writer.inference,
            "messages": messages,
        }  # fmt: skip
        if writer.guardrail is not None:
            identity, version = writer.guardrail
            request["guardrailConfig"] = {"guardrailIdentifier": identity, "guardrailVersion": version}
        answer = self._ask(lambda: self.runtime.converse(**request), pause)
        text = "".join(part.get("text", "") for part in answer["output"]["message"]["content"]).strip()
        return Written(text=text, reason=answer["stopReason"])

    def embed(self, text: str, pause: Callable[[float], None]) -> list[float]:
        """The text as a vector of length 1."""
        embedder = self.embedder()
        body = json.dumps({"inputText": text, "dimensions": embedder.dimensions, "normalize": True})

        def ask() -> Any:
            answer = self.runtime.invoke_model(
                modelId=embedder.id, body=body, contentType="application/json", accept="application/json"
            )
            return json.loads(answer["body"].read())

        vector = self._ask(ask, pause).get("embedding")
        if not isinstance(vector, list) or len(vector) != embedder.dimensions:
            raise ModelRefused(f"{embedder.id} answers no vector of {embedder.dimensions} numbers")
        return vector

    def _ask(self, question: Callable[[], Any], pause: Callable[[float], None]) -> Any:
        for attempt in range(self.attempts):
            self.breaker.enter()
            try:
                answer = question()
            except (ClientError, BotoCoreError) as error:
                if not _passes(error):
                    # It answered, if not with what was asked for.
                    self.breaker.note(answered=True)
                    raise ModelRefused(str(error)) from error
                self.breaker.note(answered=False)
                if attempt + 1 == self.attempts:
                    raise ModelUnavailable(f"the model does not answer: {error}") from error
                pause(wait(attempt))
            else:
                self.breaker.note(answered=True)
                return answer
        raise AssertionError("the last attempt answers or raises")


def patience(read_seconds: int, *, connect_seconds: int = 3, connections: int = 10) -> Config:
    """How a client waits. Attempts are counted here, where a process that has to go can end them."""
    return Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"total_max_attempts": 1},
        max_pool_connections=connections,
    )


def _passes(error: ClientError | BotoCoreError) -> bool:
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code") in PASSING
    return isinstance(error, (ConnectionError, HTTPClientError))


def _needed(given: Mapping[str, str], name: str) -> str:
    if not given.get(name):
        raise BadParameters(f"{name} is missing below the path that MODELS_PATH names")
    return given[name]


def _number(given: Mapping[str, str], name: str, least: float, most: float) -> float:
    text = _needed(given, name)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise BadParameters(f"{name} is {text!r}; use a number from {least} to {most}")
    return number


def parameters_below(path: str, ssm: Any) -> Callable[[str], Mapping[str, str]]:
    """What is below the path for a use now, or was a minute ago. Each use by itself: who may ask by a path may see all
    that is below it (docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html), so a program
    is allowed the paths of its own uses, and none above them."""
    kept: dict[str, tuple[float, Mapping[str, str]]] = {}

    def read(use: str) -> Mapping[str, str]:
        if use in kept and time.monotonic() - kept[use][0] <= FRESH_SECONDS:
            return kept[use][1]
        try:
            pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=f"{path}/{use}", Recursive=True)
            found = {one["Name"].removeprefix(f"{path}/"): one["Value"] for page in pages for one in page["Parameters"]}
        except (BotoCoreError, ClientError) as error:
            if use not in kept:
                raise ModelUnavailable(f"nothing says which models there are: {error}") from error
            # Better by those of a minute ago than not at all.
            log.error("the parameters cannot be read again: %s", error)
            found = kept[use][1]
        kept[use] = (time.monotonic(), found)
        return found

    return read
