"""What an API answers: methods and paths as people write them, and the mistakes that can be seen in the table alone.

check_routes(["GET /items", "get /items/"])   # refused: the same route twice
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components.refusal import Refusal, nearest

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_PARAMETER = re.compile(r"\{[A-Za-z0-9_.-]+\+?\}")
_LITERAL = re.compile(r"[A-Za-z0-9._~:@!$&'()*,;=%-]+")


class Invocable(Protocol):
    """A function as an API sees it: what it calls, and who lets it."""

    @property
    def invoke_arn(self) -> pulumi.Output[str]:
        """Where API Gateway finds the version that is live."""
        ...

    def allow_invocation(self, name: str, *, principal: str, source_arn: pulumi.Input[str]) -> object:
        """Let an AWS service call it on behalf of `source_arn`."""
        ...


@dataclass(frozen=True, kw_only=True)
class ApiRoute:
    """Where a route leads, and for whom."""

    function: str
    """Which of the API's functions answers."""

    public: bool = False
    """Whether everybody may call it, also where the API has an authorizer."""

    scopes: Sequence[str] = ()
    """What a token must allow, one of these; empty: any valid token."""

    body: Mapping[str, object] | None = None
    """The JSON schema (draft 4) of what is sent; anything else gets 400 and never reaches the function. REST only."""


@dataclass(frozen=True, kw_only=True)
class RouteKey:
    """A method and a path."""

    method: str
    """In capitals; ANY: all of them."""
    path: str
    """Begins with `/`, and ends with one only where it is nothing else."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def shape(self) -> str:
        """The path without the names of its parameters: two routes of one shape and method are the same to AWS."""
        return re.sub(r"\{[^{}+]+(\+?)\}", r"{\1}", self.path)

    @property
    def part(self) -> str:
        """The route in the name of a resource: `get-items-id`."""
        words = re.sub(r"[^a-z0-9]+", "-", self.path.lower().replace("+", "-all")).strip("-")
        return f"{self.method.lower()}-{words or 'root'}"


def route_key(text: str) -> RouteKey:
    """`get /items/` → GET /items; refuses what is no method and path."""
    method, _, path = text.strip().partition(" ")
    method, path = method.upper(), path.strip()
    if method not in (*METHODS, "ANY"):
        raise Refusal(
            "routes", text, f"does not begin with a method; use ANY, {', '.join(METHODS)}, such as GET /items"
        )
    if not path.startswith("/"):
        raise Refusal("routes", text, f"has no path that begins with /; write one such as {method} /items")
    path = path.rstrip("/") or "/"
    segments = path.split("/")[1:] if path != "/" else []
    for position, segment in enumerate(segments):
        if not (_PARAMETER.fullmatch(segment) or _LITERAL.fullmatch(segment)):
            raise Refusal(
                "routes", text, f"has the part {segment!r}; use words, {{parameters}}, or {{proxy+}} at the end"
            )
        if segment.endswith("+}") and position < len(segments) - 1:
            raise Refusal("routes", text, f"has {segment} before its end, where it would swallow the rest; put it last")
    names = [segment.strip("{+}") for segment in segments if segment.startswith("{")]
    if len(set(names)) != len(names):
        raise Refusal("routes", text, "names a parameter twice; give each a name of its own")
    return RouteKey(method=method, path=path)


def check_routes(texts: Iterable[str]) -> dict[str, RouteKey]:
    """The routes by the texts that name them; refuses one that is there twice, in whatever spelling."""
    read: dict[str, RouteKey] = {}
    seen: dict[tuple[str, str], str] = {}
    for text in texts:
        key = route_key(text)
        other = seen.setdefault((key.method, key.shape), text)
        if other != text:
            raise Refusal("routes", text, f"is the same route as {other!r}; remove one of them")
        read[text] = key
    if not read:
        raise Refusal("routes", {}, "would answer nothing; write one or more, such as GET /items")
    _check_parts(read)
    return read


def _check_parts(read: dict[str, RouteKey]) -> None:
    """Resources are named by their routes, so that two must not come to the same name."""
    seen: dict[str, str] = {}
    for text, key in read.items():
        other = seen.setdefault(key.part, text)
        if other != text:
            raise Refusal(
                "routes", text, f"and {other!r} differ only in signs that the names of resources lack; rename one"
            )


def written_out(key: RouteKey) -> list[RouteKey]:
    """ANY as one route for each method but OPTIONS, which is left to the API's own answer to browsers."""
    if key.method != "ANY":
        return [key]
    return [RouteKey(method=method, path=key.path) for method in METHODS if method != "OPTIONS"]


def check_access(routes: Mapping[str, ApiRoute], *, has_authorizer: bool, public: bool) -> None:
    """Nobody opens an API by forgetting something: it has an authorizer, or says in so many words that it has none."""
    if has_authorizer and public:
        raise Refusal("public", True, "makes no sense with an authorizer; leave one of them out")
    for text, route in routes.items():
        if route.public and route.scopes:
            raise Refusal(f"routes.{text}", "public", "makes no sense with scopes; leave one of them out")
        if route.scopes and not has_authorizer:
            raise Refusal(f"routes.{text}", "scopes", "cannot be checked: the API has no authorizer; give it one")
        if not (has_authorizer or public or route.public or route_key(text).method == "OPTIONS"):
            raise Refusal(
                f"routes.{text}",
                "without authorization",
                "would be open to everybody; give the API an authorizer, or write public: true at it or at the route",
            )


def check_functions(routes: Mapping[str, str], functions: Collection[str]) -> None:
    """Refuse a route that leads to a function which is not there."""
    for text, function in routes.items():
        if function not in functions:
            known = ", ".join(sorted(functions)) or "none"
            raise Refusal(
                f"routes.{text}.function",
                function,
                f"is not a function of this stack; {nearest(function, functions)}the functions are: {known}",
            )
