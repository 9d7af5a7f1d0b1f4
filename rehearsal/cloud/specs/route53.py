"""Hosted zones, their records and their signatures."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec
from rehearsal.problems import AwsError, RequestError

_TEXTS: Final = ("TXT", "SPF")
_ROUTING: Final[dict[str, tuple[str | None, dict[str, str]]]] = {
    "weightedRoutingPolicies": (None, {"weight": "Weight"}),
    "failoverRoutingPolicies": (None, {"type": "Failover"}),
    "latencyRoutingPolicies": (None, {"region": "Region"}),
    "geolocationRoutingPolicies": (
        "GeoLocation",
        {"continent": "ContinentCode", "country": "CountryCode", "subdivision": "SubdivisionCode"},
    ),
}
"""The provider's blocks, the record's structure that each fills (None for the record itself), and its members."""

_UNSIGNED: Final = "the emulator signs no zones"

# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-configuring-dnssec-cmk-requirements.html
_SIGNS_IN: Final = "us-east-1"
_SIGNS_WITH: Final = ("ECC_NIST_P256", "SIGN_VERIFY")


def _create_zone(context: CreateContext) -> dict[str, Any]:
    inputs = context.inputs
    vpcs = [
        {"VPCId": vpc["vpcId"], "VPCRegion": vpc.get("vpcRegion", context.region)} for vpc in inputs.get("vpcs", [])
    ]
    request: dict[str, Any] = {
        "Name": inputs["name"],
        "CallerReference": context.urn[-128:],
        "HostedZoneConfig": {"Comment": inputs.get("comment", "Managed by Pulumi"), "PrivateZone": bool(vpcs)},
    }
    if vpcs:
        request["VPC"] = vpcs[0]
    if "delegationSetId" in inputs:
        request["DelegationSetId"] = inputs["delegationSetId"]
    response = context.call("CreateHostedZone", request)
    zone = response["HostedZone"]["Id"].rpartition("/")[2]
    for vpc in vpcs[1:]:
        context.call("AssociateVPCWithHostedZone", {"HostedZoneId": zone, "VPC": vpc})
    if context.tags:
        tags = [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]
        context.call("ChangeTagsForResource", {"ResourceType": "hostedzone", "ResourceId": zone, "AddTags": tags})
    return response


def _zone_id(context: CreateContext) -> str:
    return str(context.response["HostedZone"]["Id"]).rpartition("/")[2]


def _zone_name(context: CreateContext) -> str:
    return str(context.call("GetHostedZone", {"Id": context.inputs["zoneId"]})["HostedZone"]["Name"]).rstrip(".")


def _whole_name(context: CreateContext) -> str:
    """The provider takes names with and without the zone's own."""
    zone = _zone_name(context)
    name = str(context.inputs["name"]).rstrip(".")
    return name if zone == "" or name == zone or name.endswith(f".{zone}") else f"{name}.{zone}" if name else zone


def _value(type_: str, value: str) -> str:
    """The provider puts the quotes around texts; a text longer than 255 characters has `""` where it is split."""
    if type_ not in _TEXTS:
        return value
    if value[:1] == value[-1:] == '"' and len(value) > 1:
        raise RequestError(f"records: {value} has quotes of its own, and the provider adds others", "leave them out")
    return f'"{value}"'


def _change_record(context: CreateContext) -> dict[str, Any]:
    return _change(context, "UPSERT" if context.inputs.get("allowOverwrite") else "CREATE")


def overwrite_record(context: CreateContext) -> None:
    """Put the record as it is said in place of one of its name and type."""
    _change(context, "UPSERT")


def delete_record(context: CreateContext) -> None:
    """Route 53 deletes only what is named in full."""
    _change(context, "DELETE")


