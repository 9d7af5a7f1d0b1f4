"""A stack as a picture has it: what stands where, and who reaches what. Made of the report of a rehearsal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from pictures.kinds import TIERS, Tier, rank, speaks, supports, tier

Report = Mapping[str, Any]
Row = Mapping[str, Any]
"""A resource of a report."""

INTERNET: Final = "internet"
_STACK: Final = "pulumi:pulumi:Stack"
_SUBNET: Final = "aws:ec2/subnet:Subnet"
_VPC: Final = "aws:ec2/vpc:Vpc"
_ROUTE: Final = "aws:ec2/route:Route"
_ASSOCIATION: Final = "aws:ec2/routeTableAssociation:RouteTableAssociation"
_BETWEEN: Final = (":SubnetGroup", ":NetworkInterface", ":ServerlessCacheSubnetGroup", ":LaunchTemplate")
"""Ends of types by which something names its subnets."""
_MOST_ALIKE: Final = 12
"""Of more nodes of one kind in one place one is drawn that stands for all."""
_MANY_USERS: Final = 4
"""Arrows to what so many use, such as the archive of all logs, would hide the rest."""

Place = Literal["", "public", "private"]
"""Outside of every VPC, or in subnets that have a way from the internet, or in others."""


@dataclass(frozen=True)
class Node:
    """A component, or a resource that is in none."""

    key: str
    """Its URN, or `internet`."""
    name: str
    """Without what all names of the stack begin with."""
    kind: str
    """`Service`, `dynamodb Table`."""
    tier: Tier
    place: Place = ""
    vpc: str = ""
    zones: tuple[str, ...] = ()
    """The availability zones in which it stands."""
    members: tuple[str, ...] = ()
    """The URNs of its resources, its own included."""
    stands_for: int = 1
    """How many are drawn as this one."""
    supporting: bool = False
    """Whether others need it to work, and no request goes through it."""


@dataclass(frozen=True)
class Arrow:
    """Who reaches or uses what."""

    source: str
    target: str
    kind: Literal["reaches", "uses"]
    label: str = ""
    """The ports and by what it may: `5432 by security groups`."""


@dataclass(frozen=True)
class Picture:
    """What is drawn."""

    stack: str
    title: str
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    holders: Mapping[str, str] = field(default_factory=dict[str, str])
    """For each resource's URN the key of the node that it is drawn as part of."""

    def node(self, key: str) -> Node:
        return next(one for one in self.nodes if one.key == key)


Group = tuple[str, ...]
"""Headings from the outermost group inwards; none for what stands outside of all."""


def group_of(node: Node) -> Group:
    """What a node is drawn in: its VPC and the kind of its subnets, or its tier."""
    if node.vpc:
        return (f"VPC {node.vpc}".strip(), "Public subnets" if node.place == "public" else "Private subnets")
    return (TIERS[node.tier],) if node.kind else ()


GRAVEST: Final = ("replace", "delete", "update", "create")
"""What a change may do with a resource, the gravest first."""


def states(drawn: Picture, changes: Mapping[str, str]) -> dict[str, str]:
    """The gravest of what a change does with each node's resources, by the node's key; `changes` are by their URNs."""
    found: dict[str, str] = {}
    for urn, state in changes.items():
        if (key := drawn.holders.get(urn)) is not None:
            found[key] = min(found.get(key, state), state, key=GRAVEST.index)
    return found


def picture(report: Report) -> Picture:
    """The picture of a stack; the same for the same report."""
    rows = sorted((one for one in report["resources"] if _drawn(one)), key=lambda one: one["urn"])
    holders = _holders(rows)
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(holders[row["urn"]], []).append(row)
    prefix = _prefix(report, [row["name"] for row in rows if row["urn"] in members])
    subnets = _Subnets(rows)
    nodes = [_node(key, of_node, prefix, subnets) for key, of_node in members.items()]
    nodes, merged = _merged(nodes)
    holders = {urn: merged.get(key, key) for urn, key in holders.items()}
    arrows = [*_reaches(report, rows, holders)]
    if any(arrow.source == INTERNET for arrow in arrows):
        nodes.append(Node(INTERNET, "Internet", "", "edge"))
    arrows += _uses(rows, holders, arrows, {one.key: one for one in nodes})
    return Picture(
        report["stack"],
        f"{report['product']} · {report['environment']} · {report['region']}",
        tuple(sorted(nodes, key=lambda one: (one.tier, one.name, one.key))),
        tuple(sorted(arrows, key=lambda one: (one.source, one.target, one.kind))),
        holders,
    )


