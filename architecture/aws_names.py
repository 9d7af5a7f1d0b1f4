"""Refuses names that are too long for AWS. The provider only finds out in the middle of a deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from components.errors import ArgumentError
from settings.aws_names import NAMES, SUFFIX_LENGTH


def python_name(key: str) -> str:
    """The name of an argument, as Python spells what the provider calls `key`."""
    return re.sub(r"([A-Z])", lambda capital: f"_{capital[1].lower()}", key)


def check_name(type_: str, name: str, props: Mapping[str, Any]) -> None:
    """Refuse a resource whose name in AWS (given, or made by Pulumi from `name` and a suffix) would be too long."""
    if type_ not in NAMES:
        return
    key, limit = NAMES[type_]
    given = props.get(python_name(key))
    if given is not None and not isinstance(given, str):
        return  # an output: its length is known to nobody yet
    final = given if given is not None else f"{name}-{'x' * (SUFFIX_LENGTH - 1)}"
    if len(final) > limit:
        kind = type_.rsplit(":", 1)[-1]
        raise ArgumentError(
            f"the name of {kind} {name}",
            final,
            f"would be {len(final)} characters long, and AWS allows {limit}; "
            f"shorten the product or the service by {len(final) - limit}",
        )
