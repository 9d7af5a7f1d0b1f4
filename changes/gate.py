"""What of a change a person must decide before it is deployed: lost data, refusals in its middle, taken names."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from changes.compare import physical_name
from changes.model import Change, Problem, Resource, Side
from changes.stores import STORES, Store
from rehearsal import own_pack
from rehearsal.differences import folded, unpaired

own_pack.make_importable()

from guardrails.kit.waivers import OF_CHANGES, WaiverBook  # noqa: E402 found by the pack's folder

DATA_LOSS: Final = "change-data-loss"
REFUSED: Final = "change-refused"
COLLISION: Final = "change-name-collision"
UNKNOWN: Final = "change-unknown"
RULES: Final = (DATA_LOSS, REFUSED, COLLISION, UNKNOWN)
LEDGER: Final = "waiver-ledger"
"""What the pack calls a waiver that is not in order."""

_GONE: Final = ("replace", "delete")
_USER_POOL: Final = "aws:cognito/userPool:UserPool"
_NAMED_ALIKE: Final = frozenset(
    {
        "aws:acm/certificate:Certificate",
        "aws:apigateway/restApi:RestApi",
        "aws:apigatewayv2/api:Api",
        "aws:backup/plan:Plan",
        "aws:cognito/userPoolClient:UserPoolClient",
        "aws:route53/zone:Zone",
        _USER_POOL,
    }
)
"""Types of which AWS lets several have one name."""
_WITHIN: Final = (
    "apiId",
    "restApi",
    "cluster",
    "eventBusName",
    "functionName",
    "group",
    "loadBalancerArn",
    "logGroupName",
    "resourceId",
    "role",
    "setIdentifier",
    "type",
    "user",
    "userPoolId",
    "vpcId",
    "zoneId",
)
"""Inputs that say in what, or of what kind, a name is taken."""


def problems(
    changes: Sequence[Change], before: Side, after: Side, waivers: Sequence[Mapping[str, Any]]
) -> list[Problem]:
    """The problems of these changes; those that a waiver of the stack's file covers say so and count no more.

    Marks the changes that lose data.
    """
    book = _book(waivers)
    found = [
        *_of_stores(changes, before, after),
        *_collisions(changes, before, after),
        *_schemas(changes, before, after),
    ]
    wrong = [
        Problem("warning", LEDGER, "", f"of the waivers for changes: {message}", "mend it in policy:exemptions")
        for message in [*book.wrong, *(f"there is no rule {w.rule}" for w in book.waivers if w.rule not in RULES)]
    ]
    return sorted(
        [*(_waived(one, book) for one in found), *wrong],
        key=lambda one: (one.level != "error", one.rule, one.urn),
    )


def _of_stores(changes: Sequence[Change], before: Side, after: Side) -> Iterator[Problem]:
    for change in changes:
        old = before.resources.get(change.was or change.urn)
        if old is None or not old.custom or change.kind not in (*_GONE, "may-replace", "unknown"):
            continue
        verb = {"replace": "replaced", "delete": "deleted"}.get(change.kind, "possibly replaced")
        if old.protect and change.kind in _GONE:
            yield Problem(
                "error",
                REFUSED,
                change.urn,
                f"{change.name} would be {verb}{_because(change)}, and it is protected: the engine stops there",
                "leave it as it is; if it is really to go, take `protect` from it in an update before this one",
            )
            continue
        store = STORES.get(change.type)
        if store is not None:
            yield from _of_store(change, store, old, before, after, verb)


def _of_store(change: Change, store: Store, old: Resource, before: Side, after: Side, verb: str) -> Iterator[Problem]:
    name = f"the {store.what} {change.name}"
    if change.kind == "unknown":
        properties = ", ".join(one.path for one in change.properties if one.effect == "unknown")
        yield Problem(
            "warning",
            UNKNOWN,
            change.urn,
            f"nobody knows whether changing {properties} replaces {name}",
            "look at `pulumi preview` with credentials before this is deployed",
        )
        return
    if old.retain_on_delete:
        change.means.append("the old one stays in the account with its data, and is no longer managed")
        return
    refused, survives = store.refused(old.inputs), store.survives(old.inputs)
    if refused and change.kind in _GONE:
        yield Problem(
            "error",
            REFUSED,
            change.urn,
            f"{name} would be {verb}{_because(change)}, and AWS refuses that in the middle of the update: {refused}",
            f"{_way_out(change)}; if its data is really to go, say so in an update before this one",
        )
        return
    if survives:
        yield Problem(
            "warning",
            DATA_LOSS,
            change.urn,
            f"{name} would be {verb}{_because(change)}; of its data there remains {survives}",
            "plan how the data comes back, and the outage until then",
        )
        return
    certain = change.kind in _GONE
    change.data_loss = certain
    yield Problem(
        "error" if certain else "warning",
        DATA_LOSS,
        change.urn,
        f"{name} would be {verb}{_because(change)}: "
        f"lost is {store.lost or 'all data in it'}{_hangs_on(change, before, after)}",
        _way_out(change),
    )


def _because(change: Change) -> str:
    paths = [one.path for one in change.properties if one.effect in ("replace", "may-replace")]
    return f" (changed: {', '.join(paths[:3])})" if paths else ""


def _way_out(change: Change) -> str:
    if change.kind == "delete":
        return (
            "keep it; or, to take it out of the stack and leave it in the account, deploy it with "
            "retain_on_delete=True first and remove it in the update after that; if it only has another name now, give "
            "it an alias"
        )
    return (
        "leave that property as it is (ignore_changes), or copy the data to a second one, move the readers, and remove "
        "the first with retain_on_delete=True deployed before"
    )


def _hangs_on(change: Change, before: Side, after: Side) -> str:
    """Whose data is encrypted under a key that goes, as far as the stack knows."""
    if not change.type.startswith("aws:kms/"):
        return ""
    old = change.was or change.urn
    users = [
        one.name
        for one in before.resources.values()
        if one.custom and old in one.depends_on and one.type in STORES and one.urn in after.resources
    ]
    return f"; so encrypted are {', '.join(sorted(users)[:5])}" if users else ""


def _collisions(changes: Sequence[Change], before: Side, after: Side) -> Iterator[Problem]:
    """What is created comes before what is deleted: a name that both have is taken."""
    gone: dict[tuple[str, ...], Resource] = {}
    for change in changes:
        old = before.resources.get(change.urn)
        if change.kind == "delete" and old is not None and (taken := _taken(old)):
            gone[taken] = old
    for change in changes:
        if change.kind != "create":
            continue
        new = after.resources[change.urn]
        old = gone.get(_taken(new))
        if old is not None:
            yield Problem(
                "error",
                COLLISION,
                change.urn,
                f"{change.name} is created before {old.name} is deleted, and both are called "
                f"{physical_name(new)!r}: AWS refuses it",
                f"if they are one resource, give the new one an alias: aliases=[{old.urn!r}]; else another name",
            )


def _taken(one: Resource) -> tuple[str, ...]:
    """What AWS has only once: the name where it lies; empty for what may have the name of another."""
    name = physical_name(one)
    if not name or one.type in _NAMED_ALIKE:
        return ()
    return (one.type, one.region, name, *(str(one.inputs.get(key, "")) for key in _WITHIN))


def _schemas(changes: Sequence[Change], before: Side, after: Side) -> Iterator[Problem]:
    """Attributes of a user pool can be added only (https://docs.aws.amazon.com/cognito, AddCustomAttributes)."""
    for change in changes:
        if change.type != _USER_POOL or change.kind not in ("update", "rename"):
            continue
        if not any(one.path.partition("[")[0] == "schemas" for one in change.properties):
            continue
        sides = before.resources[change.was or change.urn], after.resources[change.urn]
        gone, _ = unpaired(*(list(folded(one.inputs.get("schemas")) or []) for one in sides))
        if gone:
            names = ", ".join(str(one.get("name")) for one in gone if isinstance(one, dict))
            yield Problem(
                "error",
                REFUSED,
                change.urn,
                f"{change.name} would change or lose attributes ({names}), and AWS refuses that in the middle of the "
                "update: those of a user pool can be added only",
                "leave them as they are, and add others beside them",
            )


def _book(waivers: Sequence[Mapping[str, Any]]) -> WaiverBook:
    """The waivers of changes that are in order, by the rules of the pack for all waivers."""
    keys = ("rule", "urn", "reason", "until")
    entries = [{key: one[key] for key in keys if key in one} for one in waivers]
    ours = [one for one in entries if str(one.get("rule", "")).startswith(OF_CHANGES)]
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return WaiverBook.read(json.dumps(ours), dict.fromkeys(RULES, True), today)


def _waived(problem: Problem, book: WaiverBook) -> Problem:
    waiver = book.find(problem.rule, problem.urn)
    if waiver is None:
        return problem
    return replace(problem, waived=f"{waiver.reason} (until {waiver.until})")
