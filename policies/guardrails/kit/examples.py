"""Small programs that keep or break a rule: its tests, and its documentation."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from guardrails import types
from guardrails.kit.resources import Provider, Resource
from guardrails.kit.stack import Stack
from guardrails.kit.values import UNKNOWN, Props


@dataclass(frozen=True)
class Ref:
    """A property that is another resource's output; not known at a preview, but known to come from there."""

    name: str
    output: str = "id"


@dataclass(frozen=True, kw_only=True)
class Given:
    """A resource of an example, as a program would write it."""

    type: str
    name: str
    props: dict[str, Any]
    protect: bool = False
    provider: dict[str, Any] = field(default_factory=dict[str, Any])
    after: tuple[str, ...] = ()
    """The names of what the program makes before it by `dependsOn`."""

    @property
    def urn(self) -> str:
        return f"urn:pulumi:dev::kumiki::{self.type}::{self.name}"


@dataclass(frozen=True, kw_only=True)
class Example:
    resources: tuple[Given, ...]
    stack: Stack

    def made(self, *, preview: bool = False, linked: bool = True) -> list[Resource]:
        """The example's resources: at a `preview` outputs are unknown; without links only their values tell."""
        return [self._made(given, preview=preview, linked=linked) for given in self.resources]

    def _made(self, given: Given, *, preview: bool, linked: bool) -> Resource:
        links: dict[str, tuple[str, ...]] = {}
        for key, value in given.props.items():
            urns = tuple(self._urn(ref.name) for ref in _refs(value))
            if urns and linked:
                links[key] = urns
        inputs = {key: _resolved(value, preview=preview) for key, value in given.props.items()}
        outputs = {key: UNKNOWN if preview else output_of(given.name, key) for key in ("id", "arn")}
        return Resource(
            type=given.type,
            name=given.name,
            urn=given.urn,
            props=Props({**outputs, **inputs}),
            inputs=Props(inputs),
            protect=given.protect,
            provider=Provider(type=types.PROVIDER, props=Props(given.provider)),
            dependencies=links,
            after=frozenset(self._urn(name) for name in given.after),
        )

    def _urn(self, name: str) -> str:
        return next(given.urn for given in self.resources if given.name == name)


def example(
    *resources: Given,
    environment: str = "dev",
    product: str = "kumiki",
    free_tier: bool = False,
    free_plan: bool = False,
    log_kinds: dict[str, int] | None = None,
) -> Example:
    """Resources that stand in one stack."""
    return Example(
        resources=resources,
        stack=Stack(
            environment=environment,
            product=product,
            owner="platform",
            free_tier=free_tier or free_plan,
            free_plan=free_plan,
            log_kinds=log_kinds,
        ),
    )


def aws(
    type_: str,
    props: dict[str, Any] | None = None,
    *,
    name: str = "kumiki-dev-app-it",
    protect: bool = False,
    provider: dict[str, Any] | None = None,
    after: tuple[str, ...] = (),
) -> Given:
    """A resource: `aws("s3/bucket:Bucket", {"forceDestroy": True})`."""
    full = type_ if type_.startswith(("aws:", "pulumi:")) else f"aws:{type_}"
    given = {"region": "ap-northeast-1"} if provider is None else provider
    return Given(type=full, name=name, props=props or {}, protect=protect, provider=given, after=after)


def ref(name: str, output: str = "id") -> Any:
    return Ref(name, output)


def json_of(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def output_of(name: str, output: str) -> str:
    return f"arn:aws:example:ap-northeast-1:123456789012:{name}" if output == "arn" else f"{name}-{output}"


def _refs(value: Any) -> list[Ref]:
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, dict):
        return [found for item in value.values() for found in _refs(item)]
    return [found for item in value for found in _refs(item)] if isinstance(value, list) else []


def _resolved(value: Any, *, preview: bool) -> Any:
    if isinstance(value, Ref):
        return UNKNOWN if preview else output_of(value.name, value.output)
    if isinstance(value, dict):
        return {key: _resolved(item, preview=preview) for key, item in value.items()}
    return [_resolved(item, preview=preview) for item in value] if isinstance(value, list) else value
