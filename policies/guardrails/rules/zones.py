"""Hosted zones whose answers are signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, NotYetKnown, aws, example, graph_rule, json_of, ref, statements
from guardrails.kit.values import UNKNOWN
from guardrails.rules.residency import US_EAST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


_WATCHED = ("DNSSECInternalFailure", "DNSSECKeySigningKeysNeedingAction")
_SIGNER = "dnssec-route53.amazonaws.com"
_SIGNS = ("kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:CreateGrant")


def _of_its_zone(signed: Resource, kind: str, at: Context, *, via: str) -> list[Resource]:
    """The resources of `kind` that are for the zone which is signed; a zone may be another stack's."""
    zones = at.graph.targets(signed, types.ROUTE53_ZONE, via="hostedZoneId")
    if zones:
        return [each for zone in zones for each in at.graph.children(zone, kind, via=via)]
    zone_id = signed.props.text("hostedZoneId")
    return [each for each in at.graph.of_kind(kind) if each.props.get(via) == zone_id]


def _signed(*, after: tuple[str, ...] = ("signer",), zone: Any = None, **props: Any) -> Any:
    return aws(types.HOSTED_ZONE_DNS_SEC, {"hostedZoneId": zone or ref("zone"), **props}, name="signed", after=after)


def _signer(*, zone: Any = None, **props: Any) -> Any:
    given = {"name": "signer", "hostedZoneId": zone or ref("zone"), "keyManagementServiceArn": ref("key", "arn")}
    return aws(types.KEY_SIGNING_KEY, {**given, **props}, name="signer")


def _alarm(metric: str, *, zone: Any = None, **props: Any) -> Any:
    watches = {"namespace": "AWS/Route53", "metricName": metric, "dimensions": {"HostedZoneId": zone or ref("zone")}}
    told = {"alarmActions": ["arn:aws:sns:us-east-1:123456789012:alerts"]}
    return aws("cloudwatch/metricAlarm:MetricAlarm", {**watches, **told, "region": US_EAST, **props}, name=metric)


_ZONE = aws("route53/zone:Zone", {"name": "example.com"}, name="zone")


@graph_rule(
    id="zone-signing-watched",
    title="A signed zone has alarms on its DNSSEC metrics",
    types=(types.HOSTED_ZONE_DNS_SEC,),
    level=MANDATORY,
    severity="high",
    topics=("logging",),
    remedy=f"Put an alarm with actions, in {US_EAST}, on each of AWS/Route53's {' and '.join(_WATCHED)} of the zone.",
)
def zone_signing_watched(signed: Resource, at: Context) -> Iterator[str]:
    """Signatures end some days after the key is out of reach, and then the domain answers nobody who checks them. The
    metrics are in us-east-1 only."""
    if signed.props.get("signingStatus", "SIGNING") != "SIGNING":
        return
    alarms = _of_its_zone(signed, types.METRIC_ALARM, at, via="dimensions.HostedZoneId")
    for metric in _WATCHED:
        if any(_rings(alarm, metric, at) for alarm in alarms):
            continue
        if any(_of_some_zone(alarm) for alarm in at.graph.of_kind(types.METRIC_ALARM)):
            raise NotYetKnown("dimensions")
        yield f"no alarm watches {metric}"


zone_signing_watched.examples(
    compliant=[
        example(_ZONE, _signed(after=()), *(_alarm(metric) for metric in _WATCHED)),
        example(_signed(after=(), zone="Z1"), *(_alarm(metric, zone="Z1") for metric in _WATCHED)),
        example(_ZONE, _signed(after=(), signingStatus="NOT_SIGNING")),
    ],
    non_compliant=[
        example(_ZONE, _signed(after=())),
        example(_ZONE, _signed(after=()), _alarm(_WATCHED[0])),
        example(_ZONE, _signed(after=()), *(_alarm(metric, zone="Z2") for metric in _WATCHED)),
        example(_ZONE, _signed(after=()), *(_alarm(metric, alarmActions=[]) for metric in _WATCHED)),
        example(_ZONE, _signed(after=()), *(_alarm(metric, actionsEnabled=False) for metric in _WATCHED)),
        example(_ZONE, _signed(after=()), *(_alarm(metric, region="ap-northeast-1") for metric in _WATCHED)),
    ],
)


def _of_some_zone(alarm: Resource) -> bool:
    """Whether nobody can tell yet what the alarm is for."""
    return alarm.props.maybe("dimensions.HostedZoneId") is UNKNOWN and "dimensions" not in alarm.dependencies


def _rings(alarm: Resource, metric: str, at: Context) -> bool:
    return (
        alarm.props.text("namespace") == "AWS/Route53"
        and alarm.props.text("metricName") == metric
        and alarm.region(at.stack) == US_EAST
        and alarm.props.get("actionsEnabled") is not False
        and _has_items(alarm, "alarmActions")
    )


