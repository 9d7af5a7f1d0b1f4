"""A certificate that AWS issues and renews, because records in our zone prove that the domain is ours.

Use: certificate = Certificate("wiki-dev-tls", CertificateArgs(domains=["api.example.com"]), zone=zone)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import AlarmTopics, Metric, metric_alarm
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..values import DOMAIN, DOMAIN_IN_WORDS, Region, text
from ..widgets import Widget
from .dns import Zone

MOST_DOMAINS = 10
_LONGEST_FIRST = 64


DAY_SECONDS: Final = 86_400


class CertificateArgs(ComponentArgs):
    """A certificate. It costs nothing."""

    domains: Annotated[
        list[Annotated[str, text(rf"(\*\.)?{DOMAIN}", DOMAIN_IN_WORDS)]], Field(min_length=1, max_length=MOST_DOMAINS)
    ]
    """What it is for; `*.example.com` covers one level. The first may have 64 characters. A change replaces it."""

    region: Region | None = None
    """A region other than the provider's: us-east-1 for CloudFront. Load balancers need it in their own."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from mistaken_names(self.domains)


def mistaken_names(domains: Sequence[str], zone: str | None = None) -> Iterator[Mistake]:
    """What keeps AWS from issuing one certificate for all of these names, whose proofs stand in `zone`."""
    if len(domains[0]) > _LONGEST_FIRST:
        yield Mistake(
            ("domains", 0),
            domains[0],
            f"has {len(domains[0])} characters; AWS allows {_LONGEST_FIRST} in a certificate",
        )
    for number, domain in enumerate(domains):
        if domain in domains[:number]:
            yield Mistake(("domains", number), domain, "is named twice; name each domain once")
        bare = domain.removeprefix("*.")
        if zone is not None and bare != zone and not bare.endswith(f".{zone}"):
            yield Mistake(
                ("domains", number),
                domain,
                f"is not in the zone {zone}, in which a record must prove the ownership; use {zone} or a name below it",
            )


class Certificate(Component):
    """A certificate, the records that prove it, and the wait until AWS has seen them."""

    CHILDREN = ("certificate", "record", "validation", "alarm")

    arn: pulumi.Output[str]
    """Known only once the certificate is issued."""
    domains: list[str]
    region: str | None
    """None: the provider's."""

    def __init__(
        self, name: str, args: CertificateArgs, *, zone: Zone, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """
        :param zone: The public zone in which all the domains lie.
        """
        super().__init__(name, args, opts)
        if outside := list(mistaken_names(args.domains, zone.domain)):
            raise ArgumentError.of(outside)
        self.domains, self.region = args.domains, args.region
        first, *others = args.domains
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=first,
            subject_alternative_names=others or None,
            validation_method="DNS",
            region=args.region,
            tags={"Name": f"{name}-certificate"},
            opts=self._child("certificate"),
        )
        # `example.com` and `*.example.com` are proven by the same record, which can be made only once.
        proven = sorted({domain.removeprefix("*.") for domain in args.domains})
        records = [
            self._proof(number, bare if len(proven) > 1 else None, certificate, zone.zone_id)
            for number, bare in enumerate(proven, start=1)
        ]
        validation = aws.acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            region=args.region,
            opts=self._child("validation"),
        )
        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """An alarm when AWS has not renewed in time, which it does 60 days before the end. `topics` in its region."""
        return [
            metric_alarm(
                f"{self._prefix}-expiry",
                description=(
                    f"The certificate {self._prefix} ends within 30 days and was not renewed. "
                    "Look whether its validation records are still in the zone, and the zone still delegated."
                ),
                metric=self._days_left,
                comparison="LessThanThreshold",
                threshold=30,
                period_seconds=DAY_SECONDS,
                periods=1,
                severity="warning",
                topics=topics,
                region=self.region,
                opts=self._child("alarm"),
            )
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How long it is still good for."""
        return [self._graph("Certificates (ACM)", self._days_left, period_seconds=DAY_SECONDS, region=self.region)]

    @property
    def _days_left(self) -> Metric:
        return Metric(
            namespace="AWS/CertificateManager",
            name="DaysToExpiry",
            dimensions={"CertificateArn": self.arn},
            statistic="Minimum",
        )

    def _proof(
        self, number: int, bare: str | None, certificate: aws.acm.Certificate, zone_id: pulumi.Input[str]
    ) -> aws.route53.Record:
        """The record that proves `bare`; None where all that the certificate names is proven by one."""
        option = certificate.domain_validation_options.apply(
            lambda options: next(
                one for one in options if bare is None or (one.domain_name or "").removeprefix("*.") == bare
            )
        )
        return aws.route53.Record(
            f"{self._prefix}-record-{number}",
            zone_id=zone_id,
            name=option.resource_record_name.apply(lambda known: known or ""),
            type=option.resource_record_type.apply(lambda known: known or ""),
            records=[option.resource_record_value.apply(lambda known: known or "")],
            ttl=60,
            # AWS asks for the same record for each certificate of a domain in an account, whatever its region.
            allow_overwrite=True,
            opts=self._child("record"),
        )
