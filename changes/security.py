"""What a change does to who may do what, who reaches what, and how well things are kept: in words."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from changes.model import Change, Resource, Side
from rehearsal.problems import ONLY_AT_PREVIEW

_OWN_NETWORKS: Final = 7
"""Bits: no network of one owner has so short a prefix; two halves of the internet are the internet."""
_POLICIES: Final[Mapping[str, tuple[str, str]]] = {
    "aws:iam/rolePolicy:RolePolicy": ("role", "policy"),
    "aws:iam/userPolicy:UserPolicy": ("user", "policy"),
    "aws:iam/groupPolicy:GroupPolicy": ("group", "policy"),
}
_ATTACHMENTS: Final[Mapping[str, str]] = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "role",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": "user",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": "group",
}
_SHOWN_ACTIONS: Final = 6
_OPTIONAL: Final = "is absent or "
# Inputs where a smaller number, or none, keeps less.
_KEEPING: Final = frozenset(
    {
        "retentionInDays",
        "backupRetentionPeriod",
        "snapshotRetentionLimit",
        "messageRetentionSeconds",
        "deletionWindowInDays",
        "recoveryWindowInDays",
        "performanceInsightsRetentionPeriod",
        "retentionPeriod",
    }
)
_ENCRYPTION: Final = frozenset(
    {
        "storageEncrypted",
        "encrypted",
        "atRestEncryptionEnabled",
        "transitEncryptionEnabled",
        "sqsManagedSseEnabled",
        "enableKeyRotation",
        "sslPolicy",
        "minimumProtocolVersion",
        "serverSideEncryption",
    }
)
_KEYS: Final = frozenset({"kmsKeyId", "kmsMasterKeyId", "kmsKeyArn", "encryptionKey", "masterUserSecretKmsKeyId"})
_GUARDS: Final = frozenset(
    {"deletionProtection", "deletionProtectionEnabled", "enableDeletionProtection", "pointInTimeRecovery", "multiAz"}
)

_GUARDING: Final[Mapping[str, str]] = {
    "aws:cloudtrail/trail:Trail": "calls are no longer recorded by it",
    "aws:ec2/flowLog:FlowLog": "connections are no longer recorded by it",
    "aws:guardduty/detector:Detector": "threats are no longer looked for",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "the bucket's policy and ACLs may open it to the public",
    "aws:s3/bucketVersioning:BucketVersioning": "overwritten and deleted objects are no longer kept",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "requests are no longer filtered",
}
"""Types whose deletion takes a guard from something else, and which."""

Direction = Literal["more", "less"]
_BOTH: Final[tuple[Direction, Direction]] = ("more", "less")


@dataclass(frozen=True)
class SecurityChange:
    """One sentence. `direction` is "more" where something is more open or less safe than before."""

    kind: Literal["permission", "reach", "internet", "encryption", "retention", "protection", "finding"]
    direction: Direction
    subject: str
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "direction": self.direction, "subject": self.subject, "text": self.text}


def security(changes: Sequence[Change], before: Side, after: Side) -> list[SecurityChange]:
    """What is opened or weakened first, then what is closed or strengthened."""
    found = [
        *_permissions(before, after),
        *_denials(before, after),
        *_reach(before, after),
        *_openings(before, after),
        *_weakened(changes),
        *_guards_gone(changes, before, after),
        *_findings(before, after),
    ]
    return sorted(dict.fromkeys(found), key=lambda one: (one.direction != "more", one.kind, one.subject, one.text))


# Permissions.


def _permissions(before: Side, after: Side) -> Iterator[SecurityChange]:
    old, new = _grants(before), _grants(after)
    for direction, (mine, others, verb) in zip(
        _BOTH, [(new, old, "may now call"), (old, new, "may no longer call")], strict=True
    ):
        for principal in sorted(mine):
            gained: dict[str, list[str]] = defaultdict(list)
            for action, resource in sorted(mine[principal] - others.get(principal, set())):
                gained[resource].append(action)
            for resource, actions in gained.items():
                # A right that only lost its condition, or had one before, is said with it.
                yield SecurityChange(
                    "permission", direction, principal, f"{principal} {verb} {_listed(actions)} on {resource}"
                )


def _denials(before: Side, after: Side) -> Iterator[SecurityChange]:
    """A denial that goes opens what something else allows; nothing is said of a policy that goes as a whole."""
    old, new = _denied(before), _denied(after)
    both = old.keys() & new.keys()
    for direction, (mine, others, verb) in zip(
        _BOTH, [(old, new, "no longer denies"), (new, old, "now denies")], strict=True
    ):
        for urn in sorted(both):
            for name, action, resource in sorted(mine[urn] - others[urn]):
                yield SecurityChange("permission", direction, name, f"{name} {verb} {action} on {resource}")


def _denied(side: Side) -> dict[str, set[tuple[str, str, str]]]:
    """What each policy denies, by its URN."""
    arns = _names_of_arns(side)
    return {
        one.urn: {(one.name, *denied) for denied in _allowed(one.inputs["policy"], arns, "Deny")}
        for one in side.resources.values()
        if one.type.startswith("aws:") and isinstance(one.inputs.get("policy"), str)
    }


def _listed(actions: Sequence[str]) -> str:
    more = f" and {len(actions) - _SHOWN_ACTIONS} more" if len(actions) > _SHOWN_ACTIONS else ""
    return f"{', '.join(actions[:_SHOWN_ACTIONS])}{more}"


def _grants(side: Side) -> dict[str, set[tuple[str, str]]]:
    """For each principal what it may: actions with the resources by the stack's names for them."""
    arns = _names_of_arns(side)
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    documents = {
        str(one.outputs.get("arn", "")): one.inputs.get("policy")
        for one in side.resources.values()
        if one.type == "aws:iam/policy:Policy"
    }
    roles = {one.id: one.name for one in side.resources.values() if one.type.startswith("aws:iam/") and one.id}
    for one in side.resources.values():
        if one.type in _POLICIES:
            key, policy = _POLICIES[one.type]
            found[_principal(one, key, roles)] |= set(_allowed(one.inputs.get(policy), arns))
        elif one.type in _ATTACHMENTS:
            arn = str(one.inputs.get("policyArn", ""))
            principal = _principal(one, _ATTACHMENTS[one.type], roles)
            if arn in documents:
                found[principal] |= set(_allowed(documents[arn], arns))
            else:
                found[principal].add((f"everything in {arn.rpartition('/')[2]}", "what that policy names"))
        elif one.type == "aws:iam/role:Role":
            for who, conditions in _trusted(one.inputs.get("assumeRolePolicy")):
                found[who].add((f"sts:AssumeRole{conditions}", one.name))
            for arn in _each(one.inputs.get("managedPolicyArns")):
                found[one.name].add((f"everything in {arn.rpartition('/')[2]}", "what that policy names"))
        elif isinstance(one.inputs.get("policy"), str) and one.type.startswith("aws:") and "Policy" in one.type:
            for who, action, resource in _by_resource_policy(one.inputs["policy"], arns):
                found[who].add((action, resource))
    return found


