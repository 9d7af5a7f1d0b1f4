"""Settings of APIs: which routes lead to which functions, and who may call them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator

from components.annotations import TellsKind
from components.args import Args, as_far_as_known
from components.edge.http_api import HttpApiArgs
from components.edge.load_balancer_args import API_GATEWAY
from components.edge.rest_api_args import RestApiArgs, RestRoute
from components.edge.routes import mistaken_functions
from components.edge.web_acl import WebAclArgs
from components.edge.web_socket_api import WebSocketApiArgs
from components.errors import dotted, nearest
from components.values import DnsLabel, Name
from settings.edge import certified

if TYPE_CHECKING:
    from settings import Settings

SCHEMAS: Final = Path(__file__).resolve().parent.parent / "workloads" / "schemas"


def _schema(name: Any) -> dict[str, Any] | None:
    if name is None:
        return None
    known = sorted(each.stem for each in SCHEMAS.glob("*.json"))
    if name not in known:
        hint, names = nearest(str(name), known), ", ".join(known) or "none"
        raise ValueError(f"has no file workloads/schemas/{name}.json; {hint}there are: {names}")
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


class RestRouteSettings(RestRoute):
    """Where a route leads, for whom, and what may be sent there."""

    body: Annotated[dict[str, Any] | None, BeforeValidator(_schema, json_schema_input_type=Name | None)] = None
    """The file workloads/schemas/<body>.json with the JSON schema of what is sent; anything else gets 400 and never
    reaches the function."""


class _Named(Args):
    subdomain: DnsLabel | None = None
    """It is called `{subdomain}.{domain.name}`; left out, by the name that AWS gives it."""


class HttpApiSettings(HttpApiArgs, _Named):
    """The cheap kind. No web firewall can stand before it; put it behind a site that has one."""

    kind: Literal["http"]
    """Which of the three kinds it is."""


class RestApiSettings(RestApiArgs, _Named):
    """The kind that checks what is sent, traces, and can have a firewall; three times the price."""

    kind: Literal["rest"]
    """Which of the three kinds it is."""

    routes: dict[str, RestRouteSettings]  # pyright: ignore[reportIncompatibleVariableOverride] it cannot change
    """Method and path → function, and what may be sent there."""

    firewall: WebAclArgs | None = None
    """About $10 a month, and only where no site leads here: behind one, the site has it, and the API answers the site
    alone ($6 a month)."""


class WebSocketApiSettings(WebSocketApiArgs, _Named):
    """The kind for connections that stay open."""

    kind: Literal["webSocket"]
    """Which of the three kinds it is."""

    speakers: list[Name] = []
    """Functions that may speak to the connections."""

    @property
    def called(self) -> dict[tuple[str | int, ...], str]:
        """The functions that it calls or that speak to it, by where they are named."""
        return {**super().called, **{("speakers", number): name for number, name in enumerate(self.speakers)}}


ApiSettings = Annotated[HttpApiSettings | RestApiSettings | WebSocketApiSettings, TellsKind("kind")]
"""One API."""

# What stands behind the name of an API in the names of the components that belong to it.
PARTS_OF_AN_API = ("-tls", "-firewall", "-gate")


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
        yield from as_far_as_known(_named(key, api, names, settings))
        yield from as_far_as_known(_functions(key, api, settings))
        yield from as_far_as_known(_users(key, api, settings))
        yield from as_far_as_known(_firewall(key, api, settings))
        yield from as_far_as_known(_private(key, api, settings))


def _named(key: str, api: ApiSettings, names: dict[str, str], settings: Settings) -> Iterator[tuple[str, str]]:
    if api.subdomain is None:
        return
    if settings.domain is None:
        yield f"{key}.subdomain", f"{api.subdomain} is below the stack's domain, which is missing; add domain"
    else:
        whole = f"{api.subdomain}.{settings.domain.name}"
        yield from certified({f"{key}.subdomain": whole}, settings.domain.name)
    other = names.setdefault(api.subdomain, f"{key}.subdomain")
    if other != f"{key}.subdomain":
        yield f"{key}.subdomain", f"{api.subdomain} is the name of {other} already; choose another"


def _functions(key: str, api: ApiSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    for mistake in mistaken_functions(api.called, settings.functions):
        yield f"{key}.{dotted(mistake.path)}", f"{mistake.value!r} {mistake.reason}"
    for speaker in api.speakers if api.kind == "webSocket" else ():
        if _lacks_a_way(settings, speaker):
            yield "network.endpoints", f"lacks execute-api, by which {speaker} speaks to connections; add it"


def _lacks_a_way(settings: Settings, speaker: str) -> bool:
    if speaker not in settings.functions or not settings.functions[speaker].private:
        return False
    return settings.network is not None and bool(settings.network.lacks("execute-api"))


def _private(key: str, api: ApiSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    if api.kind != "http" or not api.uses_load_balancer:
        return
    routes = [text for text, route in api.routes.items() if route.load_balancer]
    where = f"{key}.routes.{routes[0]}.loadBalancer"
    balancer = settings.load_balancer
    if balancer is None:
        yield where, f"true, and there is no load balancer; add loadBalancer: {{allowFrom: [{API_GATEWAY}]}}"
    elif not balancer.internal:
        yield "loadBalancer.allowFrom", f"lets others in than the API that leads there ({key}); use [{API_GATEWAY}]"
    elif settings.is_behind_site(f"apis.{key.partition('.')[2]}") and len(routes) < len(api.routes):
        why = f"would answer past the site, which {routes[0]} does not: give functions an API of their own"
        yield f"{key}.routes", why


def _users(key: str, api: ApiSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    if api.kind != "webSocket" and api.authorizer and api.authorizer.user_pool and settings.user_pool is None:
        yield f"{key}.authorizer.userPool", "true needs users; add the section userPool or remove this key"


def _firewall(key: str, api: ApiSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    if api.kind != "rest" or api.firewall is None:
        return
    if settings.free_tier:
        yield f"{key}.firewall", "costs about $10 a month and freeTier is true; remove it"
    if settings.is_behind_site(key):
        why = "would see CloudFront's few addresses only, because the site leads here, and block everybody at once"
        yield f"{key}.firewall", f"{why}; move it to site.firewall"