def _change(context: CreateContext, action: str) -> dict[str, Any]:
    inputs = context.inputs
    record: dict[str, Any] = {"Name": _whole_name(context), "Type": inputs["type"]}
    if record["Type"] == "CNAME" and record["Name"] == _zone_name(context):
        raise AwsError(
            f"ChangeResourceRecordSets: a CNAME is not permitted at the apex of a zone, {record['Name']} "
            "(InvalidChangeBatch)",
            "use type A with aliases",
        )
    if "ttl" in inputs:
        record["TTL"] = int(inputs["ttl"])
    if "records" in inputs:
        record["ResourceRecords"] = [{"Value": _value(inputs["type"], value)} for value in inputs["records"]]
    for alias in inputs.get("aliases", []):
        record["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
    if "setIdentifier" in inputs:
        record["SetIdentifier"] = inputs["setIdentifier"]
    for policy, (member, names) in _ROUTING.items():
        for given in inputs.get(policy, []):
            values = {name: given[key] for key, name in names.items() if key in given}
            record.update(values if member is None else {member: values})
    if "multivalueAnswerRoutingPolicy" in inputs:
        record["MultiValueAnswer"] = inputs["multivalueAnswerRoutingPolicy"]
    if "healthCheckId" in inputs:
        record["HealthCheckId"] = inputs["healthCheckId"]
    change = {"Action": action, "ResourceRecordSet": record}
    return context.call(
        "ChangeResourceRecordSets", {"HostedZoneId": inputs["zoneId"], "ChangeBatch": {"Changes": [change]}}
    )


def _name_servers(context: CreateContext) -> list[str] | None:
    servers = context.response.get("DelegationSet", {}).get("NameServers")
    return sorted(servers) if servers else None


def _ds_record(context: CreateContext) -> str:
    """Made up; but what Route 53 refuses of zone and key is asked of the emulator."""
    zone, arn = context.inputs["hostedZoneId"], str(context.inputs["keyManagementServiceArn"])
    if context.call("GetHostedZone", {"Id": zone})["HostedZone"]["Config"]["PrivateZone"]:
        raise AwsError(f"CreateKeySigningKey: {zone} is private; Route 53 signs public zones only")
    region = (arn.split(":") + [""] * 4)[3]
    if region != _SIGNS_IN:
        raise AwsError(f"CreateKeySigningKey: {arn} is not in {_SIGNS_IN} (InvalidKMSArn)")
    key = context.account.call("kms", "DescribeKey", region, {"KeyId": arn})["KeyMetadata"]
    if (key["KeySpec"], key["KeyUsage"]) != _SIGNS_WITH:
        wanted = " for ".join(_SIGNS_WITH)
        is_ = f"{key['KeySpec']} for {key['KeyUsage']}"
        raise AwsError(f"CreateKeySigningKey: {arn} is {is_}, not {wanted} (InvalidKMSArn)")
    return str(context.response["KeySigningKey"]["DSRecord"])


SPECS: Final[dict[str, Spec]] = {
    "aws:route53/zone:Zone": Spec(
        service="route53",
        create=Code(_create_zone, reads=("name", "comment", "vpcs", "delegationSetId")),
        id=_zone_id,
        outputs={
            "zoneId": "{id}",
            "arn": "arn:{partition}:route53:::hostedzone/{id}",
            "nameServers": _name_servers,
            "primaryNameServer": lambda context: (_name_servers(context) or [None])[0],
        },
    ),
    "aws:route53/keySigningKey:KeySigningKey": Spec(
        service="route53",
        create=Call(operation="CreateKeySigningKey", fixed={"CallerReference": lambda context: context.urn[-128:]}),
        id="{hostedZoneId},{name}",
        defaults={"status": "ACTIVE"},
        outputs={"dsRecord": _ds_record},
        validated_only=lambda _inputs: _UNSIGNED,
    ),
    "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec": Spec(
        service="route53",
        create=Call(operation="EnableHostedZoneDNSSEC"),
        id="{hostedZoneId}",
        left_out={"signingStatus": "which of two calls the provider sends; both take the zone alone"},
        validated_only=lambda _inputs: _UNSIGNED,
    ),
    "aws:route53/record:Record": Spec(
        service="route53",
        create=Code(
            _change_record,
            reads=(
                "zoneId",
                "name",
                "type",
                "ttl",
                "records",
                "aliases",
                "setIdentifier",
                *_ROUTING,
                "multivalueAnswerRoutingPolicy",
                "healthCheckId",
                "allowOverwrite",
            ),
        ),
        id=lambda context: f"{context.inputs['zoneId']}_{context.inputs['name']}_{context.inputs['type']}",
        outputs={"fqdn": lambda context: _whole_name(context)},
    ),
}
