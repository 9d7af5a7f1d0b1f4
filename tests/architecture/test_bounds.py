"""Every number that a stack's file may hold has bounds, wherever they stand: AWS's, or those of what it means."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any, get_args, get_origin

import pytest
import yaml

from components.args import Args
from components.spelling import to_camel
from settings import Settings
from tests.conftest import ROOT, Recorder
from tests.stack_files import mistakes

ALWAYS = ("cluster", "logRouter", "expected")
"""Sections that are there although a file says nothing of them."""

FUNCTION = "arn:aws:lambda:ap-northeast-1:123456789012:function:rotate"
MORE: dict[str, dict[str, Any]] = {
    "prod": {
        "database": {
            "engine": "aurora",
            "instanceClass": "db.serverless",
            "serverless": {"minUnits": 1, "maxUnits": 4},
        }
    },
    "dev": {
        "apis": {
            "desk": {
                "kind": "rest",
                "public": True,
                "firewall": {"mode": "block", "rateLimit": 2000},
                "routes": {"GET /items": {"function": "nightly"}},
            }
        },
        "buckets": {"locked": {"objectLock": {"mode": "GOVERNANCE", "days": 1}}, "documents": {"events": True}},
        "vectorCollections": {
            "search": {
                "bedrock": True,
                "limits": {"indexing": 2, "search": 2},
                "indexes": {"pages": {"mapping": "pages", "embeddingModel": "titan-embed-text-v2", "dimension": 1024}},
            }
        },
        "knowledgeBases": {
            "wiki": {
                "collection": "search",
                "index": "pages",
                "bucket": "documents",
                "chunks": {"tokens": 300},
                "schedule": {"expression": "rate(1 day)"},
            }
        },
        "functions": {
            "nightly": {"package": "api", "handler": "api.function.handler", "schedule": {"expression": "rate(1 hour)"}}
        },
        "secrets": {"key": {"description": "x", "rotation": {"functionArn": FUNCTION}}},
        "modelAccess": {
            "models": {
                "writer": {"model": "claude-sonnet-4-6", "temperature": 0.1, "alarmTokensPerHour": 1},
                "embedder": {"model": "titan-embed-text-v2", "dimensions": 1024},
            },
            "invocationLogs": {"mode": "create"},
        },
        "pipeline": {
            "repository": "acme/wiki",
            "connection": "arn:aws:codeconnections:ap-northeast-1:123456789012:connection/1",
            "backend": "s3://state",
            "planRole": "arn:aws:iam::123456789012:role/plan",
            "infrastructureRole": "arn:aws:iam::123456789012:role/infrastructure",
            "staging": {
                "stack": "staging",
                "backend": "s3://state",
                "infrastructureRole": "arn:aws:iam::123456789012:role/infrastructure",
            },
        },
        "tracing": {},
        "simpleService": {
            "kind": "appRunner",
            "scaling": {},
            "image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/api:1.0.0",
        },
        "services": {"traced": {"imageOf": "api", "command": ["true"], "cpu": 1024, "memory": 2048, "tracing": {}}},
        "recovery": {"rpoHours": 24, "rtoHours": 24, "measured": {"database": {"damage": 1}}},
    },
}
"""Sections that no stack of ours has as such, and where to put them."""


def numbers(annotation: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of numbers below an annotation; `*` is a name that the user chooses, or an entry of a list."""
    if annotation in (int, float):
        yield path
    elif isinstance(annotation, type) and issubclass(annotation, Args):
        for name, field in annotation.model_fields.items():
            yield from numbers(field.annotation, (*path, to_camel(name)))
    elif get_origin(annotation) in (dict, list):
        yield from numbers(get_args(annotation)[-1], (*path, "*"))
    else:
        for part in get_args(annotation):
            yield from numbers(part, path)


PLACES = sorted(set(numbers(Settings)))


