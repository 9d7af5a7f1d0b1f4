"""What CloudFront runs at each request, run for real: the deployed text of the functions, by a JavaScript engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
import quickjs

from components.edge.site_args import StaticSiteArgs
from components.edge.site_routes import OriginAddress, OriginArgs
from components.edge.static_site import StaticSite
from tests.conftest import Recorder

NAME = "wiki-dev-site"


def asked_for(code: str, uri: str) -> str:
    """The path for which the origin is asked, when a viewer asks for `uri`."""
    engine = quickjs.Context()
    engine.eval(code)
    engine.eval("function run(text) { return JSON.stringify(handler(JSON.parse(text))); }")
    event = {"version": "1.0", "request": {"method": "GET", "uri": uri, "headers": {}, "querystring": {}}}
    request = json.loads(engine.get("run")(json.dumps(event)))
    assert {**request, "uri": uri} == event["request"], "a request keeps everything but its path"
    return request["uri"]


def code_of(recorder: Recorder, name: str, addresses: Any = None, **args: Any) -> str:
    recorder.run(lambda: StaticSite(NAME, StaticSiteArgs(**args), addresses=addresses) and None)
    made = recorder.named(f"{NAME}-{name}").inputs
    assert (made["runtime"], made["publish"]) == ("cloudfront-js-2.0", True)
    # CloudFront takes 10 KB.
    assert len(made["code"].encode()) < 10_000
    return made["code"]


@pytest.mark.parametrize(
    ("viewer", "origin"),
    [
        ("/", "/index.html"),
        ("/items", "/index.html"),
        ("/items/7", "/index.html"),
        ("/items/7/", "/index.html"),
        ("/v1.2/items", "/index.html"),
        ("/assets/app-1.js", "/assets/app-1.js"),
        ("/favicon.svg", "/favicon.svg"),
        ("/missing.png", "/missing.png"),
        ("/.well-known/acme", "/.well-known/acme"),
    ],
)
def test_an_application_of_one_page_gets_every_route_and_no_file(recorder: Recorder, viewer: str, origin: str) -> None:
    assert asked_for(code_of(recorder, "routes"), viewer) == origin


@pytest.mark.parametrize(
    ("viewer", "origin"),
    [
        ("/", "/index.html"),
        ("/docs", "/docs/index.html"),
        ("/docs/", "/docs/index.html"),
        ("/docs/a.html", "/docs/a.html"),
        ("/.well-known/acme", "/.well-known/acme"),
    ],
)
def test_pages_are_files_of_their_folders(recorder: Recorder, viewer: str, origin: str) -> None:
    assert asked_for(code_of(recorder, "routes", routing="pages"), viewer) == origin


@pytest.mark.parametrize(
    ("origin_path", "viewer", "origin"),
    [
        ("", "/api/health", "/health"),
        ("", "/api", "/"),
        ("", "/api/", "/"),
        ("", "/apis", "/apis"),
        ("/prod", "/api", "/prod"),
        ("/prod", "/api/items", "/prod/items"),
    ],
)
def test_an_api_is_asked_for_its_own_paths(recorder: Recorder, origin_path: str, viewer: str, origin: str) -> None:
    api = OriginArgs(paths=["/api*"], strip_prefix="/api")
    address = OriginAddress(domain="a.example.com", path=origin_path)
    code = code_of(recorder, "api-prefix", {"api": address}, origins={"api": api})
    assert asked_for(code, viewer) == origin
    # CloudFront would put it there a second time.
    assert "originPath" not in recorder.one("Distribution").inputs["origins"][1]