def _drawn(row: Row) -> bool:
    return row["type"] != _STACK and not row["type"].startswith("pulumi:providers:")


def _holders(rows: list[Row]) -> dict[str, str]:
    """For each resource the one below the stack that it is part of.

    A resource in no component that is a setting or a right of another, such as a bucket's policy, is part of that one.
    """
    by_urn = {row["urn"]: row for row in rows}
    holders: dict[str, str] = {}
    for row in rows:
        top = row
        while top["parent"] in by_urn:
            top = by_urn[top["parent"]]
        holders[row["urn"]] = top["urn"]
    for row in rows:
        if holders[row["urn"]] == row["urn"] and row["custom"] and not speaks(row["type"]):
            owner = _owner(row, by_urn, set())
            if owner is not None:
                holders[row["urn"]] = holders[owner]
    return {urn: holders[key] for urn, key in holders.items()}


def _owner(row: Row, by_urn: Mapping[str, Row], seen: set[str]) -> str | None:
    """What a setting or right belongs to: the resource, something by itself, from which it takes a value."""
    seen.add(row["urn"])
    needed = sorted({urn for urns in row["property_dependencies"].values() for urn in urns} & by_urn.keys() - seen)
    for urn in sorted(needed, key=lambda urn: (rank(by_urn[urn]["type"]), urn)):
        if speaks(by_urn[urn]["type"]):
            return urn
    return next((found for urn in needed if (found := _owner(by_urn[urn], by_urn, seen)) is not None), None)


