"""What a rehearsed stack needs: each action, on which ARNs, under which conditions, and for whom."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from changes.model import ChangeError
from changes.stores import STORES
from permissions import actions, facts
from permissions.actions import Row
from permissions.besides import (
    GLOBAL,
    RECOVERY_POINT_ARNS,
    RECOVERY_POINTS,
    SCALED_ROLES,
    SERVICE_LINKED,
    TAKES_ROLES,
    Phase,
)
from permissions.calls import action_of
from permissions.things import ROLE, Thing, Things

Condition = Mapping[str, Mapping[str, str | list[str]]]
NONE: Final[Condition] = {}

_GIVE_ROLE: Final = "iam:PassRole"
EXACT: Final = frozenset(
    {
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
    }
)
"""What shows or sets secrets: of the very ones whose values the program sets, and not of all of the stack's."""
_BOUNDED: Final = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
"""What `iam:PermissionsBoundary` holds for, and would give a role more than its boundary says."""
_UNBOUNDS: Final = "iam:DeleteRolePermissionsBoundary"
"""No deployer of roles with a boundary needs it: such a role is deleted with its boundary."""
_CHANGES_BOUNDARY: Final = frozenset(
    {"iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"}
)
_PROFILE: Final = "aws:iam/instanceProfile:InstanceProfile"
_LINKED_ROLE: Final = "aws:iam/serviceLinkedRole:ServiceLinkedRole"
_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?")
_TAG_EC2: Final = "ec2:CreateTags"


@dataclass(frozen=True)
class Asked:
    """A request as AWS judges it: one action on one resource, with its condition keys."""

    action: str
    resource: str
    context: Mapping[str, str]
    call: str
    """The recorded call that makes it."""


@dataclass(frozen=True)
class Need:
    """One action on one pattern."""

    action: str
    resource: str
    condition: Condition
    phases: frozenset[Phase]
    urn: str
    source: str


@dataclass
class Needed:
    """Everything that a stack needs, and what its rehearsal was seen to ask."""

    needs: list[Need] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    keeps_data: frozenset[str] = frozenset()
    """URNs of what keeps data: an update does not delete it."""


def needed(report: Mapping[str, Any]) -> Needed:
    """What the stack of a report needs; raises `ChangeError` for what nobody knows."""
    found = _Needs(report)
    _refuse_unknown(found.things)
    for resource in found.things.resources.values():
        found.add(resource)
    for call in report["looked_up"]:
        found.add_look_up(call)
    found.add_identity()
    kept = frozenset(urn for urn, one in found.things.resources.items() if one["type"] in STORES)
    return Needed(found.needs, found.asked, kept)


def _refuse_unknown(things: Things) -> None:
    unknown = sorted(
        {one["type"] for one in things.resources.values() if not facts.is_known(one["type"], one.get("calls", ()))}
    )
    if unknown:
        raise ChangeError(
            f"nobody says what {', '.join(unknown)} needs: AWS's schemas have no handlers for it, "
            "permissions/provider.json has no row of it, and the rehearsal made no call for it",
            "add its actions to permissions/provider.json, with their source",
        )