def _has_items(resource: Resource, path: str) -> bool:
    return resource.props.has(path) and len(resource.props.items(path)) > 0


_OWN = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}
_FOR_SIGNER = {"Effect": "Allow", "Principal": {"Service": _SIGNER}, "Action": list(_SIGNS), "Resource": "*"}


def _key(*given: dict[str, Any], **props: Any) -> Any:
    kind = {"customerMasterKeySpec": "ECC_NIST_P256", "keyUsage": "SIGN_VERIFY", "region": US_EAST}
    return aws("kms/key:Key", {**kind, "policy": json_of(*(given or (_OWN, _FOR_SIGNER))), **props}, name="key")


@graph_rule(
    id="zone-signing-key",
    title="A signed zone has an active key-signing key that Route 53 can use",
    types=(types.HOSTED_ZONE_DNS_SEC,),
    level=MANDATORY,
    severity="high",
    topics=("fit",),
    remedy=(
        "Make a KeySigningKey of the zone with status ACTIVE, let the signing depend on it, and give it a key of "
        f"{US_EAST}, ECC_NIST_P256 for SIGN_VERIFY, whose policy lets {_SIGNER} use {', '.join(_SIGNS)}."
    ),
)
def zone_signing_key(signed: Resource, at: Context) -> Iterator[str]:
    """Route 53 refuses to sign without an active key, and to deactivate the last key of a signed zone: one that is not
    made before the signing is not deleted after it, either. A key out of its reach signs until its signatures end."""
    if signed.props.get("signingStatus", "SIGNING") != "SIGNING":
        return
    signers = _of_its_zone(signed, types.KEY_SIGNING_KEY, at, via="hostedZoneId")
    active = [each for each in signers if each.props.get("status", "ACTIVE") == "ACTIVE"]
    if not active:
        yield "no active key signs for the zone"
    elif at.graph.before(signed).isdisjoint(each.urn for each in active):
        yield f"it does not depend on its key {active[0].name}, which may be deleted first"
    for signer in active:
        for key in at.graph.targets(signer, types.KMS_KEY, via="keyManagementServiceArn"):
            yield from _unfit(key, at)


zone_signing_key.examples(
    compliant=[
        example(_ZONE, _key(), _signer(), _signed()),
        example(_ZONE, _key(), _signer(status="ACTIVE"), _signed()),
        example(_signed(zone="Z1"), _key(), _signer(zone="Z1")),
        example(_ZONE, _signer(keyManagementServiceArn="arn:aws:kms:us-east-1:123456789012:key/1"), _signed()),
        example(
            _ZONE,
            _key(_OWN),
            aws("kms/keyPolicy:KeyPolicy", {"keyId": ref("key"), "policy": json_of(_OWN, _FOR_SIGNER)}, name="policy"),
            _signer(),
            _signed(),
        ),
        example(_ZONE, _signed(after=(), signingStatus="NOT_SIGNING")),
    ],
    non_compliant=[
        example(_ZONE, _signed(after=())),
        example(_ZONE, _key(), _signer(status="INACTIVE"), _signed()),
        example(_ZONE, _key(), _signer(), _signed(after=())),
        example(_ZONE, _key(region="ap-northeast-1"), _signer(), _signed()),
        example(_ZONE, _key(customerMasterKeySpec="ECC_NIST_P384"), _signer(), _signed()),
        example(_ZONE, _key(isEnabled=False), _signer(), _signed()),
        example(_ZONE, _key(_OWN), _signer(), _signed()),
        example(_ZONE, _key(_OWN, {**_FOR_SIGNER, "Action": "kms:Sign"}), _signer(), _signed()),
    ],
)


def _unfit(key: Resource, at: Context) -> Iterator[str]:
    region = key.region(at.stack)
    if region is not None and region != US_EAST:
        yield f"{key.name} is in {region}"
    kind = key.props.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT"), key.props.get("keyUsage", "ENCRYPT_DECRYPT")
    if kind != ("ECC_NIST_P256", "SIGN_VERIFY"):
        yield f"{key.name} is {kind[0]} for {kind[1]}"
    if key.props.get("isEnabled") is False:
        yield f"{key.name} is disabled"
    written = [key, *at.graph.children(key, types.KEY_POLICY, via="keyId")]
    found = [each for one in written for each in statements(one.props, "policy") if each.allows]
    for_signer = [each for each in found if _SIGNER in each.services()]
    missing = [action for action in _SIGNS if not any(each.covers([action]) for each in for_signer)]
    if missing:
        yield f"the policy of {key.name} does not let {_SIGNER} use {', '.join(missing)}"
