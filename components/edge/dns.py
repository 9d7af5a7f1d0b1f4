"""A hosted zone: the names of a domain, for everybody or only inside a VPC.

Use: zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com"))
     zone.alias("api", web.dns_name, web.zone_id)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws

from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError
from ..network.network import Network
from ..retention import Retention
from ..values import DOMAIN_IN_WORDS, DomainName, text

# Records may have underscores too.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_RECORD = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})+")

ZoneId = Annotated[str, text(r"Z[A-Z0-9]{1,31}", "use the id of a hosted zone, such as Z0123456789ABCDEFGHIJ")]


class ZoneArgs(ComponentArgs):
    """A hosted zone. $0.50 a month; names that point at AWS (aliases) are asked for free."""

    domain: DomainName
    """The domain, such as example.com. Cannot be changed later without replacing the zone."""

    existing_id: ZoneId | None = None
    """The id of a zone that exists already; then only records are made, and the zone is left alone."""

    retention: Retention = "protected"
    """protected: the zone cannot be deleted; a new one would have other name servers. ephemeral: it can, with every
    record in it."""


class Zone(Component):
    """A zone of our own, or records in one that somebody else made."""

    CHILDREN = ("zone", "alias_record", "record")

    zone_id: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]] | None
    """To be entered at whoever sold the domain, or as NS records of the zone above it. None for an existing zone."""
    domain: str

    def __init__(
        self, name: str, args: ZoneArgs, *, network: Network | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """
        :param network: Inside which alone the names can be asked. Left out, everybody can.
        """
        super().__init__(name, args, opts)
        if args.existing_id is not None and network is not None:
            raise ArgumentError("existing_id", args.existing_id, "cannot be joined to a network; leave one of them out")
        self.domain = args.domain
        self.name_servers = None
        if args.existing_id is not None:
            self.zone_id = pulumi.Output.from_input(args.existing_id)
        else:
            protected = args.retention == "protected"
            zone = aws.route53.Zone(
                f"{name}-zone",
                name=args.domain,
                comment=f"{args.domain} of {name}",
                vpcs=[aws.route53.ZoneVpcArgs(vpc_id=network.vpc_id)] if network is not None else None,
                force_destroy=not protected,
                tags={"Name": f"{name}-zone"},
                opts=self._child("zone", protect=protected),
            )
            self.zone_id = zone.zone_id
            self.name_servers = zone.name_servers if network is None else None
        self.register_outputs({"zoneId": self.zone_id})

    def alias(
        self,
        label: str,
        dns_name: pulumi.Input[str],
        zone_id: pulumi.Input[str],
        *,
        ipv6: bool = False,
        checks_health: bool = True,
    ) -> str:
        """Point `{label}.{domain}` (`@`: the domain itself) at something of AWS's; returns the whole name.

        `ipv6` for what has such addresses too. `checks_health` not for CloudFront, of which AWS refuses to know it.
        """
        whole = self.name_of(label)
        for kind, part in (("A", ""), ("AAAA", "-ipv6")) if ipv6 else (("A", ""),):
            aws.route53.Record(
                f"{self._prefix}-{_part(label)}{part}-record",
                zone_id=self.zone_id,
                name=whole,
                type=kind,
                aliases=[
                    # No answer rather than the address of what is known to be down.
                    aws.route53.RecordAliasArgs(name=dns_name, zone_id=zone_id, evaluate_target_health=checks_health)
                ],
                opts=self._child("alias_record"),
            )
        return whole

    def name_for(self, label: str, host: pulumi.Input[str], *, ttl_seconds: int = 60) -> str:
        """Let `{label}.{domain}` be another name of `host`; returns the whole name.

        Certificates do not follow: a client that checks the host's certificate must go on to ask for `host`.
        """
        if label == "@":
            raise ArgumentError(
                "label", label, "cannot be another name of a host: the zone itself stands there; use alias"
            )
        whole = self.name_of(label)
        aws.route53.Record(
            f"{self._prefix}-{_part(label)}-record",
            zone_id=self.zone_id,
            name=whole,
            type="CNAME",
            ttl=ttl_seconds,
            records=[host],
            opts=self._child("record"),
        )
        return whole

    def name_of(self, label: str) -> str:
        """`api` → `api.example.com`; `@` → `example.com`."""
        whole = self.domain if label == "@" else f"{label}.{self.domain}"
        if not _RECORD.fullmatch(whole):
            raise ArgumentError("label", whole, f"is not allowed; {DOMAIN_IN_WORDS}")
        return whole


def _part(label: str) -> str:
    """A label as part of a resource's name."""
    return "apex" if label == "@" else re.sub(r"[^a-z0-9]+", "-", label).strip("-")