class _Needs:
    def __init__(self, report: Mapping[str, Any]) -> None:
        self.things = Things(report)
        self.needs: list[Need] = []
        self.asked: list[Asked] = []
        every = self.things.resources.values()
        self._regions = sorted({one["region"] for one in every if one["region"]} | {str(report["region"])})
        self._region = str(report["region"])
        arns = [thing.arn for one in every for thing in self.things.own(one)]
        self._partition = arns[0].split(":")[1] if arns else "aws"
        self._account = next((arn.split(":")[4] for arn in arns if arn.split(":")[4].isdigit()), "")
        roles = [one for one in every if one["type"] == ROLE]
        boundaries = {str(one["inputs"].get("permissionsBoundary", "")) for one in roles}
        self._boundaries = sorted(boundaries) if boundaries and "" not in boundaries else []

    # What a resource needs.

    def add(self, resource: Mapping[str, Any]) -> None:
        calls = resource.get("calls", [])
        own = self.things.own(resource)
        arns = [thing.arn for thing in own]
        known = facts.known(resource["type"], resource["inputs"], calls, self.things.refers_to(resource), arns)
        only_read = resource["status"] == "read"
        asked = {action_of(one["service"], one["operation"]): one for one in calls}
        for fact in known.facts:
            if only_read and fact.phase != "read":
                continue
            call = asked.get(fact.action)
            if call is None and not fact.certain and self._is_about_others(fact, resource):
                continue
            if call is None and not resource["inputs"].get("tagsAll") and _tags_others(fact.action, own):
                continue
            if fact.action == _TAG_EC2:
                self._tags_of_ec2(resource, fact, call)
                continue
            for pattern, condition, concrete, context in self._targets(fact.action, resource, call):
                self._need(fact.action, pattern, condition, fact.phase, resource, fact.source)
                if call is not None:
                    self._ask(fact.action, concrete, context, call, resource)
        if only_read:
            return
        if known.links or resource["type"] == _LINKED_ROLE:
            self._linked_role(resource, known.own)
        for role, services in self._passed(resource, known.own):
            condition = {"StringEquals": {"iam:PassedToService": _one_or_all(services)}}
            self._need(_GIVE_ROLE, role.exact, condition, "create", resource, "the roles among its inputs")
            if calls:
                context = {"iam:PassedToService": services[0]}
                self._ask(_GIVE_ROLE, role.arn, context, calls[0], resource)
        for call in calls:
            if call["service"] == "ec2" and call["tagged"] and call["operation"] != "CreateTags":
                self._tagged_at_creation(resource, call)

    def add_look_up(self, call: Mapping[str, Any]) -> None:
        action = action_of(call["service"], call["operation"])
        if action is None:
            return
        values = [value for key, value in call["about"].items() if not value.startswith("arn:")]
        patterns = [
            self._looked_up(action, row, values[0]) for row in actions.rows(action) if row.required and values
        ] or self._whole(action)
        for pattern in patterns:
            self._need_by_name(action, pattern, "read", "", f"the program's look-up {call['operation']}")
            context = self._context(call["region"])
            self.asked.append(Asked(action, _concrete(pattern), context, f"{call['service']} {call['operation']}"))

    def add_identity(self) -> None:
        self._need_by_name("sts:GetCallerIdentity", "*", "read", "", "the provider asks in which account it is")

    def _need(
        self, action: str, pattern: str, condition: Condition, phase: Phase, resource: Mapping[str, Any], source: str
    ) -> None:
        if self._boundaries and action == _UNBOUNDS:
            return
        if action in _BOUNDED and self._boundaries:
            condition = {**condition, "StringEquals": {"iam:PermissionsBoundary": _one_or_all(self._boundaries)}}
        if action in _CHANGES_BOUNDARY and any(fnmatchcase(one, pattern) for one in self._boundaries):
            raise ChangeError(
                f"the boundary {', '.join(self._boundaries)} of the roles is among the policies that the stack changes "
                f"({resource['name']}): who deploys the stack could widen it",
                "make it in another stack, under a name that does not begin as this stack's do",
            )
        self.needs.append(Need(action, pattern, condition, frozenset({phase}), resource["urn"], source))

    def _need_by_name(self, action: str, pattern: str, phase: Phase, urn: str, source: str) -> None:
        self.needs.append(Need(action, pattern, self._in_regions(action, pattern), frozenset({phase}), urn, source))

    def _ask(
        self,
        action: str,
        concrete: str,
        context: Mapping[str, str],
        call: Mapping[str, Any],
        resource: Mapping[str, Any],
    ) -> None:
        whole = {**self._context(call["region"]), **context}
        if action in _BOUNDED and self._boundaries:
            whole["iam:PermissionsBoundary"] = self._boundaries[0]
        self.asked.append(
            Asked(action, concrete, whole, f"{call['service']} {call['operation']} for {resource['name']}")
        )

    def _context(self, region: str) -> dict[str, str]:
        return {"aws:RequestedRegion": region}

    # On what.

    def _targets(
        self, action: str, resource: Mapping[str, Any], call: Mapping[str, Any] | None
    ) -> Iterator[tuple[str, Condition, str, Mapping[str, str]]]:
        """The patterns that the action is allowed on, their conditions, and what the recorded call would be about."""
        tagged = call is not None and call["tagged"]
        if action.startswith("apigateway:"):
            yield from self._of_gateway(resource, call)
            return
        if action in RECOVERY_POINTS:
            region = resource["region"] or self._region
            for form in RECOVERY_POINT_ARNS:
                pattern = form.format(partition=self._partition, region=region, account=self._account)
                yield pattern, NONE, _concrete(pattern), {}
            return
        chosen = list(self._things_for(action, resource))
        if not chosen and _tags_others(action, self.things.own(resource)):
            # AWS's list lags behind what can be tagged.
            for thing in self.things.own(resource):
                yield thing.pattern, NONE, thing.arn, self._request_tags(tagged)
            return
        if not chosen:
            for pattern in self._whole(action):
                narrowed = self._by_request_tag() if tagged and actions.tags_without_resource(action) else NONE
                condition = _joined(self._in_regions(action, pattern), narrowed)
                yield pattern, condition, _concrete(pattern), self._request_tags(tagged)
            return
        for row, thing in chosen:
            yield (
                thing.exact if action in EXACT or row.name == "object" else thing.pattern,
                self._by_tags(action, row, thing, resource, tagged=tagged),
                thing.arn,
                {
                    **self._request_tags(tagged),
                    **{f"aws:ResourceTag/{key}": value for key, value in thing.tags.items()},
                },
            )

    def _things_for(self, action: str, resource: Mapping[str, Any]) -> Iterator[tuple[Row, Thing]]:
        own, around = self.things.own(resource), self.things.around(resource)
        rows = actions.rows(action)
        found = {row: _matching(row, own) or _matching(row, around) for row in rows}
        for row in rows:
            if row.name == "object":
                # An object's ARN is its bucket's with a key.
                buckets = [one for one in (*own, *around) if one.arn.split(":")[2] == "s3" and "/" not in one.arn]
                found[row] = [_inside(one) for one in buckets]
        if not any(found.values()) and not any(row.required for row in rows):
            return
        kinds = {row.name.partition("/")[0] for row, things in found.items() if things}
        for row in rows:
            for thing in found[row]:
                yield row, thing
            # `listener/net` is no companion of `listener/app` but the other choice, as are all that can be tagged.
            other = row.name.partition("/")[0] in kinds or (kinds and actions.about_tags(action))
            if not found[row] and (row.required or (action, row.name) in _ALWAYS_ABOUT) and not other:
                like = self.things.like(row)
                # What can be tagged is a choice, too: none of it is needed besides.
                for thing in like or (
                    [] if actions.about_tags(action) and rows[1:] else [self._any(action, row, resource)]
                ):
                    yield row, thing

    def _is_about_others(self, fact: facts.Fact, resource: Mapping[str, Any]) -> bool:
        """Whether the action is about what the stack has nothing of: it serves an option that is not used."""
        action = fact.action
        if action.startswith("apigateway:"):
            return False
        rows = [row for row in actions.rows(action) if row.required]
        own, around = self.things.own(resource), self.things.around(resource)
        if fact.phase == "delete" and any(_matching(row, own) for row in rows):
            # With a last snapshot or without.
            return False
        have = {row.name for row in rows if _matching(row, own) or _matching(row, around) or self.things.like(row)}
        if action.startswith("kms:") and not have:
            return bool(rows)
        if not have and any(row.name == "object" for row in rows):
            return not any(one.arn.split(":")[2] == "s3" for one in (*own, *around))
        kinds = {name.partition("/")[0] for name in have}
        return bool(own or around) and any(
            row.name not in have and row.name.partition("/")[0] not in kinds and not actions.about_tags(action)
            for row in rows
        )

    def _any(self, action: str, row: Row, resource: Mapping[str, Any]) -> Thing:
        """All things of a type in this account: what an action needs, and no resource of the stack is."""
        if action.startswith("secretsmanager:") and resource["type"].startswith("aws:rds/"):
            # The database service makes the master password's secret, under a name of its own.
            region = resource["region"] or self._region
            made = f"arn:{self._partition}:secretsmanager:{region}:{self._account}:secret:rds!*"
            return Thing(_concrete(made), made, made, False, {})
        region = resource["region"] or self._region
        pattern = actions.filled(row.template, partition=self._partition, region=region, account=self._account)
        narrowed = pattern if self.things.own(resource) else self.things.named(row.template, resource, pattern)
        return Thing(_concrete(narrowed), narrowed, narrowed, narrowed == pattern, {})

    def _whole(self, action: str) -> list[str]:
        """Patterns for an action that nothing of the stack narrows."""
        rows = actions.rows(action)
        if not rows or len(rows) > _MANY or any(row.name == "object" for row in rows):
            return ["*"]
        return [
            actions.filled(row.template, partition=self._partition, region=self._region, account=self._account)
            for row in rows
        ]

    def _looked_up(self, action: str, row: Row, value: str) -> str:
        pattern = actions.filled(row.template, partition=self._partition, region=self._region, account=self._account)
        if pattern.count("*") != 1:
            return pattern
        name = value.lstrip("/")
        return pattern.replace("*", name if action in EXACT else self.things.stem_of(name))

    def _of_gateway(
        self, resource: Mapping[str, Any], call: Mapping[str, Any] | None
    ) -> Iterator[tuple[str, Condition, str, Mapping[str, str]]]:
        """API Gateway's things are paths of its API."""
        kind = resource["type"].partition("/")[2].partition(":")[0]
        second = resource["type"].startswith("aws:apigatewayv2/")
        default = "/apis" if second else "/restapis"
        root = _GATEWAY.get(kind, default)
        head = f"arn:{self._partition}:apigateway:{resource['region'] or self._region}::"
        paths = [root] if root == "/account" else [root, f"{root}/*", "/tags/*"]
        for path in paths:
            made = call is not None and call["operation"] in _ROOTS
            if path == "/tags/*" or (path == root) != (made or root == "/account"):
                # Not what the call was about; what it was is asked below.
                concrete = f"{head}{root}" if made or root == "/account" else f"{head}{root}/x"
            else:
                concrete = f"{head}{_concrete(path)}"
            yield f"{head}{path}", NONE, concrete, {}

    # Under which conditions.

    def _in_regions(self, action: str, pattern: str) -> Condition:
        prefix = action.partition(":")[0]
        if pattern != "*" or prefix in GLOBAL or prefix == "sts":
            return NONE
        return {"StringEquals": {"aws:RequestedRegion": _one_or_all(self._regions)}}

    def _by_tags(self, action: str, row: Row, thing: Thing, resource: Mapping[str, Any], *, tagged: bool) -> Condition:
        """Ids that AWS chooses say nothing of whose a thing is; the stack's tags do, once it has them."""
        if not thing.any_of_account or actions.only_reads(action) or not self.things.tags:
            return NONE
        own = thing in self.things.own(resource)
        # What is made besides, such as an instance's network interface, gets no tags by the request.
        changes = re.search(r":(Update|Modify)", action) is not None
        if (row.makes and not changes) or (own and actions.tags_without_resource(action)):
            return self._by_request_tag() if own and tagged and actions.level(action) != "Tagging" else NONE
        if own and not _is_after_tags(action, resource.get("calls", [])):
            return NONE
        mine = all(thing.tags.get(key) == value for key, value in self.things.tags.items())
        return self._by_resource_tag() if row.by_tag and mine and actions.level(action) != "Tagging" else NONE

    def _by_request_tag(self) -> Condition:
        tags = self.things.tags
        return {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in tags.items()}} if tags else NONE

    def _by_resource_tag(self) -> Condition:
        return {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in self.things.tags.items()}}

    def _request_tags(self, tagged: bool) -> dict[str, str]:
        return {f"aws:RequestTag/{key}": value for key, value in self.things.tags.items()} if tagged else {}

    # EC2's tags: an action of their own, also while something is made.

    def _tags_of_ec2(self, resource: Mapping[str, Any], fact: facts.Fact, call: Mapping[str, Any] | None) -> None:
        for thing in self.things.own(resource) or self.things.around(resource):
            if thing.arn.split(":")[2] != "ec2":
                continue
            mine = bool(self.things.tags) and thing.tags and thing.any_of_account
            condition = self._by_resource_tag() if mine else NONE
            self._need(_TAG_EC2, thing.pattern, condition, "update", resource, fact.source)
            if call is not None:
                tags = {f"aws:ResourceTag/{key}": value for key, value in thing.tags.items()}
                self._ask(_TAG_EC2, thing.arn, {**self._request_tags(True), **tags}, call, resource)

    def _tagged_at_creation(self, resource: Mapping[str, Any], call: Mapping[str, Any]) -> None:
        for thing in self.things.own(resource)[:1]:
            condition = {"StringEquals": {"ec2:CreateAction": call["operation"]}}
            self._need(_TAG_EC2, thing.pattern, condition, "create", resource, f"tags given to {call['operation']}")
            context = {"ec2:CreateAction": call["operation"], **self._request_tags(True)}
            self._ask(_TAG_EC2, thing.arn, context, call, resource)

    # Roles.

    def _linked_role(self, resource: Mapping[str, Any], own: str) -> None:
        principal = SERVICE_LINKED.get(own, "")
        if own == "dynamodb" and not resource["inputs"].get("replicas") and "Replica" not in resource["type"]:
            principal = ""
        if own == "application-autoscaling":
            principal = SCALED_ROLES.get(str(resource["inputs"].get("serviceNamespace")), "")
        principal = str(resource["inputs"].get("awsServiceName") or principal)
        if not principal:
            return
        role = f"arn:{self._partition}:iam::{self._account}:role/aws-service-role/{principal}/*"
        condition = {"StringEquals": {"iam:AWSServiceName": principal}}
        self._need(facts.LINK, role, condition, "create", resource, "AWS's schema: the service's own role")
        for call in resource.get("calls", ())[:1]:
            self._ask(facts.LINK, _concrete(role), {"iam:AWSServiceName": principal}, call, resource)

    def _passed(self, resource: Mapping[str, Any], own: str) -> Iterator[tuple[Thing, list[str]]]:
        """The roles that the resource hands to a service, each with those that it trusts."""
        if resource["type"].startswith("aws:iam/") and resource["type"] != _PROFILE:
            return
        if resource["type"].startswith("aws:lakeformation/") and not resource["type"].endswith(":Resource"):
            # A grant is to a role; nobody gets it.
            return
        for arn in dict.fromkeys(_role_arns(resource["inputs"], self.things)):
            role = self.things.role(arn)
            takers = [f"{one}.amazonaws.com" for one in TAKES_ROLES.get(resource["type"], (own,))]
            if role is None:
                yield Thing(arn, arn, arn, False, {}), takers
                continue
            trusted = _trusted(role)
            thing = next(one for one in self.things.own(role) if one.arn == arn)
            yield thing, sorted(trusted & set(takers) or trusted) or takers


