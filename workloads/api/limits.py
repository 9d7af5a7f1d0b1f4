"""How often somebody may ask, counted in the cache for all processes together."""

from __future__ import annotations

import math
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.cache import Connection

_SCRIPT = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
local free = tonumber(redis.call('GET', KEYS[1]) or at)
if free < at then free = at end
local gap = tonumber(ARGV[1])
local early = free + gap - at - tonumber(ARGV[2])
if early > 0 then return tostring(early) end
redis.call('SET', KEYS[1], string.format('%.6f', free + gap), 'EX', math.ceil(free + gap - at))
return '0'
"""
"""The generic cell rate algorithm (ITU-T I.371, also called virtual scheduling), by the clock of the cache: one key for
each caller, which says when the last of what he has asked is paid off. A script runs alone, so that two requests at
once count twice. No part of it is longer than a step: a request is refused or counted, and nothing beside."""

_EARLIEST = 1e-6
"""Two numbers of seconds since 1970 differ by no less."""


class RateLimit:
    """So many requests a minute for each caller, all of them at once if he likes; then one by one as time passes."""

    def __init__(self, cache: Connection, per_minute: int) -> None:
        self._cache = cache
        self._gap = 60 / per_minute

    def seconds_to_wait(self, caller: str) -> int:
        """0 where the request may go on, and it is counted then. Without the cache everybody may: who cannot be
        counted is not refused, and the firewall before it counts addresses."""
        # Whoever reads the cache's keys need not see who calls.
        key = f"rate:{sha256(caller.encode()).hexdigest()}"
        said = self._cache.ask(lambda: self._cache.redis.eval(_SCRIPT, 1, key, self._gap, 60 + _EARLIEST))
        seconds = float(said) if isinstance(said, (bytes, str)) else 0.0
        return math.ceil(seconds)
