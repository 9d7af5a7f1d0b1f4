"""Settings of APIs: which routes lead to which functions, and who may call them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from settings.edge import LABEL, FirewallSettings
from settings.section import Name, Section, text

if TYPE_CHECKING:
    from settings import Settings


class ApiRouteSettings(Section):
    """Where a route leads."""

    function: Name
    """A function of the stack."""
    public: bool = False
    """Everybody may call it, also where the API has an authorizer."""
    scopes: list[str] = []
    """What a token must allow, one of these."""
    body: Name | None = None
    """The file workloads/schemas/<body>.json with the JSON schema of what is sent. REST only."""


class ApiAuthorizerSettings(Section):
    """Who judges tokens: one of three."""

    user_pool: bool = False
    """The stack's user pool. HTTP and REST."""
    issuer: str | None = None
    """Another issuer's URL, with audiences. HTTP only."""
    audiences: list[str] = []
    function: Name | None = None
    """A function of the stack. WebSocket only."""


class ApiCorsSettings(Section):
    """Which web pages may call from browsers."""

    origins: list[str]
    """Such as https://app.example.com."""
    credentials: bool = False
    """Whether browsers send cookies."""
    headers: list[str] = ["authorization", "content-type"]
    methods: list[str] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
    max_age_seconds: int = 3600


class ApiThrottleSettings(Section):
    """How much an API takes; above it, callers get 429."""

    rate_per_second: float = 100
    burst: int = 200


class ApiSettings(Section):
    """One API."""

    kind: Literal["http", "rest", "webSocket"]
    """http: the cheap one. rest: checks what is sent, traces, can have a firewall; three times the price."""

    routes: dict[str, ApiRouteSettings]
    """`GET /items/{id}`, `ANY /{proxy+}`; of a WebSocket $connect, $disconnect, $default, or a message's action."""

    public: bool = False
    """Everybody may call every route."""
    authorizer: ApiAuthorizerSettings | None = None
    """Must be there unless the API or the route is public."""
    cors: ApiCorsSettings | None = None
    throttle: ApiThrottleSettings = ApiThrottleSettings()
    timeout_seconds: float | None = None
    """How long it waits for a function: up to 30 seconds (http) or 29; left out, as long as it can."""
    tracing: bool = False
    """X-Ray, $5 for a million traces. REST only."""
    subdomain: Annotated[str, text(LABEL, "use one label, such as api")] | None = None
    """It is called `{subdomain}.{domain.name}`; left out, by the name that AWS gives it."""
    firewall: FirewallSettings | None = None
    """About $10 a month. REST only."""
    speakers: list[Name] = []
    """Functions that may speak to the connections of a WebSocket."""
    latency_ms: Annotated[float, Field(gt=0)] = 200
    """Above this mean the alarm rings."""
    error_percent: Annotated[float, Field(gt=0, le=100)] = 1
    """Above this share of 5xx answers the alarm rings."""
    availability_percent: Annotated[float, Field(gt=0, lt=100)] = 99.9
    """Below this share of good answers in an hour the alarm rings."""


# What stands behind the name of an API in the names of the components that belong to it.
PARTS_OF_AN_API = ("-tls", "-firewall")

# What only some kinds of API can have: the keys, who can, and why not the others.
_ONLY: dict[str, tuple[tuple[str, ...], str]] = {
    "tracing": (("rest",), "X-Ray begins at the functions there; remove it, or use kind: rest"),
    "firewall": (
        ("rest",),
        "AWS WAF cannot stand before such an API; put it behind a site with a firewall, or use kind: rest",
    ),
    "cors": (("http", "rest"), "browsers do not ask before they open a WebSocket; remove it"),
    "speakers": (("webSocket",), "it has no connections to speak to; remove it"),
}


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    taken = {
        name: f"{section}.{name}"
        for section in ("buckets", "tables", "queues", "workflows", "services", "functions")
        for name in getattr(settings, section)
    }
    names: dict[str, str] = {}
    if settings.domain is not None and settings.load_balancer is not None:
        names[settings.domain.api] = "domain.api"
    if settings.site is not None and settings.site.domain is not None:
        names[settings.site.domain] = "site.domain"
    for name, api in settings.apis.items():
        key = f"apis.{name}"
        for one in (name, *(f"{name}{part}" for part in PARTS_OF_AN_API)):
            if one in taken:
                yield key, f"is, or needs for a part, the name of {taken[one]} too; give one of them another"
        if api.subdomain is not None:
            if settings.domain is None:
                yield f"{key}.subdomain", f"{api.subdomain} is below the stack's domain, which is missing; add domain"
            other = names.setdefault(api.subdomain, f"{key}.subdomain")
            if other != f"{key}.subdomain":
                yield f"{key}.subdomain", f"{api.subdomain} is the name of {other} already; choose another"
        yield from _by_kind(key, api)
        yield from _authorizer(key, api, settings)
        if settings.free_tier and api.firewall is not None:
            yield f"{key}.firewall", "costs about $10 a month and freeTier is true; remove it"
        for speaker in api.speakers:
            if speaker not in settings.functions:
                yield f"{key}.speakers", f"{speaker} is not a function of this stack; {_known(settings)}"
            elif _lacks_a_way(settings, speaker):
                yield "network.endpoints", f"lacks execute-api, by which {speaker} speaks to connections; add it"


def _lacks_a_way(settings: Settings, speaker: str) -> bool:
    network = settings.network
    if network is None or not network.closed or not settings.functions[speaker].private:
        return False
    return "execute-api" not in network.endpoints


def _by_kind(key: str, api: ApiSettings) -> Iterator[tuple[str, str]]:
    for field, (kinds, why) in _ONLY.items():
        if getattr(api, field) and api.kind not in kinds:
            yield f"{key}.{field}", f"is not for kind {api.kind}: {why}"
    if api.kind == "rest" and api.cors is not None and "*" in api.cors.origins:
        yield f"{key}.cors.origins", "* is not for kind rest, whose functions answer browsers; name the origins"
    for route, where in api.routes.items() if api.kind == "webSocket" else ():
        if where.public or where.scopes or where.body:
            yield f"{key}.routes.{route}", "has public, scopes or body: a WebSocket asks at $connect only; remove them"


def _authorizer(key: str, api: ApiSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    judge = api.authorizer
    if judge is None:
        return
    chosen = [judge.user_pool, judge.issuer is not None, judge.function is not None]
    if sum(chosen) != 1:
        yield f"{key}.authorizer", "must name one judge of tokens: userPool: true, issuer with audiences, or function"
        return
    if judge.issuer is None and judge.audiences:
        yield f"{key}.authorizer.audiences", "goes with issuer only; remove it"
    if judge.user_pool and settings.user_pool is None:
        yield f"{key}.authorizer.userPool", "true needs users; add the section userPool or remove this key"
    if (judge.function is not None) != (api.kind == "webSocket"):
        wanted = "function" if api.kind == "webSocket" else "userPool: true, or issuer with audiences (http)"
        yield f"{key}.authorizer", f"cannot be this for kind {api.kind}; use {wanted}"
    if judge.issuer is not None and api.kind == "rest":
        yield f"{key}.authorizer.issuer", "is for HTTP APIs only; use userPool: true, or kind: http"


def _known(settings: Settings) -> str:
    return f"the functions are: {', '.join(sorted(settings.functions)) or 'none'}"
