"""What an API answers: methods and paths as people write them, and the mistakes that can be seen in the table alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import pulumi

from ..args import Args
from ..errors import Mistake, nearest
from ..values import Name

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


class Route(Args):
    """Where a route leads."""

    function: Name
    """The function that answers."""


class RequestRoute(Route):
    """Where a route leads, and for whom."""

    public: bool = False
    """Everybody may call it, also where the API has an authorizer."""

    scopes: list[str] = []
    """What a token must allow, one of these. Left out, with a user pool: any access token of somebody who has signed
    in, no id token; with another issuer: any token."""


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
    """`get /items/` → GET /items."""
    method, _, path = text.strip().partition(" ")
    path = path.strip()
    return RouteKey(method=method.upper(), path=path.rstrip("/") or path[:1])


def written_out(key: RouteKey) -> list[RouteKey]:
    """ANY as one route for each method but OPTIONS, which is left to the API's own answer to browsers."""
    if key.method != "ANY":
        return [key]
    return [RouteKey(method=method, path=key.path) for method in METHODS if method != "OPTIONS"]


def mistaken_routes(
    routes: Mapping[str, RequestRoute], *, has_authorizer: bool, public: bool, answers_browsers: bool
) -> Iterator[Mistake]:
    """What is no method and path, what is there twice in whatever spelling, and what would be open by oversight."""
    same: dict[tuple[str, str], str] = {}
    # Resources are named by their routes.
    named: dict[str, str] = {}
    for text, route in routes.items():
        key = route_key(text)
        if wrong := _wrong_with(key):
            yield Mistake("routes", text, wrong)
        elif (other := same.setdefault((key.method, key.shape), text)) != text:
            yield Mistake("routes", text, f"is the same route as {other!r}; remove one of them")
        elif (other := named.setdefault(key.part, text)) != text:
            why = f"and {other!r} differ only in signs that the names of resources lack; rename one"
            yield Mistake("routes", text, why)
        if key.method == "OPTIONS" and answers_browsers:
            yield Mistake("routes", text, "is answered for browsers already (cors); remove one of them")
        if route.public and route.scopes:
            yield Mistake(("routes", text, "public"), True, "makes no sense with scopes; leave one of them out")
        if route.scopes and not has_authorizer:
            why = "cannot be checked: the API has no authorizer; give it one"
            yield Mistake(("routes", text, "scopes"), route.scopes, why)
        if not (has_authorizer or public or route.public or key.method == "OPTIONS"):
            yield Mistake(
                ("routes", text),
                "without authorization",
                "would be open to everybody; give the API an authorizer, or write public: true at it or at the route",
            )
    if not routes:
        yield Mistake("routes", {}, "would answer nothing; write one or more, such as GET /items")
    if has_authorizer and public:
        yield Mistake("public", True, "makes no sense with an authorizer; leave one of them out")


def _wrong_with(key: RouteKey) -> str:
    """Why AWS would not take it; nothing if it would."""
    if key.method not in (*METHODS, "ANY"):
        return f"does not begin with a method; use ANY, {', '.join(METHODS)}, such as GET /items"
    if not key.path.startswith("/"):
        return f"has no path that begins with /; write one such as {key.method} /items"
    segments = key.path.split("/")[1:] if key.path != "/" else []
    for position, segment in enumerate(segments):
        if not (_PARAMETER.fullmatch(segment) or _LITERAL.fullmatch(segment)):
            return f"has the part {segment!r}; use words, {{parameters}}, or {{proxy+}} at the end"
        if segment.endswith("+}") and position < len(segments) - 1:
            return f"has {segment} before its end, where it would swallow the rest; put it last"
    names = [segment.strip("{+}") for segment in segments if segment.startswith("{")]
    return "names a parameter twice; give each a name of its own" if len(set(names)) != len(names) else ""


def mistaken_functions(called: Mapping[tuple[str | int, ...], str], functions: Collection[str]) -> Iterator[Mistake]:
    """The functions that an API calls and that are not there; each is known by where it is named."""
    for path, function in called.items():
        if function not in functions:
            known = ", ".join(sorted(functions)) or "none"
            why = f"is not a function of this stack; {nearest(function, functions)}the functions are: {known}"
            yield Mistake(path, function, why)
