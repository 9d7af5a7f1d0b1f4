"""Judges tokens: `wss://…?token=…`. API Gateway calls `authorizer.tokens.handler` before $connect.

HTTP and REST APIs judge tokens themselves; WebSocket APIs cannot. The environment names the pool (USER_POOL_ISSUER) and
the programs for which its tokens may be made (USER_POOL_CLIENT_IDS, with commas between them).
"""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

import jwt

log = logging.getLogger("authorizer")

LEEWAY_SECONDS = 5
"""How far the pool's clock and this one may be apart: a token of this second must not be one of the future."""


class Refused(Exception):
    """Why a token opens nothing. For the log only: who has no good token need not learn what is wrong with it."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A policy for this one connection: 403 for whoever has no good token."""
    try:
        claims = _judge((event.get("queryStringParameters") or {}).get("token", ""))
    except Refused as why:
        # A token says what it likes of itself, also what would look like a record of another request.
        log.info("refused: %s", ascii(str(why))[:500])
        return _policy("nobody", "Deny", event["methodArn"])
    return _policy(claims["sub"], "Allow", event["methodArn"], user=claims.get("username", claims["sub"]))


def _judge(token: str) -> dict[str, Any]:
    """The token's claims, if the pool has signed it for one of our programs and it has not ended."""
    try:
        key = _keys().get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            # Not what the token says of itself: it could say `none`, or take the public key for a secret.
            algorithms=["RS256"],
            issuer=os.environ["USER_POOL_ISSUER"],
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
            leeway=LEEWAY_SECONDS,
        )
    except jwt.PyJWKClientConnectionError:
        # The pool is away, which says nothing of the token: an error of ours, and the caller may try again.
        raise
    except jwt.PyJWTError as error:
        raise Refused(f"{type(error).__name__}: {error}") from None
    # Cognito's id tokens tell programs who somebody is; they are no permission to come in.
    if claims.get("token_use") != "access":
        raise Refused(f"it is for {claims.get('token_use')}, not for access")
    if claims.get("client_id") not in os.environ["USER_POOL_CLIENT_IDS"].split(","):
        raise Refused(f"it was made for the program {claims.get('client_id')}")
    return claims


@cache
def _keys() -> jwt.PyJWKClient:
    """The pool's public keys, read once an hour by each copy of the function, and when a token names a new one."""
    return jwt.PyJWKClient(f"{os.environ['USER_POOL_ISSUER']}/.well-known/jwks.json", lifespan=3600, timeout=3)


def _policy(who: str, effect: str, arn: str, **context: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": who, "policyDocument": policy, "context": context}