@cache
def stacks() -> list[dict[str, Any]]:
    read = {
        path.name.split(".")[1]: {
            key.removeprefix("kumiki:"): value
            for key, value in yaml.safe_load(path.read_text())["config"].items()
            if key.startswith("kumiki:")
        }
        for path in sorted(ROOT.glob("Pulumi.*.yaml"))
    }
    named = ("buckets", "functions", "secrets", "services")
    for name, more in MORE.items():
        # What has names of the user's is added to what there is, which other sections refer to.
        added = {key: {**read[name].get(key, {}), **one} if key in named else one for key, one in more.items()}
        read[f"{name} with more"] = {**read[name], **added}
    return list(read.values())


def places(config: Any, path: tuple[str, ...], where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in this file such a number may stand, as far as the file has the parts around it."""
    head, *rest = path
    if not isinstance(config, dict | list):
        return
    names: Any = [head] if head != "*" else config if isinstance(config, dict) else range(len(config))
    for name in names:
        if not rest:
            yield (*where, name)
        elif isinstance(config, list) or name in config:
            yield from places(config[name], tuple(rest), (*where, name))
        elif where == () and head in ALWAYS:
            yield (name, *rest)


def key_of(where: tuple[Any, ...]) -> str:
    return f"kumiki:{where[0]}" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where[1:])


def refused_keys(config: Mapping[str, Any], wheres: Iterable[tuple[Any, ...]], value: float) -> set[str]:
    """The keys that are refused of this stack with the value put in each of these places."""
    changed: Any = deepcopy(dict(config))
    for where in wheres:
        inner = changed
        for name in where[:-1]:
            inner = inner.setdefault(name, {}) if isinstance(inner, dict) else inner[name]
        inner[where[-1]] = value
    texts = {f"kumiki:{key}": one if isinstance(one, str) else json.dumps(one) for key, one in changed.items()}
    return {mistake.key for mistake in mistakes(texts)}


def at(config: Any, where: tuple[Any, ...]) -> Any:
    for name in where:
        if isinstance(config, dict) and name not in config:
            return None
        config = config[name]
    return config


@cache
def numbered() -> list[dict[tuple[str, ...], list[tuple[Any, ...]]]]:
    """For each stack, where it has a number, by path: nothing but the value can be wrong there with another."""
    return [
        {path: [one for one in places(config, path) if type(at(config, one)) in (int, float)] for path in PLACES}
        for config in stacks()
    ]


@cache
def refused_together(stack: int, what: str) -> set[str]:
    """The keys that are refused with the value in all places where the stack has a number: every mistake is said at
    once."""
    wheres = [where for found in numbered()[stack].values() for where in found]
    return refused_keys(stacks()[stack], wheres, NOT_MEANT[what])


def is_refused(path: tuple[str, ...], what: str) -> bool:
    found = [(stack, where) for stack, config in enumerate(stacks()) for where in places(config, path)]
    assert found, "no stack has a part that could hold it: add one to MORE"
    filled = [(stack, where) for stack, places in enumerate(numbered()) for where in places[path]]
    if filled:
        return all(
            covers(refused_together(stack, what), where) or is_refused_there(stack, where, what)
            for stack, where in filled
        )
    # The refusal may have more than this value to name.
    return any(is_refused_there(stack, where, what) for stack, where in found)


def is_refused_there(stack: int, where: tuple[Any, ...], what: str) -> bool:
    return covers(refused_keys(stacks()[stack], [where], NOT_MEANT[what]), where)


def covers(refused: set[str], where: tuple[Any, ...]) -> bool:
    key = key_of(where)
    return any(one == key or key.startswith(f"{one}.") for one in refused)


NOT_MEANT: dict[str, float] = {"huge": 10**15, "negative": -1, "nan": math.nan, "yes": True}


@pytest.mark.parametrize("path", PLACES, ids=".".join)
def test_a_number_that_cannot_be_meant_is_refused_by_its_key(path: tuple[str, ...], recorder: Recorder) -> None:
    del recorder
    assert [what for what in NOT_MEANT if not is_refused(path, what)] == []
