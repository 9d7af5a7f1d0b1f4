"""Which requests are of one browser: a cookie that only this application can have given."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

COOKIE: Final = "__Host-session"
"""With this prefix browsers keep it for this host alone, and take it by HTTPS only."""


@dataclass(frozen=True)
class Session:
    """A browser's session. It says nothing of who somebody is, and opens nothing."""

    id: str
    cookie: str
    """What the answer gives to the browser where the session is new."""

    is_new: bool


class Sessions:
    """Gives sessions, and knows its own again."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, cookies: bytes) -> Session:
        """The session that a request's cookies name; a new one where they name none of ours."""
        given = _read(cookies)
        identity, _, signature = given.partition(".")
        if identity and hmac.compare_digest(signature.encode(), self._sign(identity).encode()):
            return Session(identity, "", is_new=False)
        identity = uuid.uuid4().hex
        # No Max-Age: the session ends with the browser.
        cookie = f"{COOKIE}={identity}.{self._sign(identity)}; Path=/; Secure; HttpOnly; SameSite=Lax"
        return Session(identity, cookie, is_new=True)

    def _sign(self, identity: str) -> str:
        return hmac.digest(self._key, identity.encode(), "sha256").hex()


def _read(cookies: bytes) -> str:
    try:
        found = SimpleCookie(cookies.decode("latin-1")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
