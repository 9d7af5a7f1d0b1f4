"""Events as API Gateway sends them to a function: of a REST API (format 1.0), of an HTTP API (format 2.0), and of a
WebSocket API."""

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


def opens(connection: str, *, user: str | None = None, **query: str) -> dict[str, Any]:
    """Somebody opens a WebSocket."""
    event = _web_socket("$connect", "CONNECT", connection, user)
    return event | _opening(query)


def closes(connection: str, *, user: str | None = None) -> dict[str, Any]:
    """A WebSocket has been closed."""
    event = _web_socket("$disconnect", "DISCONNECT", connection, user)
    event["requestContext"] |= {"disconnectStatusCode": 1001, "disconnectReason": "Going away"}
    headers = {"Host": HOST, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return event | {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}


def says(connection: str, body: Any, *, route: str = "send", user: str | None = None) -> dict[str, Any]:
    """Somebody sends a message; `body` is sent as it is if it is text, else as JSON."""
    event = _web_socket(route, "MESSAGE", connection, user)
    event["requestContext"]["messageId"] = "L0SM9fPAvHcCHRg="
    return event | {"body": body if isinstance(body, str) else json.dumps(body)}


def asks_to_open(connection: str, **query: str) -> dict[str, Any]:
    """What an authorizer is asked before a WebSocket opens."""
    event = _web_socket("$connect", "CONNECT", connection, None) | _opening(query)
    del event["isBase64Encoded"]
    return event | {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:ap-northeast-1:123456789012:abc123/live/$connect",
        "stageVariables": {},
    }


def _opening(query: dict[str, str]) -> dict[str, Any]:
    headers = {
        "Host": HOST,
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    opening: dict[str, Any] = {"headers": headers}
    opening["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    if query:
        opening["queryStringParameters"] = query
        opening["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()}
    return opening


def _web_socket(route: str, kind: str, connection: str, user: str | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        "routeKey": route,
        "eventType": kind,
        "extendedRequestId": "L0SM9FdmvHcFnXw=",
        "requestTime": "21/Nov/2026:04:00:00 +0000",
        "messageDirection": "IN",
        "stage": "live",
        "connectedAt": 1_790_000_000_000,
        "requestTimeEpoch": 1_790_000_000_321,
        "identity": {"sourceIp": "203.0.113.7"},
        "requestId": "L0SM9FdmvHcFnXw=",
        "domainName": HOST,
        "connectionId": connection,
        "apiId": "abc123",
    }
    if user is not None:
        context["authorizer"] = {"principalId": user, "user": user, "integrationLatency": 12}
    return {"requestContext": context, "isBase64Encoded": False}
