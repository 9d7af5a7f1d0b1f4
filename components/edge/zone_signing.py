"""DNSSEC of a public zone: its answers are signed, so that resolvers refuse forged ones.

Use: signing = ZoneSigning("wiki-dev-dnssec", ZoneSigningArgs(), zone=zone, topics=us_east_topics)

Resolvers look at the signatures once `ds_record` stands in the zone above. From then on the order matters
(docs/runbooks/dnssec.md): with that record and without a signed zone the domain answers nobody.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric, metric_alarm
from ..args import ComponentArgs
from ..component import Component
from ..policy import Statement, document, statement
from ..retention import Retention
from ..widgets import Widget
from .dns import Zone
from .site_args import US_EAST

SIGNER = "dnssec-route53.amazonaws.com"


# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-hosted-zones-with-cloudwatch.html
_WATCHED = {"key": "DNSSECKeySigningKeysNeedingAction", "failure": "DNSSECInternalFailure"}


class ZoneSigningArgs(ComponentArgs):
    """The signing of a zone. $1 a month for the key, $0.20 for two alarms, and some cents for its signatures."""

    retention: Retention = "protected"
    """protected: neither the signing nor its key can be deleted, and a deletion of the key waits 30 days. ephemeral:
    both can, and it waits 7 days."""


class ZoneSigning(Component):
    """A signed zone, the key that signs for it, and two alarms."""

    CHILDREN = ("key", "alias", "signing_key", "signing", "alarm")

    ds_record: pulumi.Output[str]
    """What the zone above must say, at whoever sold the domain. Known only once the zone is signed."""

    def __init__(
        self,
        name: str,
        args: ZoneSigningArgs,
        *,
        zone: Zone,
        topics: AlarmTopics,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param zone: A public zone, to whose name servers the domain is delegated: Route 53 signs no other.
        :param topics: Topics in us-east-1. Whoever leaves a failed key alone has a domain that answers nobody, some
            days later.
        """
        super().__init__(name, args, opts)
        protected = args.retention == "protected"
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Signs the DNS zone {zone.domain}",
            # Route 53 takes keys of this kind in this region alone, and AWS rotates no asymmetric key:
            # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-configuring-dnssec-cmk-requirements.html
            customer_master_key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            deletion_window_in_days=30 if protected else 7,
            policy=document(*_key_policy(Account.of(self), zone.zone_id)),
            region=US_EAST,
            opts=self._child("key", protect=protected),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{name}",
            target_key_id=key.key_id,
            region=US_EAST,
            opts=self._child("alias"),
        )
        signing_key = aws.route53.KeySigningKey(
            f"{name}-signing-key",
            # Letters, digits and underscores; a zone has at most two.
            name=name.replace("-", "_"),
            hosted_zone_id=zone.zone_id,
            key_management_service_arn=key.arn,
            status="ACTIVE",
            opts=self._child("signing_key"),
        )
        signing = aws.route53.HostedZoneDnsSec(
            f"{name}-signing",
            hosted_zone_id=zone.zone_id,
            # After its key, and gone before it: Route 53 refuses to sign without an active key, and to deactivate the
            # last key of a signed zone.
            opts=self._child("signing", protect=protected, depends_on=[signing_key]),
        )
        self._zone = zone
        self._alarms(name, zone, topics)
        self.ds_record = pulumi.Output.all(signing_key.ds_record, signing.id).apply(lambda known: known[0])
        self.register_outputs({"dsRecord": self.ds_record})

    def _alarms(self, name: str, zone: Zone, topics: AlarmTopics) -> None:
        unusable = (
            f"Route 53 cannot use the key that signs {zone.domain}. Signatures end within days, and then nobody who "
            "checks them gets an answer: is the key enabled, and does its policy still name Route 53?"
        )
        failure = f"Route 53 fails to sign {zone.domain}: `aws route53 get-dnssec` says why; if it does not, ask AWS."
        for part, means in (("key", unusable), ("failure", failure)):
            metric_alarm(
                f"{name}-{part}-alarm",
                description=means,
                metric=self._metric(part),
                threshold=0,
                period_seconds=300,
                periods=1,
                # Route 53 says so once in four hours. Between two values the last one holds.
                missing="ignore",
                severity="critical",
                topics=topics,
                region=US_EAST,
                opts=self._child("alarm"),
            )

    @property
    def widgets(self) -> list[Widget]:
        """Whether Route 53 can sign."""
        return [
            self._graph("Signed names (Route 53)", self._metric(part), period_seconds=300, region=US_EAST)
            for part in _WATCHED
        ]

    def _metric(self, part: str) -> Metric:
        dimensions = {"HostedZoneId": self._zone.zone_id}
        return Metric(namespace="AWS/Route53", name=_WATCHED[part], dimensions=dimensions, statistic="Sum")


def _key_policy(account: Account, zone_id: pulumi.Input[str]) -> list[Statement]:
    """What Route 53 asks for: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/access-control-managing-permissions.html

    No documentation says that it names the zone when it makes its grants, so those are only held to AWS's own use.
    """
    zone = pulumi.Output.concat("arn:", account.partition, ":route53:::hostedzone/", zone_id)
    return [
        # In a key policy "*" means this key only. Without this the key is out of reach once its maker is gone.
        statement("AdministeredByTheAccount", principal={"AWS": account.root}, actions="kms:*", resources="*"),
        statement(
            "SignsThisZone",
            principal={"Service": SIGNER},
            actions=["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"],
            resources="*",
            condition={
                "StringEquals": {"aws:SourceAccount": account.id},
                "ArnEquals": {"aws:SourceArn": zone},
            },
        ),
        statement(
            "GrantedToRoute53",
            principal={"Service": SIGNER},
            actions="kms:CreateGrant",
            resources="*",
            condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
