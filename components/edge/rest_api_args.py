"""The arguments of a REST API, and the tree of paths that AWS wants for its routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from ..args import Args
from ..errors import Mistake
from .api_args import RequestApiArgs
from .routes import RequestRoute, route_key

_MOST_RESOURCES = 300


class RestRoute(RequestRoute):
    """Where a route leads, for whom, and what may be sent there."""

    body: dict[str, Any] | None = None
    """The JSON schema (draft 4) of what is sent; anything else gets 400 and never reaches the function."""


class UserPoolAuthorizer(Args):
    """Lets in who brings an access token of the user pool that has not run out."""

    user_pool: Literal[True]
    """Tokens of the user pool that the API is given; in YAML the stack's."""


class RestApiArgs(RequestApiArgs):
    """A REST API. $4.25 for a million requests in ap-northeast-1, and what the log takes ($0.76 a GB).

    `cors`: the functions answer browsers that ask (OPTIONS, without a token), and know the origins. What API Gateway
    refuses itself (no token, too many requests) names an origin too, or pages would not learn why. That answer is the
    same for everybody: with several origins it is for any page, and then without cookies.
    """

    routes: dict[str, RestRoute]  # pyright: ignore[reportIncompatibleVariableOverride] it cannot change
    """Method and path → function: `GET /items/{id}`; `ANY /{proxy+}` for everything below /."""

    authorizer: UserPoolAuthorizer | None = None
    """Who may call routes that are not public. Left out, the API must say that it is public."""

    timeout_seconds: Annotated[float, Field(ge=0.05, le=29)] = 29
    """How long it waits for a function: one that may work longer is cut off."""

    tracing: bool = False
    """Whether X-Ray follows requests from here on: $5 for a million traces."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from self._mistaken_routes(has_authorizer=self.authorizer is not None)
        yield from _siblings(self.routes)
        for text, route in self.routes.items():
            method = route_key(text).method
            if route.body is not None and method in ("GET", "HEAD", "OPTIONS"):
                yield Mistake(("routes", text, "body"), route.body, f"makes no sense: a {method} sends none; remove it")
        if len(paths(self.routes)) > _MOST_RESOURCES:
            why = f"have too many paths; AWS allows {_MOST_RESOURCES} parts"
            yield Mistake("routes", f"{len(self.routes)} routes", why)
        if self.cors is not None and "*" in self.cors.origins:
            yield Mistake(("cors", "origins"), "*", "is too much: here functions answer browsers; name the origins")
        elif self.cors is not None and self.cors.credentials and len(self.cors.origins) > 1:
            yield Mistake(
                ("cors", "origins"),
                self.cors.origins,
                "are several, and what a REST API refuses itself can name one; list one, or give no cookies",
            )


def _siblings(routes: Iterable[str]) -> Iterator[Mistake]:
    """Where one path has a parameter, a REST API allows no path with another in its place."""
    seen: dict[str, tuple[str, str]] = {}
    for text in routes:
        for path in _ancestors(route_key(text).path):
            parent, _, last = path.rpartition("/")
            if not last.startswith("{"):
                continue
            other, first = seen.setdefault(parent, (last, text))
            if other != last:
                why = f"has {last} where {first!r} has {other}; a REST API wants one name for one place"
                yield Mistake("routes", text, why)


def _ancestors(path: str) -> list[str]:
    """`/a/b` → /a, /a/b."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[: number + 1]) for number in range(len(parts))]


def paths(routes: Iterable[str]) -> list[str]:
    """Every path that is a resource to AWS, those above first."""
    return sorted({path for text in routes for path in _ancestors(route_key(text).path)})
