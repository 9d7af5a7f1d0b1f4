"""Hosted zones and their records."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Code, Making, Spec


def _create_zone(making: Making) -> dict[str, Any]:
    inputs = making.inputs
    vpcs = [{"VPCId": vpc["vpcId"], "VPCRegion": vpc.get("vpcRegion", making.region)} for vpc in inputs.get("vpcs", [])]
    request: dict[str, Any] = {
        "Name": inputs["name"],
        "CallerReference": making.urn[-128:],
        "HostedZoneConfig": {"Comment": inputs.get("comment", "Managed by Pulumi"), "PrivateZone": bool(vpcs)},
    }
    if vpcs:
        request["VPC"] = vpcs[0]
    if "delegationSetId" in inputs:
        request["DelegationSetId"] = inputs["delegationSetId"]
    response = making.call("CreateHostedZone", request)
    zone = response["HostedZone"]["Id"].rpartition("/")[2]
    for vpc in vpcs[1:]:
        making.call("AssociateVPCWithHostedZone", {"HostedZoneId": zone, "VPC": vpc})
    if making.tags:
        tags = [{"Key": key, "Value": value} for key, value in sorted(making.tags.items())]
        making.call("ChangeTagsForResource", {"ResourceType": "hostedzone", "ResourceId": zone, "AddTags": tags})
    return response


def _zone_id(making: Making) -> str:
    return str(making.response["HostedZone"]["Id"]).rpartition("/")[2]


def _whole_name(making: Making) -> str:
    """The provider takes names with and without the zone's own."""
    zone = making.call("GetHostedZone", {"Id": making.inputs["zoneId"]})["HostedZone"]["Name"].rstrip(".")
    name = str(making.inputs["name"]).rstrip(".")
    return name if zone == "" or name == zone or name.endswith(f".{zone}") else f"{name}.{zone}" if name else zone


def _change_record(making: Making) -> dict[str, Any]:
    inputs = making.inputs
    record: dict[str, Any] = {"Name": _whole_name(making), "Type": inputs["type"]}
    if "ttl" in inputs:
        record["TTL"] = int(inputs["ttl"])
    if "records" in inputs:
        record["ResourceRecords"] = [{"Value": value} for value in inputs["records"]]
    for alias in inputs.get("aliases", []):
        record["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
    if "setIdentifier" in inputs:
        record["SetIdentifier"] = inputs["setIdentifier"]
    if "healthCheckId" in inputs:
        record["HealthCheckId"] = inputs["healthCheckId"]
    change = {"Action": "UPSERT" if inputs.get("allowOverwrite") else "CREATE", "ResourceRecordSet": record}
    return making.call(
        "ChangeResourceRecordSets", {"HostedZoneId": inputs["zoneId"], "ChangeBatch": {"Changes": [change]}}
    )


def _name_servers(making: Making) -> list[str] | None:
    servers = making.response.get("DelegationSet", {}).get("NameServers")
    return sorted(servers) if servers else None


SPECS: Final[dict[str, Spec]] = {
    "aws:route53/zone:Zone": Spec(
        service="route53",
        create=Code(_create_zone, reads=("name", "comment", "vpcs", "delegationSetId")),
        id=_zone_id,
        outputs={
            "zoneId": "{id}",
            "arn": "arn:{partition}:route53:::hostedzone/{id}",
            "nameServers": _name_servers,
            "primaryNameServer": lambda making: (_name_servers(making) or [None])[0],
        },
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
                "healthCheckId",
                "allowOverwrite",
            ),
        ),
        id=lambda making: f"{making.inputs['zoneId']}_{making.inputs['name']}_{making.inputs['type']}",
        outputs={"fqdn": lambda making: _whole_name(making)},
    ),
}
