"""Mistakes in APIs: each is refused with the key, the value, the mend, and nothing is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from packages.build import build
from packages.plan import sources
from tests.rehearsal.conftest import Rehearse
from tests.stack_files import project, refusal

PLAIN: dict[str, Any] = {"kumiki:product": "kumiki", "kumiki:environment": "dev", "kumiki:owner": "platform"}
FUNCTION = {"package": "webhook", "handler": "webhook.receive.handler"}
ROUTES: dict[str, Any] = {"GET /items": {"function": "hook"}}
API: dict[str, Any] = {"kind": "http", "public": True, "routes": ROUTES}
DOMAIN: dict[str, Any] = {"kumiki:domain": {"name": "example.com", "zone": "create"}}


def api(**changes: Any) -> dict[str, Any]:
    given = {**API, **changes}
    return {"kumiki:apis": {"http": {key: value for key, value in given.items() if value is not None}}}


def chat(**changes: Any) -> dict[str, Any]:
    return api(kind="webSocket", **{"routes": {"$connect": {"function": "hook"}}, **changes})


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    build(sources()["webhook"], "arm64")


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            api(routes={"GET /items": {"function": "hook"}, "get /items/": {"function": "hook"}}),
            ["kumiki:apis.http.routes: 'get /items/' is the same route as 'GET /items'; remove one of them"],
        ),
        (
            api(routes={"GET /items/{id}": {"function": "hook"}, "GET /items/{name}": {"function": "hook"}}),
            ["kumiki:apis.http.routes: 'GET /items/{name}' is the same route as 'GET /items/{id}'"],
        ),
        (api(routes={"GET /items": {}}), ["kumiki:apis.http.routes.GET /items.function: is missing"]),
        (api(routes={}), ["kumiki:apis.http.routes: {} would answer nothing"]),
        (api(routes=None), ["kumiki:apis.http.routes: is missing"]),
        (
            api(routes={"GET /items": {"function": "hok"}}),
            ["kumiki:apis.http.routes.GET /items.function: 'hok' is not a function", "did you mean 'hook'?"],
        ),
        (api(routes={"/items": {"function": "hook"}}), ["kumiki:apis.http.routes: '/items'", "such as GET /items"]),
        (
            api(public=None),
            ["kumiki:apis.http.routes.GET /items: ", "open to everybody", "authorizer", "public: true"],
        ),
        (api(authorizer={"userPool": True}, public=None), ["kumiki:apis.http.authorizer.userPool: ", "userPool"]),
        (
            api(authorizer={"issuer": "http://issuer", "audiences": ["a"]}, public=None),
            ["kumiki:apis.http.authorizer.issuer: 'http://issuer'", "begins with https://"],
        ),
        (
            api(authorizer={"issuer": "https://issuer"}, public=None),
            ["kumiki:apis.http.authorizer.audiences: []", "lets nobody in"],
        ),
        (api(authorizer={}, public=None), ["kumiki:apis.http.authorizer.issuer: is missing; say who judges tokens"]),
        (
            api(authorizer={"function": "hook"}, public=None),
            ["kumiki:apis.http.authorizer.function: 'hook' is not for kind http, but for webSocket; remove it"],
        ),
        (
            api(cors={"origins": ["*"], "credentials": True}),
            ["kumiki:apis.http.cors.origins: '*' cannot be used with credentials; list the origins"],
        ),
        (
            api(kind="rest", cors={"origins": ["*"]}),
            ["kumiki:apis.http.cors.origins: '*' is too much", "name the origins"],
        ),
        (
            api(throttle={"ratePerSecond": 0}),
            ["kumiki:apis.http.throttle.ratePerSecond: 0 is not allowed; use more than 0, up to 10000"],
        ),
        (api(throttle={"burst": 0}), ["kumiki:apis.http.throttle.burst: 0 is not allowed; use 1 to 5000"]),
        (api(kind="graphql"), ["kumiki:apis.http.kind: 'graphql' is not allowed; use http, rest or webSocket"]),
        (api(kind=None), ["kumiki:apis.http.kind: is missing; use http, rest or webSocket"]),
        (
            api(tracing=True),
            ["kumiki:apis.http.tracing: true is not for kind http, but for rest; remove it, or change kind"],
        ),
        (api(firewall={}), ["kumiki:apis.http.firewall: {} is not for kind http, but for rest"]),
        (api(speakers=["hook"]), ['kumiki:apis.http.speakers: ["hook"] is not for kind http, but for webSocket']),
        (api(timeoutSeconds=31), ["kumiki:apis.http.timeoutSeconds: 31", "use 0.05 to 30 seconds"]),
        (api(subdomain="api"), ["kumiki:apis.http.subdomain: api", "domain"]),
        (
            {**DOMAIN, "kumiki:site": {"domain": "api", "logs": False}, **api(subdomain="api")},
            ["kumiki:apis.http.subdomain: api is the name of site.domain already"],
        ),
        (
            {"kumiki:domain": {"name": "example.com", "zone": "create", "private": "internal.example.com"}, **api()},
            ["kumiki:domain.private: internal.example.com is for names inside a network; add network"],
        ),
        (
            api(kind="rest", routes={"POST /items": {"function": "hook", "body": "itm"}}),
            ["kumiki:apis.http.routes.POST /items.body: 'itm' has no file workloads/schemas/itm.json", "'item'?"],
        ),
        (
            api(routes={"POST /items": {"function": "hook", "body": "item"}}),
            ["kumiki:apis.http.routes.POST /items.body: 'item' is not for kind http, but for rest; remove it"],
        ),
        (
            {"kumiki:apis": {"hook": {"kind": "http", "public": True, "routes": ROUTES}}},
            ["kumiki:apis.hook: ", "the name of functions.hook too"],
        ),
        (
            {"kumiki:apis": {"alerts": {"kind": "http", "public": True, "routes": ROUTES}}},
            ["kumiki:apis.alerts: is a name that the program uses itself"],
        ),
        (chat(routes={"sendMessage": {"function": "hook"}}), ["kumiki:apis.http.routes: ", "lack $connect"]),
        (chat(public=None), ["kumiki:apis.http.authorizer: ", "name a function that decides"]),
        (
            chat(public=None, authorizer={"userPool": True}),
            ["http.authorizer.userPool: true is not for kind webSocket", "http.authorizer.function: is missing"],
        ),
        (
            chat(cors={"origins": ["https://a.example.com"]}),
            ["kumiki:apis.http.cors: {", "is not for kind webSocket, but for http, rest"],
        ),
        (
            {
                **chat(speakers=["hook"]),
                "kumiki:functions": {"hook": {**FUNCTION, "private": True}},
                "kumiki:network": {"cidr": "10.0.0.0/16", "zones": 2, "nat": "none", "endpoints": []},
            },
            ["kumiki:network.endpoints: lacks execute-api, by which hook speaks to connections"],
        ),
        (
            chat(speakers=["nobody"]),
            ["kumiki:apis.http.speakers[0]: 'nobody' is not a function", "functions are: hook"],
        ),
        (
            chat(routes={"$connect": {"function": "hook", "public": True}}),
            ["kumiki:apis.http.routes.$connect.public: true is not for kind webSocket, but for http, rest"],
        ),
    ],
)
def test_a_mistake_in_an_api_is_refused_with_its_key_and_its_mend(
    changes: dict[str, Any], parts: list[str], tmp_path: Path
) -> None:
    said = refusal(project(tmp_path, {"config": {**PLAIN, "kumiki:functions": {"hook": FUNCTION}, **changes}}))
    for part in parts:
        assert part in said


def test_every_mistake_of_a_stack_is_told_at_once_and_nothing_is_made(tmp_path: Path, rehearse: Rehearse) -> None:
    hook, latest = {**FUNCTION, "memoryMib": 64}, {**FUNCTION, "provisionedConcurrency": 1, "alias": "$LATEST"}
    slow, lost = {**FUNCTION, "timeoutSeconds": 901}, {**FUNCTION, "handler": "webhook.receive.handle"}
    config = {
        **PLAIN,
        "kumiki:functionQuota": 1000,
        "kumiki:functions": {"hook": hook, "latest": latest, "slow": slow, "lost": lost},
        "kumiki:apis": {
            "twice": {**API, "routes": {"GET /items": {"function": "hook"}, "get /items/": {"function": "hook"}}},
            "nowhere": {**API, "routes": {"GET /items": {"function": "hok"}}},
            "anybody": {**API, "cors": {"origins": ["*"], "credentials": True}},
            "nobody": {**API, "throttle": {"ratePerSecond": 0}},
        },
    }
    done = rehearse(project(tmp_path, {"config": config}), "test")
    assert done.status == 2
    assert "Traceback" not in done.text
    text = " ".join(done.text.split())
    for told in (
        "kumiki:functions.hook.memoryMib: 64 is not allowed; use 128 to 10240 MiB",
        "kumiki:functions.latest.alias: '$LATEST' changes with every upload",
        "kumiki:functions.slow.timeoutSeconds: 901 is not allowed; use 1 to 900 seconds",
        "kumiki:functions.lost.handler: 'webhook.receive.handle' is not defined",
        "kumiki:apis.twice.routes: 'get /items/' is the same route as 'GET /items'; remove one of them",
        "kumiki:apis.nowhere.routes.GET /items.function: 'hok' is not a function",
        "kumiki:apis.anybody.cors.origins: '*' cannot be used with credentials; list the origins",
        "kumiki:apis.nobody.throttle.ratePerSecond: 0 is not allowed; use more than 0, up to 10000",
    ):
        assert told in text
    assert not [one for one in done.report["resources"] if one["type"].startswith("aws:")]


def test_a_route_without_a_function_is_refused_by_its_key(tmp_path: Path) -> None:
    said = refusal(project(tmp_path, {"config": {**PLAIN, **api(routes={"GET /items": {}})}}))
    assert "kumiki:apis.http.routes.GET /items.function: is missing" in said


def test_a_route_that_is_written_twice_in_the_file_is_refused_by_its_line(tmp_path: Path) -> None:
    text = """\
config:
  kumiki:apis:
    http:
      kind: http
      routes:
        GET /items: {function: web}
        GET /items: {function: other}
"""
    said = refusal(project(tmp_path, text))
    assert "Pulumi.test.yaml, line 7, column 9" in said
    assert "the key 'GET /items' is in line 6 already" in said
