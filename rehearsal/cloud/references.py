"""Ids and own-account ARNs that a program uses but nobody made.

An id must exist before it is used. An ARN inside a policy or another document may name what is made later (a key's
policy names the log group it will serve), so those are judged once the program has ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT
from rehearsal.texts import texts

# AMIs, prefix lists and snapshots exist without any stack: AWS and others publish them.
_ID: Final = re.compile(
    r"(?<![\w-])(?:vpc|subnet|sg|sgr|rtb|igw|eigw|nat|eipalloc|vpce|acl|eni|vol|i|lt|pcx|tgw|fl|fs)-[0-9a-f]{8}(?:[0-9a-f]{9})?(?![\w-])"
)
_ARN: Final = re.compile(rf"arn:aws[\w-]*:[\w-]+:[\w-]*:{ACCOUNT}:[^\s\"'\\,\]}}]+")

# What exists in every account.
_BUILT_IN: Final = re.compile(
    r"arn:aws[\w-]*:(?:iam::\d+:(?:root|role/aws-service-role/|role/service-role/)|sts:|kms:[\w-]*:\d+:alias/aws/"
    r"|glue:[\w-]*:\d+:catalog$|bedrock:[\w-]*:\d+:inference-profile/[a-z-]+\.)"
)


class References:
    """What has been produced, and which ARNs still wait for their resource."""

    def __init__(self) -> None:
        self._produced: set[str] = set()
        self._awaited: dict[str, str] = {}

    def produced(self, values: Any) -> None:
        """Everything in `values` exists from now on."""
        for text in texts(values):
            self._produced.update(_ID.findall(text))
            if len(text) < 300:
                self._produced.add(text)

    def has(self, identifier: str) -> bool:
        """Whether something in the account has this id or name."""
        return identifier in self._produced

    def missing(self, urn: str, inputs: dict[str, Any]) -> Iterator[str]:
        """The ids in `inputs` that nothing has made; ARNs are kept for `never_made`."""
        for text in texts(inputs):
            yield from (identifier for identifier in _ID.findall(text) if identifier not in self._produced)
            for arn in _ARN.findall(text):
                if not self._exists(arn):
                    if arn == text:
                        yield arn
                    else:
                        self._awaited.setdefault(arn, urn)

    def never_made(self) -> Iterator[tuple[str, str]]:
        """Each ARN in a document that no resource ever had, with the URN that names it."""
        yield from ((arn, urn) for arn, urn in sorted(self._awaited.items()) if not self._exists(arn))

    def _exists(self, arn: str) -> bool:
        # `:*` behind a name means all that is in it, such as a log group's streams.
        # An API names a function by the path at which Lambda is asked to call it.
        stem = arn.removesuffix(":*").removesuffix("/invocations").partition(":log-stream:")[0]
        service_and_place, _, resource = stem.rpartition(f":{ACCOUNT}:")
        named = bool(service_and_place) and (":" in resource or "/" in resource or stem == arn)
        if not named or any(sign in stem for sign in ("*", "?", "${")) or _BUILT_IN.match(arn):
            # A pattern is a range of names, not a reference.
            return True
        names = {stem, resource}
        for separator in ("/", ":"):
            names |= {resource.partition(separator)[2], resource.rpartition(separator)[2]}
        return not names.isdisjoint(self._produced) or any(made.startswith(stem) for made in self._produced)
