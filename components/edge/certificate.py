"""A certificate that AWS issues and renews, because records in our zone prove that the domain is ours.

Use: certificate = Certificate("wiki-dev-tls", CertificateArgs(domains=["api.example.com"], zone_domain="example.com",
                               zone_id=zone.zone_id))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.edge.dns import check_domain
from components.refusal import Refusal

_LONGEST_FIRST = 64


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """What the caller decides about a certificate. It costs nothing."""

    domains: Sequence[str]
    """What it is for; `*.example.com` covers one level. The first may have 64 characters. A change replaces it."""

    zone_domain: str
    """The domain of the public zone in which they all lie."""

    zone_id: pulumi.Input[str]
    """The id of that zone."""

    region: str | None = None
    """A region other than the provider's: us-east-1 for CloudFront. Load balancers need it in their own."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.domains) <= 10:
            raise Refusal("domains", list(self.domains), "has too few or too many; a certificate takes 1 to 10")
        if len(set(self.domains)) != len(self.domains):
            raise Refusal("domains", list(self.domains), "names a domain twice; name each once")
        if len(self.domains[0]) > _LONGEST_FIRST:
            raise Refusal(
                "domains[0]", self.domains[0], f"has {len(self.domains[0])} characters; AWS allows {_LONGEST_FIRST}"
            )
        for index, domain in enumerate(self.domains):
            bare = domain.removeprefix("*.")
            check_domain(f"domains[{index}]", bare)
            if bare != self.zone_domain and not bare.endswith(f".{self.zone_domain}"):
                raise Refusal(
                    f"domains[{index}]",
                    domain,
                    f"does not lie in the zone {self.zone_domain}, so that nothing could prove that it is ours; "
                    f"use {self.zone_domain} or a name below it",
                )


class Certificate(pulumi.ComponentResource):
    """A certificate, the records that prove it, and the wait until AWS has seen them."""

    CHILDREN = ("certificate", "record", "validation", "alarm")

    arn: pulumi.Output[str]
    """Known only once the certificate is issued."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:edge:Certificate", name, None, opts)
        self._prefix = name
        self._region = args.region
        self._child = Children(self, args.transform, self.CHILDREN)
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
            self._proof(number, bare if len(proven) > 1 else None, certificate, args.zone_id)
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
            raise_alarm(
                f"{self._prefix}-expiry",
                means=(
                    f"The certificate {self._prefix} ends within 30 days and was not renewed. "
                    "Look whether its validation records are still in the zone, and the zone still delegated."
                ),
                metric=Metric(
                    namespace="AWS/CertificateManager",
                    name="DaysToExpiry",
                    dimensions={"CertificateArn": self.arn},
                    statistic="Minimum",
                ),
                comparison="LessThanThreshold",
                threshold=30,
                period_seconds=86400,
                periods=1,
                severity="warning",
                topics=topics,
                region=self._region,
                opts=self._child("alarm"),
            )
        ]

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
