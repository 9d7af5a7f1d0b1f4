"""Which requests are of one browser: a cookie that only this application can have given, and what the
cache keeps of it."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from api.cache import Connection

COOKIE: Final = "__Host-session"
"""With this prefix browsers keep it for this host alone, and take it by HTTPS only."""

_ATTRIBUTES: Final = "Path=/; Secure; HttpOnly; SameSite=Lax"

KEEP_SECONDS: Final = 8 * 3600
"""So long after its last use the cache forgets a session: a working day."""


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
        cookie = f"{COOKIE}={identity}.{self._sign(identity)}; {_ATTRIBUTES}"
        return Session(identity, cookie, is_new=True)

    def _sign(self, identity: str) -> str:
        return hmac.digest(self._key, identity.encode(), "sha256").hex()


class Remembered:
    """What a session was about, in the cache: for all processes, and gone by itself. Without the cache nothing is."""

    def __init__(self, cache: Connection) -> None:
        self._cache = cache

    def note(self, session: Session, caller: str, conversation: uuid.UUID) -> None:
        key, value = _key(session, caller), conversation.hex
        self._cache.ask(lambda: self._cache.redis.set(key, value, ex=KEEP_SECONDS))

    def conversation(self, session: Session, caller: str) -> uuid.UUID | None:
        """The one that was last in use; reading it is a use."""
        found = self._cache.ask(lambda: self._cache.redis.getex(_key(session, caller), ex=KEEP_SECONDS))
        return uuid.UUID(found.decode()) if isinstance(found, bytes) else None

    def end(self, session: Session, caller: str) -> None:
        self._cache.ask(lambda: self._cache.redis.delete(_key(session, caller)))


def forgotten() -> str:
    """The cookie that takes a session from a browser."""
    return f"{COOKIE}=; Max-Age=0; {_ATTRIBUTES}"


def _key(session: Session, caller: str) -> str:
    """Of this browser and this person: whoever signs in after another at the same browser finds nothing of his."""
    return f"session:{sha256(f'{session.id} {caller}'.encode()).hexdigest()}"


def _read(cookies: bytes) -> str:
    try:
        found = SimpleCookie(cookies.decode("latin-1")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
