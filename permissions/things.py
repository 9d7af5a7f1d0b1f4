"""The resources of a stack by their ARNs, and the pattern that stands for each in a policy.

A name that the program gives stays, up to what an update may give otherwise: `…:kumiki-dev-jobs` is
`…:kumiki-dev-*`. An id that AWS chooses is `*`; tags tell the stack's things from others there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from permissions import actions
from permissions.besides import ADOPTED

ROLE: Final = "aws:iam/role:Role"
_LINKED: Final = "role/aws-service-role/"
_ARN: Final = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(?:\d{12}|aws)?:[^|]+")
"""Not the id of a secret's version, which is the ARN of the secret and more."""
_KEY: Final = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/.+")
_SUFFIX: Final = re.compile(r"-[0-9a-f]{7}(?=$|\.fifo$)")
"""What Pulumi appends to a name it makes."""
_SECRET_SUFFIX: Final = re.compile(r"(?:-[0-9a-f]{7})?-[A-Za-z0-9]{6}$")
"""The same, and what Secrets Manager appends."""
_CHOSEN_BY_US: Final = ("CacheClusterId", "ReplicationGroupId", "SecretId", "UserGroupId", "UserId")
"""Variables of ARNs that are called ids, and are names that the program gives; all other ids are AWS's."""
_CHOSEN: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|(?<![a-z])[0-9a-f]{16,}|\b[A-Z0-9]{13,}\b")
"""What AWS chooses looks so, wherever it stands in a name."""


@dataclass(frozen=True)
class Thing:
    """One ARN of a resource."""

    arn: str
    pattern: str
    exact: str
    """The same thing after an update that makes it again under a name of Pulumi's."""
    any_of_account: bool
    """Whether the pattern says nothing but the type."""
    tags: Mapping[str, str]


