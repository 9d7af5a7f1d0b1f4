"""What the network access list of each tier lets through. Pure data: no Pulumi, no AWS.

Access lists are the second fence, behind the security groups: they know no connections, so the answers to outgoing
calls need a rule of their own. That is why high ports are open to the internet where something calls out: also
without NAT, because S3 and DynamoDB answer from public addresses through their gateway endpoints, and a list cannot
name their prefix lists. Port 3389 (remote desktop) is left out of the high ports and 22 lies below them, so no
administration port is ever reachable. The price: of 64,000 ports one can never take an answer, and a retry cures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..values import Tier
from .subnets import SubnetPlan

WORLD = "0.0.0.0/0"
_ANSWER_PORTS = ((1024, 3388), (3390, 65535))


@dataclass(frozen=True)
class Entry:
    """One rule that allows traffic; whatever no rule allows is dropped."""

    protocol: Literal["-1", "tcp", "udp", "icmp"]
    cidr: str
    ports: tuple[int, int] = (0, 0)
    icmp: tuple[int, int] | None = None
    """Type and code."""


@dataclass(frozen=True)
class AccessList:
    """The rules of one tier, in the order in which they are tried."""

    ingress: tuple[Entry, ...]
    egress: tuple[Entry, ...]


# "Fragmentation needed": without it large answers to calls that go out through NAT or the balancer hang.
_PATH_MTU = Entry("icmp", WORLD, icmp=(3, 4))


def access_list(tier: Tier, vpc_cidr: str, subnets: Sequence[SubnetPlan], *, nat: bool) -> AccessList:
    """The rules for `tier` in a VPC with these subnets; `nat` says whether private subnets may call the internet."""
    if tier == "isolated":
        neighbours = tuple(Entry("-1", cidr) for cidr in _neighbours(subnets))
        return AccessList(ingress=neighbours, egress=neighbours)
    everyone_here = Entry("-1", vpc_cidr)
    answers = (*_answers("tcp"), *(_answers("udp") if nat else ()), _PATH_MTU)
    if tier == "public":
        web = (Entry("tcp", WORLD, (80, 80)), Entry("tcp", WORLD, (443, 443)))
        return AccessList(ingress=(everyone_here, *web, *answers), egress=(Entry("-1", WORLD),))
    outward = Entry("-1", WORLD) if nat else Entry("tcp", WORLD, (443, 443))
    return AccessList(ingress=(everyone_here, *answers), egress=(everyone_here, outward))


def _answers(protocol: Literal["tcp", "udp"]) -> tuple[Entry, ...]:
    return tuple(Entry(protocol, WORLD, ports) for ports in _ANSWER_PORTS)


def _neighbours(subnets: Sequence[SubnetPlan]) -> list[str]:
    """Who may talk to the isolated tier: itself, and the tier in front of it. The internet is never one hop away."""
    in_front = "private" if any(subnet.tier == "private" for subnet in subnets) else "public"
    found = [subnet for subnet in subnets if subnet.tier in {"isolated", in_front}]
    # Zone by zone: another zone comes last, and no rule that is in use changes its number.
    return [subnet.cidr for subnet in sorted(found, key=lambda subnet: subnet.zone)]


def numbered(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The rules as a network ACL takes them, in steps of a hundred, so that one can be put in between by hand in an
    emergency."""
    return [
        {
            "rule_no": number * 100,
            "action": "allow",
            "protocol": entry.protocol,
            "cidr_block": entry.cidr,
            "from_port": entry.ports[0],
            "to_port": entry.ports[1],
            **({"icmp_type": entry.icmp[0], "icmp_code": entry.icmp[1]} if entry.icmp else {}),
        }
        for number, entry in enumerate(entries, start=1)
    ]
