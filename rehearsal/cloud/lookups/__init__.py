"""Answers to the program's invokes (`aws.get_availability_zones` and the like), from the emulated account."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, Final

from rehearsal.cloud.account import Account
from rehearsal.problems import NoAnswerError

Lookup = Callable[[Account, str, dict[str, Any]], dict[str, Any]]

LOOKUPS: Final[dict[str, Lookup]] = {}
for _module in pkgutil.iter_modules(__path__):
    LOOKUPS.update(importlib.import_module(f"{__name__}.{_module.name}").LOOKUPS)


def look_up(account: Account, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
    """The answer to one invoke; `NoAnswerError` if the rehearsal does not know the question."""
    lookup = LOOKUPS.get(token)
    if lookup is None:
        raise NoAnswerError(f"the rehearsal has no answer to {token}")
    return lookup(account, region, args)