_MANY: Final = 3
_ALWAYS_ABOUT: Final = frozenset({("ec2:RunInstances", "volume")})
"""What AWS's list calls optional, and every use of our provider has: the root volume of an instance."""
_GATEWAY: Final = {
    "account": "/account",
    "apiKey": "/apikeys",
    "apiMapping": "/domainnames",
    "basePathMapping": "/domainnames",
    "domainName": "/domainnames",
    "usagePlan": "/usageplans",
    "usagePlanKey": "/usageplans",
    "vpcLink": "/vpclinks",
}
_ROOTS: Final = ("CreateApi", "CreateApiKey", "CreateDomainName", "CreateRestApi", "CreateUsagePlan", "CreateVpcLink")


def _is_after_tags(action: str, calls: list[Mapping[str, Any]]) -> bool:
    """Whether a thing carries its tags when the action comes: the first change makes it, with them or without."""
    changes = [(name, one) for one in calls if (name := action_of(one["service"], one["operation"])) is not None]
    changes = [(name, one) for name, one in changes if not actions.only_reads(name)]
    made = changes[0] if changes else None
    if action == (made[0] if made else ""):
        return False
    if action in dict(changes):
        return made is not None and bool(made[1]["tagged"])
    return re.match(r"[\w-]+:(Create|Import|Register|Request|Run|Allocate)", action) is None


