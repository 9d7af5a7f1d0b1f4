"""Stand-ins for what a stack file says exists already.

A stack may live in somebody else's VPC: its file then names `vpc-…`, `subnet-…` and the like. The emulated account
starts empty, so the rehearsal puts something with exactly these ids there, and says so.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from unittest import mock

from moto.backends import get_backend

from rehearsal.cloud.account import ACCOUNT, PARTITION, Account

_STANDS: Final = re.compile(r"(?:vpc|subnet|sg|rtb)-|Z[0-9A-Z]+$|arn:[^:]+:acm:")
_CIDR: Final = ipaddress.IPv4Network("10.0.0.0/16")


@contextlib.contextmanager
def _next_id(generator: str, identifier: str) -> Iterator[None]:
    with mock.patch(generator, return_value=identifier):
        yield


def stand_in(account: Account, region: str, identifiers: Iterable[str]) -> list[str]:
    """Create each of `identifiers`; returns those that were created."""
    zones = account.call("ec2", "DescribeAvailabilityZones", region, {})["AvailabilityZones"]
    blocks = _CIDR.subnets(new_prefix=24)
    vpc: str | None = None
    made = []
    for position, identifier in enumerate(identifiers):
        if not _STANDS.match(identifier):
            # There is nothing to put there: what refers to it is checked, and not asked of an account without it.
            account.not_emulated.add(identifier)
            made.append(identifier)
            continue
        if identifier.startswith(("Z", "arn:")):
            (_zone if identifier.startswith("Z") else _certificate)(account, region, identifier)
            made.append(identifier)
            continue
        kind = identifier.partition("-")[0]
        if kind != "vpc" and vpc is None:
            vpc = _make(account, region, "CreateVpc", {"CidrBlock": str(_CIDR)})["Vpc"]["VpcId"]
        if kind == "vpc":
            with _next_id("moto.ec2.models.vpcs.random_vpc_id", identifier):
                _make(account, region, "CreateVpc", {"CidrBlock": str(_CIDR)})
            vpc = vpc or identifier
        elif kind == "subnet":
            zone = zones[position % len(zones)]["ZoneName"]
            with _next_id("moto.ec2.models.subnets.random_subnet_id", identifier):
                _make(
                    account,
                    region,
                    "CreateSubnet",
                    {"VpcId": vpc, "CidrBlock": str(next(blocks)), "AvailabilityZone": zone},
                )
        elif kind == "sg":
            with _next_id("moto.ec2.models.security_groups.random_security_group_id", identifier):
                _make(
                    account,
                    region,
                    "CreateSecurityGroup",
                    {"GroupName": identifier, "Description": "stand-in", "VpcId": vpc},
                )
        elif kind == "rtb":
            with _next_id("moto.ec2.models.route_tables.random_route_table_id", identifier):
                _make(account, region, "CreateRouteTable", {"VpcId": vpc})
        made.append(identifier)
    return made


def _make(account: Account, region: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    return account.call("ec2", operation, region, request)


def _zone(account: Account, region: str, identifier: str) -> None:
    """A hosted zone. The stack's file need not say of which domain, so it is the root, which takes every name."""
    with _next_id("moto.route53.models.HostedZoneIdentifier.generate", identifier):
        request = {"Name": f"{identifier.lower()}.invalid", "CallerReference": identifier}
        account.call("route53", "CreateHostedZone", region, request)
    zones: Any = get_backend("route53")[ACCOUNT][PARTITION].zones
    zones[identifier].name = "."


def _certificate(account: Account, _region: str, arn: str) -> None:
    """A certificate in the region that its ARN names. Nobody reads for which domain it is."""
    region = arn.split(":")[3]
    made = account.call("acm", "RequestCertificate", region, {"DomainName": "stand-in.invalid"})["CertificateArn"]
    certificates: Any = get_backend("acm")[ACCOUNT][region]._certificates  # noqa: SLF001 it has no other seam
    certificates[arn] = certificates.pop(made)
    certificates[arn].arn = arn
