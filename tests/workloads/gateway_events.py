"""Events as API Gateway sends them to a function: of a REST API (format 1.0) and of an HTTP API (format 2.0)."""

from __future__ import annotations

import base64
import json
from typing import Any

HOST = "abc123.execute-api.ap-northeast-1.amazonaws.com"


def rest(method: str, path: str, body: Any = None, *, stage: str = "prod", **headers: str) -> dict[str, Any]:
    """A REST API's proxy event, for the resource `/{proxy+}`."""
    given = {"Host": HOST, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    path, _, query = path.partition("?")
    pairs = [part.split("=") for part in query.split("&") if part]
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": given,
        "multiValueHeaders": {name: [value] for name, value in given.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in pairs} or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": HOST,
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "test"},
            "path": f"/{stage}{path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTimeEpoch": 1_790_000_000_000,
            "resourceId": "xyz",
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def http(method: str, path: str, body: Any = None, *, encoded: bool = False, **headers: str) -> dict[str, Any]:
    """An HTTP API's event, for the route `$default` of the stage `$default`."""
    path, _, query = path.partition("?")
    text = None if body is None else json.dumps(body)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        # An HTTP API writes the names of headers small.
        "headers": {
            "host": HOST,
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **{name.replace("_", "-").lower(): value for name, value in headers.items()},
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": HOST,
            "domainPrefix": "abc123",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "test",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "21/Nov/2026:04:00:00 +0000",
            "timeEpoch": 1_790_000_000_000,
        },
        "isBase64Encoded": encoded,
    }
    if query:
        event["queryStringParameters"] = dict(part.split("=") for part in query.split("&"))
    if text is not None:
        event["body"] = base64.b64encode(text.encode()).decode() if encoded else text
    return event