def _prefix(report: Report, names: Iterable[str]) -> str:
    """What names are shortened by: that of the product and environment, or what all have in common."""
    own = f"{report['product']}-{report['environment']}-"
    several = list(names)
    if several and all(name.startswith(own) for name in several):
        return own
    # What the first and the last have in common, all have.
    first, last = min(several, default=""), max(several, default="")
    length = next((index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    return first[: first[:length].rfind("-") + 1]


class _Subnets:
    """Where in its VPC a resource stands."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = {row["urn"]: row for row in rows}
        self._known = {row["urn"]: row for row in rows if row["type"] == _SUBNET}
        open_tables = {
            str(row["inputs"].get("routeTableId"))
            for row in rows
            if row["type"] == _ROUTE and str(row["inputs"].get("gatewayId", "")).startswith("igw-")
        }
        self._public = {
            str(row["inputs"].get("subnetId"))
            for row in rows
            if row["type"] == _ASSOCIATION and str(row["inputs"].get("routeTableId")) in open_tables
        }
        self._vpcs = {str(row["id"]): row["name"] for row in rows if row["type"] == _VPC}

    def of(self, members: Iterable[Row]) -> list[Row]:
        """The subnets of what the members say of themselves, or of their groups of subnets."""
        found: dict[str, Row] = {}
        for row in members:
            needed = {urn for urns in row["property_dependencies"].values() for urn in urns}
            needed |= {
                urn
                for group in needed
                if self._rows.get(group, {}).get("type", "").endswith(_BETWEEN)
                for urns in self._rows[group]["property_dependencies"].values()
                for urn in urns
            }
            found |= {urn: self._known[urn] for urn in needed & self._known.keys()}
        return [found[urn] for urn in sorted(found)]

    def place(self, subnets: list[Row]) -> tuple[Place, str, tuple[str, ...]]:
        """Which kind of subnets, the VPC's name, and their zones."""
        if not subnets:
            return "", "", ()
        public = all(str(one["id"]) in self._public for one in subnets)
        vpc = str(subnets[0]["inputs"].get("vpcId"))
        zones = sorted({str(one["inputs"].get("availabilityZone") or "") for one in subnets} - {""})
        return "public" if public else "private", self._vpcs.get(vpc, vpc), tuple(zones)


def _node(key: str, members: list[Row], prefix: str, subnets: _Subnets) -> Node:
    top = next(one for one in members if one["urn"] == key)
    main = min(members, key=lambda one: (rank(one["type"]), one["urn"]))
    placed = tier(top["type"], main["type"])
    # What a network is made of stands for its VPC; only what is in it stands in a part of it.
    place, vpc, zones = subnets.place(subnets.of([main])) if placed != "network" else ("", "", ())
    return Node(
        key=key,
        name=top["name"].removeprefix(prefix) or top["name"],
        kind=_kind(top["type"]),
        tier=placed,
        place=place,
        vpc=vpc.removeprefix(prefix).removesuffix("-vpc"),
        zones=zones,
        members=tuple(one["urn"] for one in members),
        supporting=supports(main["type"]),
    )


def _kind(type_: str) -> str:
    """`Service` of a component's type, `s3 Bucket` of a resource's."""
    package, module, name = (*type_.split(":"), "", "")[:3]
    return f"{module.partition('/')[0]} {name}" if package == "aws" else name or type_


def _merged(nodes: list[Node]) -> tuple[list[Node], dict[str, str]]:
    """Where very many of a kind stand in one place one node for all of them, and which those were."""
    alike = Counter((one.tier, one.vpc, one.place, one.kind) for one in nodes)
    kept: dict[tuple[str, str, str, str], Node] = {}
    merged: dict[str, str] = {}
    for one in sorted(nodes, key=lambda one: one.key):
        kind = (one.tier, one.vpc, one.place, one.kind)
        if alike[kind] <= _MOST_ALIKE:
            kept[(*kind[:3], one.key)] = one
            continue
        first = kept.get(kind)
        merged[one.key] = first.key if first else one.key
        kept[kind] = (
            replace(first, members=(*first.members, *one.members))
            if first
            else replace(one, name=f"{alike[kind]} × {one.kind}", stands_for=alike[kind])
        )
    return list(kept.values()), merged


def _reaches(report: Report, rows: list[Row], holders: Mapping[str, str]) -> Iterator[Arrow]:
    """Who reaches what, as the analysis of networks and rights says."""
    by_name: dict[str, str] = {}
    # Names are said without types there: the one that speaks most is meant.
    for row in sorted(rows, key=lambda one: (-rank(one["type"]), one["urn"])):
        if row["custom"]:
            by_name[row["name"]] = holders[row["urn"]]
    by_name[INTERNET] = INTERNET
    labels: dict[tuple[str, str], list[str]] = {}
    for edge in report["insights"]["edges"]:
        source, target = by_name.get(edge["from"]), by_name.get(edge["to"])
        if source and target and source != target:
            labels.setdefault((source, target), []).append(f"{edge['ports']} by {edge['by']}")
    for (source, target), several in sorted(labels.items()):
        yield Arrow(source, target, "reaches", ", ".join(sorted(set(several))))


def _names_users(type_: str) -> bool:
    """Whether a resource of this type says of another who may use it, as a queue's policy does."""
    return type_.endswith((":Permission", "Policy")) and not type_.startswith("aws:iam/")


def _uses(
    rows: list[Row], holders: Mapping[str, str], reaches: Iterable[Arrow], nodes: Mapping[str, Node]
) -> list[Arrow]:
    """Who takes a value of whom besides, among what the system itself is made of.

    Keys, networks, topics of alarms and the like are taken by nearly all, and so is what many name besides; what names
    many, as an export of logs does, says as little. Of two that name each other the one that comes first on a
    request's way is said to use the other.
    """
    told = {frozenset((one.source, one.target)) for one in reaches}
    order = list(TIERS)
    drawn = {key for key, one in nodes.items() if one.tier not in ("network", "operations") and not one.supporting}
    pairs: set[tuple[str, str]] = set()
    for row in rows:
        if _names_users(row["type"]):
            continue
        holder = holders[row["urn"]]
        for property_, urns in row["property_dependencies"].items():
            for other in {holders[urn] for urn in urns if urn in holders}:
                # A right may stand with what it is a right to: its role is who uses it.
                granted = property_ == "role" and row["type"].startswith("aws:iam/")
                pair = (other, holder) if granted else (holder, other)
                if holder != other and drawn.issuperset(pair) and frozenset(pair) not in told:
                    pairs.add(pair)
    pairs = {
        (user, used)
        for user, used in pairs
        if not nodes[user].tier == nodes[used].tier == "data"
        and ((used, user) not in pairs or (order.index(nodes[user].tier), user) < (order.index(nodes[used].tier), used))
    }
    users = Counter(used for _user, used in pairs) + Counter(one.target for one in reaches)
    used_by = Counter(user for user, _used in pairs)
    return [
        Arrow(user, used, "uses")
        for user, used in sorted(pairs)
        if users[used] < _MANY_USERS and used_by[user] < _MANY_USERS
    ]