def _principal(one: Resource, key: str, names: Mapping[str, str]) -> str:
    value = str(one.inputs.get(key, one.name)).rpartition("/")[2]
    return names.get(value, value)


def _statements(policy: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return
    if isinstance(policy, Mapping):
        statements = policy.get("Statement") or []
        yield from (
            one for one in ([statements] if isinstance(statements, Mapping) else statements) if isinstance(one, Mapping)
        )


def _each(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _condition(statement: Mapping[str, Any]) -> str:
    condition = statement.get("Condition")
    if not isinstance(condition, Mapping):
        return ""
    said = sorted(
        f"{key} {_OPTIONAL if operator.endswith('IfExists') else ''}{operator.removesuffix('IfExists')} "
        f"{', '.join(_each(value))}"
        for operator, keys in condition.items()
        if isinstance(keys, Mapping)
        for key, value in keys.items()
    )
    return f" (if {'; '.join(said)})"


def _allowed(policy: Any, arns: Mapping[str, str], effect: str = "Allow") -> Iterator[tuple[str, str]]:
    for statement in _statements(policy):
        if statement.get("Effect") != effect:
            continue
        condition = _condition(statement)
        actions = _each(statement.get("Action")) or [
            f"everything but {one}" for one in _each(statement.get("NotAction"))
        ]
        for action in actions:
            for resource in _each(statement.get("Resource")):
                yield f"{action}{condition}", _named(resource, arns)
            if spared := _each(statement.get("NotResource")):
                yield f"{action}{condition}", f"everything but {', '.join(_named(one, arns) for one in spared)}"


def _trusted(policy: Any) -> Iterator[tuple[str, str]]:
    for statement in _statements(policy):
        if statement.get("Effect") == "Allow":
            for who in _whos(statement.get("Principal")):
                yield "anybody" if who == "*" else who, _condition(statement)


def _whos(principal: Any) -> list[str]:
    """Those whom a statement names, of whatever kind."""
    if isinstance(principal, Mapping):
        return [who for named in principal.values() for who in _each(named)]
    return _each(principal)


def _by_resource_policy(policy: str, arns: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for statement in _statements(policy):
        principal = statement.get("Principal")
        if statement.get("Effect") != "Allow" or principal is None:
            continue
        for who in _whos(principal):
            for action in _each(statement.get("Action")):
                for resource in _each(statement.get("Resource")):
                    yield (
                        "anybody" if who == "*" else _named(who, arns),
                        f"{action}{_condition(statement)}",
                        _named(resource, arns),
                    )


def _names_of_arns(side: Side) -> dict[str, str]:
    return {
        str(one.outputs["arn"]): one.name
        for one in side.resources.values()
        if one.custom and isinstance(one.outputs.get("arn"), str) and one.outputs["arn"].startswith("arn:")
    }


def _named(resource: str, arns: Mapping[str, str]) -> str:
    """A resource by its name in the stack, with what follows its ARN."""
    if resource == "*":
        return "everything"
    if resource in arns:
        return arns[resource]
    head = max(
        (arn for arn in arns if resource.startswith(arn) and resource[len(arn) : len(arn) + 1] in "/:"),
        key=len,
        default="",
    )
    return f"{arns[head]}{resource[len(head) :]}" if head else resource


# What is reached.


def _reach(before: Side, after: Side) -> Iterator[SecurityChange]:
    """By the graph that the rehearsal draws; an exported state has none."""
    if before.report is None or after.report is None:
        return
    old, new = (
        {(one["from"], one["to"], one["by"], one["ports"]) for one in side.report.get("insights", {}).get("edges", [])}
        for side in (before, after)
        if side.report is not None
    )
    for direction, (edges, verb) in zip(
        _BOTH, [(new - old, "now reaches"), (old - new, "no longer reaches")], strict=True
    ):
        for source, target, by, ports in sorted(edges):
            kind = "internet" if source == "internet" else "reach"
            yield SecurityChange(kind, direction, source, f"{source} {verb} {target} on port {ports} ({by})")


def _openings(before: Side, after: Side) -> Iterator[SecurityChange]:
    old, new = set(_open(before)), set(_open(after))
    for direction, (what, verb) in zip(
        _BOTH, [(new - old, "is now open"), (old - new, "is no longer open")], strict=True
    ):
        for subject, how in sorted(what):
            yield SecurityChange("internet", direction, subject, f"{subject} {verb} to the internet: {how}")


def _open(side: Side) -> Iterator[tuple[str, str]]:
    for one in side.resources.values():
        inputs = one.inputs
        if one.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
            if _is_internet(inputs.get("cidrIpv4")) or _is_internet(inputs.get("cidrIpv6")):
                yield one.name, f"port {_ports(inputs)}"
        elif one.type in ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule"):
            rules = inputs.get("ingress") or ([inputs] if inputs.get("type") == "ingress" else [])
            for rule in rules if isinstance(rules, list) else []:
                blocks = [*(rule.get("cidrBlocks") or []), *(rule.get("ipv6CidrBlocks") or [])]
                if any(map(_is_internet, blocks)):
                    yield one.name, f"port {_ports(rule)}"
        elif inputs.get("publiclyAccessible") is True:
            yield one.name, "a public address"
        elif one.type == "aws:lambda/functionUrl:FunctionUrl" and inputs.get("authorizationType") == "NONE":
            yield one.name, "a URL without authorization"
        elif one.type == "aws:lb/loadBalancer:LoadBalancer" and inputs.get("internal") is not True:
            yield one.name, "a public load balancer"
        elif one.type == "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":
            missing = [
                key
                for key in ("blockPublicAcls", "blockPublicPolicy", "restrictPublicBuckets")
                if inputs.get(key) is not True
            ]
            if missing:
                yield one.name, f"{', '.join(missing)} is off"


def _is_internet(block: Any) -> bool:
    _, _, bits = str(block).partition("/")
    return bits.isdigit() and int(bits) <= _OWN_NETWORKS and not str(block).lower().startswith(("fc", "fd"))


def _ports(rule: Mapping[str, Any]) -> str:
    first, last = rule.get("fromPort"), rule.get("toPort")
    if first is None or str(rule.get("protocol", rule.get("ipProtocol"))) == "-1":
        return "all"
    return f"{first:g}" if first == last and isinstance(first, int | float) else f"{first}-{last}"


# How things are kept.


def _weakened(changes: Sequence[Change]) -> Iterator[SecurityChange]:
    for change in changes:
        for one in change.properties:
            name = one.path.split(".")[-1]
            top = one.path.split(".")[0]
            if name in _KEEPING and _number(one.old) is not None and _number(one.new) is not None:
                shorter = _less(one.old, one.new, name)
                yield SecurityChange(
                    "retention",
                    "more" if shorter else "less",
                    change.name,
                    f"{change.name} keeps {'less' if shorter else 'more'}: {one.path} {one.old} → {one.new}",
                )
            elif name in _ENCRYPTION or name in _KEYS:
                weaker = one.new in (None, False) or (
                    isinstance(one.new, str) and isinstance(one.old, str) and one.new < one.old and name not in _KEYS
                )
                if weaker or one.old in (None, False):
                    yield SecurityChange(
                        "encryption",
                        "more" if weaker else "less",
                        change.name,
                        f"{change.name}: {one.path} {one.old} → {one.new}",
                    )
            elif top in _GUARDS and isinstance(one.new if one.new is not None else one.old, bool):
                off = one.new in (None, False)
                yield SecurityChange(
                    "protection",
                    "more" if off else "less",
                    change.name,
                    f"{change.name}: {one.path} {one.old} → {one.new}",
                )


def _guards_gone(changes: Sequence[Change], before: Side, after: Side) -> Iterator[SecurityChange]:
    """What only guards others and goes, while they stay."""
    for change in changes:
        what = _GUARDING.get(change.type)
        old = before.resources.get(change.urn)
        if change.kind != "delete" or what is None or old is None:
            continue
        guarded = {urn for urns in old.property_dependencies.values() for urn in urns if urn in before.resources}
        if not guarded or guarded & after.resources.keys():
            yield SecurityChange("protection", "more", change.name, f"{change.name} is deleted: {what}")


def _number(value: Any) -> float | None:
    return (
        0.0
        if value is None
        else float(value)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else None
    )


def _less(old: Any, new: Any, name: str) -> bool:
    """A log group without a number of days keeps what it has for ever."""
    was, is_ = _number(old) or 0.0, _number(new) or 0.0
    if name == "retentionInDays":
        was, is_ = was or float("inf"), is_ or float("inf")
    return is_ < was


def _findings(before: Side, after: Side) -> Iterator[SecurityChange]:
    if before.report is None or after.report is None:
        return
    old, new = (
        {
            (
                str(one.get("rule") or one.get("kind")),
                str(one.get("urn") or "").split("::", 3)[-1],
                str(one.get("message")),
            )
            for one in side.report.get("problems", [])
            # The other side may have been deployed without a preview.
            if one.get("kind") == "policy" and not str(one.get("message")).endswith(ONLY_AT_PREVIEW)
        }
        for side in (before, after)
        if side.report is not None
    )
    for direction, (found, word) in zip(_BOTH, [(new - old, "new finding"), (old - new, "mended")], strict=True):
        for rule, subject, message in sorted(found):
            yield SecurityChange("finding", direction, subject or rule, f"{word}: {rule}: {message}")
