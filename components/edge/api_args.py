"""The arguments that APIs of every kind take: routes, limits, which pages may call, what alarms ring at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from ..args import Args, ComponentArgs
from ..errors import Mistake
from ..values import LogRetentionDays, text
from .routes import RequestRoute, Route, mistaken_routes

Origin = Annotated[
    str,
    text(
        r"\*|https?://[a-z0-9.-]+(:\d{1,5})?", "write scheme and host without a path, such as https://app.example.com"
    ),
]


class Throttle(Args):
    """How much an API takes; above it, callers get 429. Both limits are always set: one that is missing beside the
    other is 0 to AWS, which refuses everybody."""

    rate_per_second: Annotated[float, Field(gt=0, le=10_000)] = 100
    """Requests in a second, over time. An account has 10,000 a second for all its APIs in a region."""

    burst: Annotated[int, Field(ge=1, le=5000)] = 200
    """Requests at the same moment; an account has 5,000."""


class Cors(Args):
    """Which web pages may call the API from a browser."""

    origins: Annotated[list[Origin], Field(min_length=1)]
    """Scheme and host, such as https://app.example.com; `*` lets every page in, and then not with credentials."""

    headers: list[str] = ["authorization", "content-type"]
    """What pages may send beside the headers that browsers always send."""

    methods: list[str] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
    """What pages may do."""

    expose: list[str] = ["location", "x-request-id"]
    """The headers of answers that pages may read."""

    credentials: bool = False
    """Whether browsers send cookies. Tokens in the header `authorization` do not need it."""

    max_age_seconds: Annotated[int, Field(ge=0, le=86_400)] = 3600
    """How long a browser need not ask again."""

    def mistakes(self) -> Iterator[Mistake]:
        if "*" in self.origins and self.credentials:
            yield Mistake("origins", "*", "cannot be used with credentials; list the origins, or give no cookies")
        if "*" in self.origins and len(self.origins) > 1:
            yield Mistake("origins", self.origins, "names * and others; write either")


class ApiArgs(ComponentArgs):
    """What is decided about an API of any kind."""

    routes: dict[str, Route]
    """What is asked → the function that answers."""

    public: bool = False
    """Everybody may call it."""

    throttle: Throttle = Throttle()
    """How much it takes."""

    latency_ms: Annotated[float, Field(gt=0, le=30_000)] = 200
    """Above this mean the alarm rings."""

    error_percent: Annotated[float, Field(gt=0, le=100)] = 1
    """Above this share of failures on our side the alarm rings."""

    log_retention_days: LogRetentionDays = 30
    """Days for which what it is asked is recorded. In YAML left out: the stack's."""

    @property
    def called(self) -> dict[tuple[str | int, ...], str]:
        """The functions that it calls, by where they are named."""
        # A route of an HTTP API may lead to the load balancer instead.
        called = {("routes", text, "function"): route.function for text, route in self.routes.items()}
        return {path: function for path, function in called.items() if function}


class RequestApiArgs(ApiArgs):
    """What is decided about an API that answers requests."""

    routes: dict[str, RequestRoute]  # pyright: ignore[reportIncompatibleVariableOverride] it cannot change
    """Method and path → function: `GET /items/{id}`; `ANY /{proxy+}` for everything below /."""

    cors: Cors | None = None
    """Pages of which origins may call from browsers. Left out: none but its own."""

    availability_percent: Annotated[float, Field(gt=0, lt=100)] = 99.9
    """Below this share of good answers in an hour the alarm rings."""

    def _mistaken_routes(self, *, has_authorizer: bool) -> Iterator[Mistake]:
        return mistaken_routes(
            self.routes, has_authorizer=has_authorizer, public=self.public, answers_browsers=self.cors is not None
        )
