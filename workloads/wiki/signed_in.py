"""Lets in who has signed in: whoever brings an access token of the user pool, made for one of its programs.

A load balancer could judge tokens too (jwt-validation); ECS then refuses to shift requests between two versions,
because a listener's rule may only forward
(docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import jwt
from api.requests import PROBES, USER
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from wiki.settings import UserPool

log = logging.getLogger("wiki.signed_in")

LEEWAY_SECONDS = 5
"""How far the pool's clock and this one may be apart: a token of this second must not be one of the future."""


class Refused(Exception):
    """Why a token opens nothing. For the log only: who has no good token need not learn what is wrong with it."""


class SignedIn:
    """ASGI middleware: 401 without a good token. Probes, which the load balancer sends, need none."""

    def __init__(self, app: ASGIApp, pool: UserPool) -> None:
        self._app, self._pool = app, pool
        # Read once an hour, and when a token names a new key.
        self._keys = jwt.PyJWKClient(f"{pool.issuer}/.well-known/jwks.json", lifespan=3600, timeout=3)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        try:
            if kind.lower() != "bearer":
                raise Refused("there is no token")
            claims = await run_in_threadpool(self.judge, token)
        except Refused as why:
            # A token says what it likes of itself, also what would look like another record.
            log.info("refused: %s", ascii(str(why))[:500])
            refusal = JSONResponse({"detail": "sign in"}, status_code=401, headers={"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
            return
        except jwt.PyJWKClientConnectionError as problem:
            # The pool is away, which says nothing of the token.
            log.error("the user pool's keys cannot be read: %s", problem)
            away = JSONResponse({"detail": "try again"}, status_code=503, headers={"Retry-After": "5"})
            await away(scope, receive, send)
            return
        scope[USER] = claims.get("username", claims["sub"])
        await self._app(scope, receive, send)

    def judge(self, token: str) -> dict[str, Any]:
        """The token's claims, if the pool has signed it for one of our programs and it has not ended."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys.get_signing_key_from_jwt(token),
                # Not what the token says of itself: it could say `none`, or take the public key for a secret.
                algorithms=["RS256"],
                issuer=self._pool.issuer,
                options={"require": ["exp", "iss", "sub"], "verify_aud": False},
                leeway=LEEWAY_SECONDS,
            )
        except jwt.PyJWKClientConnectionError:
            raise
        except jwt.PyJWTError as error:
            raise Refused(f"{type(error).__name__}: {error}") from None
        # Cognito's id tokens tell programs who somebody is; they are no permission to come in.
        if claims.get("token_use") != "access":
            raise Refused(f"it is for {claims.get('token_use')}, not for access")
        if claims.get("client_id") not in self._pool.clients:
            raise Refused(f"it was made for the program {claims.get('client_id')}")
        return claims