def _tags_others(action: str, own: list[Thing]) -> bool:
    """Whether it is about tags that such a resource cannot have: schemas list it for dashboards."""
    mine = [thing for thing in own if thing.arn.split(":")[2] == action.partition(":")[0]]
    rows = actions.rows(action)
    return actions.about_tags(action) and bool(mine and rows) and not any(_matching(row, mine) for row in rows)


def _matching(row: Row, things: list[Thing]) -> list[Thing]:
    return [thing for thing in things if row.matches(thing.arn)]


def _inside(bucket: Thing) -> Thing:
    return Thing(f"{bucket.arn}/x", f"{bucket.pattern}/*", f"{bucket.exact}/*", bucket.any_of_account, {})


def _concrete(pattern: str) -> str:
    """Something that the pattern stands for."""
    return pattern if pattern == "*" else pattern.replace("*", "x")


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _joined(one: Condition, other: Condition) -> Condition:
    return {
        operator: {**one.get(operator, {}), **other.get(operator, {})} for operator in dict.fromkeys([*one, *other])
    }


def _role_arns(inputs: Any, things: Things, key: str = "") -> Iterator[str]:
    """Values that are roles, where the input's name says that a role goes there."""
    if isinstance(inputs, Mapping):
        for name, value in inputs.items():
            yield from _role_arns(value, things, name)
    elif isinstance(inputs, list):
        for value in inputs:
            yield from _role_arns(value, things, key)
    elif isinstance(inputs, str) and "role" in key.lower():
        if re.fullmatch(r"arn:[\w-]+:iam::\d{12}:role/.+", inputs) and "/aws-service-role/" not in inputs:
            yield inputs
        else:
            yield from (
                one["outputs"]["arn"]
                for one in things.resources.values()
                if one["type"] == ROLE and one["id"] == inputs and "arn" in one["outputs"]
            )


def _trusted(role: Mapping[str, Any]) -> set[str]:
    """The services that may take the role."""
    try:
        document = json.loads(role["inputs"]["assumeRolePolicy"])
    except (KeyError, TypeError, ValueError):
        return set()
    statements = document.get("Statement", [])
    found: set[str] = set()
    for one in statements if isinstance(statements, list) else [statements]:
        principal = one.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, Mapping) else []
        found |= {each for each in ([services] if isinstance(services, str) else services) if _SERVICE.fullmatch(each)}
    return found