class Things:
    """What the resources of a report are in IAM's eyes."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        product, environment = str(report["product"]), str(report["environment"])
        self._stems = tuple(f"{product}{sign}{environment}{sign}" for sign in "-/_")
        self.resources: Mapping[str, Mapping[str, Any]] = {
            one["urn"]: one for one in report["resources"] if one["custom"] and one["type"].startswith("aws:")
        }
        self._ids = {str(one["id"]) for one in self.resources.values() if one["id"] not in set(texts(one["inputs"]))}
        """What AWS has chosen: no name that the program gives, wherever it is passed on."""
        self._told = {text for one in self.resources.values() for text in texts(_made(one))}
        """What AWS has answered."""
        self._own: dict[str, list[Thing]] = {}
        self._by_arn: dict[str, Thing] = {}
        first: dict[str, str] = {}
        # What AWS calls its ARN comes before an id: a topic's policy has the topic's ARN for an id.
        for urn, one in sorted(self.resources.items(), key=lambda pair: "arn" not in _made(pair[1])):
            for arn in _arns_of(one)[:1]:
                first.setdefault(arn, urn)
        for urn, one in self.resources.items():
            # A target's ARN among the outputs is the target's.
            arns = [arn for arn in _arns_of(one) if first.get(arn, urn) == urn]
            self._own[urn] = [self._thing(arn, one) for arn in arns]
            self._by_arn |= {thing.arn: thing for thing in self._own[urn]}
        for arn in self._keys_of_others():
            self._by_arn[arn] = Thing(arn, arn, arn, False, {})
        self.tags = self._common_tags()

    def own(self, resource: Mapping[str, Any]) -> list[Thing]:
        return self._own.get(resource["urn"], [])

    def around(self, resource: Mapping[str, Any]) -> list[Thing]:
        """What its inputs refer to, nearest first."""
        urns = [urn for given in resource["property_dependencies"].values() for urn in given]
        found = [thing for urn in dict.fromkeys(urns) for thing in self._own.get(urn, ())]
        arns = [text for text in texts(resource["inputs"]) if _ARN.fullmatch(text)]
        found += [self._by_arn.get(arn) or self._named_by(arn, resource) for arn in arns]
        # One step further: a version of an object's bucket, the cluster of a service's task.
        for urn in dict.fromkeys(urns):
            near = self.resources.get(urn)
            if near is not None and not self._own[urn]:
                found += [
                    thing
                    for given in near["property_dependencies"].values()
                    for each in given
                    for thing in self._own.get(each, ())
                ]
        return _once(found)

    def _named_by(self, arn: str, resource: Mapping[str, Any]) -> Thing:
        """What a resource names that the stack does not make: it stands for itself, where nobody has told its ARN."""
        if arn not in self._told and self.stem_of(arn) == arn:
            return Thing(arn, arn, arn, False, {})
        return self._thing(arn, resource)

    def refers_to(self, resource: Mapping[str, Any]) -> set[str]:
        """The services whose things its inputs refer to, by their prefixes."""
        return {thing.arn.split(":")[2] for thing in self.around(resource)}

    def like(self, row: actions.Row) -> list[Thing]:
        """Everything in the stack that is of a row's type."""
        return [thing for thing in self._by_arn.values() if row.matches(thing.arn)]

    def role(self, arn: str) -> Mapping[str, Any] | None:
        """The stack's role that has this ARN."""
        return next(
            (one for one in self.resources.values() if one["type"] == ROLE and one["outputs"].get("arn") == arn), None
        )

    def named(self, template: str, resource: Mapping[str, Any], pattern: str) -> str:
        """A pattern for all of a type, narrowed to the stack's names if this resource bears one."""
        if pattern.rpartition(":")[2].count("*") != 1 or not pattern.endswith("*"):
            return pattern
        names = [str(resource["id"]), *(v for k, v in resource["inputs"].items() if k.lower().endswith("name"))]
        stem = next((stem for stem in self._stems for name in names if str(name).startswith(stem)), None)
        return pattern if stem is None or "Id}" in template.rpartition("/")[2] else f"{pattern[:-1]}{stem}*"

    def stem_of(self, value: str) -> str:
        """A name as far as the stack's names are alike; itself, if it is not among them."""
        for stem in self._stems:
            position = value.find(stem)
            if position >= 0:
                return f"{value[: position + len(stem)]}*"
        return value

    def _keys_of_others(self) -> set[str]:
        """Keys that the program names and does not make: what they encrypt may be read and written by them."""
        named = {text for one in self.resources.values() for text in texts(one["inputs"]) if _KEY.fullmatch(text)}
        return named - self._by_arn.keys()

    def _common_tags(self) -> dict[str, str]:
        """At most two tags that all tagged resources carry: those by which the stack's things are known."""
        every = [one["inputs"]["tagsAll"] for one in self.resources.values() if one["inputs"].get("tagsAll")]
        if not every:
            return {}
        common = {
            key: value
            for key, value in every[0].items()
            if isinstance(value, str) and all(one.get(key) == value for one in every)
        }
        first = [key for key in ("Project", "Environment") if key in common]
        return {key: common[key] for key in (first or sorted(common))[:2]}

    def _thing(self, arn: str, resource: Mapping[str, Any]) -> Thing:
        head, rest = ":".join(arn.split(":")[:5]), ":".join(arn.split(":")[5:])
        given = resource["inputs"].get("tagsAll") or {}
        tags = {} if resource["type"] in ADOPTED else {k: v for k, v in given.items() if isinstance(v, str)}
        suffix = _SECRET_SUFFIX if ":secretsmanager:" in head else _SUFFIX
        kept = suffix.sub("-*", rest)
        # An id of AWS's may stand before a name of ours: a stage's REST API.
        exact = f"{head}:{'/'.join('*' if part in self._ids else part for part in kept.split('/'))}"
        if rest.startswith(_LINKED):
            return Thing(arn, f"{head}:{rest.rpartition('/')[0]}/*", exact, False, tags)
        template = next((one for one in actions.templates(arn.split(":")[2]) if actions.fits(one, arn)), None)
        if template is None:
            return Thing(arn, self.stem_of(arn) if self.stem_of(arn) != arn else exact, exact, False, tags)
        pattern, chosen = "", True
        program = _names_in(resource) - self._ids
        for variable, value in actions.parts(template, arn):
            if variable in ("", "Partition", "Region", "Account"):
                pattern += value
                continue
            named = self.stem_of(value)
            if named != value and (not variable.endswith(("Id", "UUID")) or variable in _CHOSEN_BY_US):
                return Thing(arn, f"{pattern}{named}", exact, False, tags)
            made = "*" if value in self._ids else _generalized(value, resource["name"], program)
            chosen = chosen and made.endswith("*")
            pattern += made
        # Made under an id of AWS's, there is no name that a successor would share.
        exact = pattern if chosen else exact
        return Thing(arn, pattern, exact, chosen, tags)


def _generalized(value: str, name: str, program: set[str]) -> str:
    if _SUFFIX.search(value) and value.startswith(name):
        return _SUFFIX.sub("-*", value)
    found = _CHOSEN.search(value)
    if found is None:
        return value if value in program else "*"
    before = value[: found.start()]
    # `subnet-0a1b…`: the type again.
    return "*" if re.fullmatch(r"[a-z]+-", before) else f"{before}*"


def _names_in(resource: Mapping[str, Any]) -> set[str]:
    """What the program says of a resource, as parts of an ARN would."""
    said = set(texts(resource["inputs"]))
    parts = {part for text in said for part in text.split(":")}
    # An identity provider is named by its address, without the scheme.
    return said | {text.lstrip("/") for text in said} | parts | {part.removeprefix("//") for part in parts}


def _made(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The outputs that are no inputs again: an event's target has the queue's ARN in both."""
    return {key: value for key, value in resource["outputs"].items() if key not in resource["inputs"]}


def _arns_of(resource: Mapping[str, Any]) -> list[str]:
    """The resource's own: what AWS has given it, not what it was told of others."""
    made = _made(resource)
    found = [made.get("arn"), resource["id"], *(value for key, value in made.items() if key.lower().endswith("arn"))]
    arns = dict.fromkeys(one for one in found if isinstance(one, str) and _ARN.fullmatch(one))
    # A role that it tells of, such as its service's own, is not the resource's.
    return [one for one in arns if resource["type"].startswith("aws:iam/") or one.split(":")[2] != "iam"]


def _once(things: Iterable[Thing]) -> list[Thing]:
    return list({thing.arn: thing for thing in things}.values())


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from texts(one)
