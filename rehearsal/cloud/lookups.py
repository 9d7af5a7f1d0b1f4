"""Answers to the program's invokes (`aws.get_availability_zones` and the like), from the emulated account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT, PARTITION, Account
from rehearsal.problems import Refused

Lookup = Callable[[Account, str, dict[str, Any]], dict[str, Any]]


def _filters(args: dict[str, Any]) -> dict[str, Any]:
    filters = [{"Name": item["name"], "Values": item["values"]} for item in args.get("filters", [])]
    return {"Filters": filters} if filters else {}


_ZONE_FILTERS: Final = {
    "opt-in-status": "OptInStatus",
    "zone-type": "ZoneType",
    "zone-name": "ZoneName",
    "zone-id": "ZoneId",
    "region-name": "RegionName",
    "state": "State",
}


def _availability_zones(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    # moto has ordinary zones only, which need no opt-in, and passes over filters that it does not know: filter here.
    zones = account.call("ec2", "DescribeAvailabilityZones", region, {})["AvailabilityZones"]
    zones = [{"OptInStatus": "opt-in-not-required", "ZoneType": "availability-zone", **zone} for zone in zones]
    for wanted in args.get("filters", []):
        member = _ZONE_FILTERS.get(wanted["name"])
        if member is None:
            raise Refused("request", f"the rehearsal does not know the zone filter {wanted['name']!r}")
        zones = [zone for zone in zones if zone[member] in wanted["values"]]
    zones = [
        zone
        for zone in zones
        if args.get("state") in (None, zone["State"])
        and zone["ZoneName"] not in args.get("excludeNames", [])
        and zone["ZoneId"] not in args.get("excludeZoneIds", [])
    ]
    return {
        "id": region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
        "groupNames": [region],
        "region": region,
    }


def _caller_identity(account: Account, region: str, _args: dict[str, Any]) -> dict[str, Any]:
    answer = account.call("sts", "GetCallerIdentity", region, {})
    return {"id": ACCOUNT, "accountId": answer["Account"], "arn": answer["Arn"], "userId": answer["UserId"]}


def _region(_account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    name = args.get("region") or args.get("name") or region
    return {"id": name, "region": name, "name": name, "description": name, "endpoint": f"ec2.{name}.amazonaws.com"}


def _partition(_account: Account, _region: str, _args: dict[str, Any]) -> dict[str, Any]:
    return {"id": PARTITION, "partition": PARTITION, "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def _vpc(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    request = {"VpcIds": [args["id"]]} if "id" in args else _filters(args)
    found = account.call("ec2", "DescribeVpcs", region, request)["Vpcs"]
    if args.get("default"):
        found = [vpc for vpc in found if vpc["IsDefault"]]
    if len(found) != 1:
        raise Refused("aws", f"aws.ec2.get_vpc matched {len(found)} VPCs, it must match exactly one")
    vpc = found[0]
    main = account.call(
        "ec2", "DescribeRouteTables", region, {"Filters": [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]}
    )
    table = next((t for t in main["RouteTables"] if any(a.get("Main") for a in t["Associations"])), {})
    return {
        "id": vpc["VpcId"],
        "arn": f"arn:{PARTITION}:ec2:{region}:{ACCOUNT}:vpc/{vpc['VpcId']}",
        "cidrBlock": vpc["CidrBlock"],
        "default": vpc["IsDefault"],
        "instanceTenancy": vpc["InstanceTenancy"],
        "mainRouteTableId": table.get("RouteTableId"),
        "ownerId": ACCOUNT,
        "state": vpc["State"],
        "region": region,
    }


def _subnet(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    request = {"SubnetIds": [args["id"]]} if "id" in args else _filters(args)
    found = account.call("ec2", "DescribeSubnets", region, request)["Subnets"]
    if len(found) != 1:
        raise Refused("aws", f"aws.ec2.get_subnet matched {len(found)} subnets, it must match exactly one")
    subnet = found[0]
    return {
        "id": subnet["SubnetId"],
        "arn": subnet["SubnetArn"],
        "availabilityZone": subnet["AvailabilityZone"],
        "cidrBlock": subnet["CidrBlock"],
        "vpcId": subnet["VpcId"],
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
        "region": region,
    }


def _prefix_list(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    lists = account.call("ec2", "DescribeManagedPrefixLists", region, {})["PrefixLists"]
    found = [
        p
        for p in lists
        if args.get("name") in (None, p["PrefixListName"]) and args.get("id") in (None, p["PrefixListId"])
    ]
    if len(found) != 1:
        raise Refused("aws", f"no managed prefix list matches {args.get('name') or args.get('id')}")
    return {
        "id": found[0]["PrefixListId"],
        "name": found[0]["PrefixListName"],
        "arn": found[0]["PrefixListArn"],
        "region": region,
    }


def _random_password(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    request = {key[0].upper() + key[1:]: value for key, value in args.items() if key != "region"}
    return {
        "id": region,
        **args,
        "randomPassword": account.call("secretsmanager", "GetRandomPassword", region, request)["RandomPassword"],
    }


def _secret_version(_account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    # Somebody put the secret there by hand, so the empty account has none; its value is nobody's business here.
    return {
        "id": args["secretId"],
        "arn": args["secretId"],
        "secretId": args["secretId"],
        "secretString": "stand-in for a secret",
        "versionId": "stand-in",
        "versionStage": "AWSCURRENT",
        "region": region,
    }


# Parameters of Canonical's, which the emulator lacks; any image will do for an instance that never runs.
_CANONICAL: Final = "/aws/service/canonical/"


def _public_parameter(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    name = args["name"]
    if name.startswith(_CANONICAL):
        images = account.call("ec2", "DescribeImages", region, {"Owners": ["099720109477"]})["Images"]
        found = {"Value": sorted(image["ImageId"] for image in images)[0], "Type": "String", "Version": 1}
    else:
        found = account.call("ssm", "GetParameter", region, {"Name": name, "WithDecryption": True})["Parameter"]
    plain = {} if found["Type"] == "SecureString" else {"insecureValue": found["Value"]}
    return {
        "id": name,
        "name": name,
        "arn": f"arn:{PARTITION}:ssm:{region}:{'' if name.startswith('/aws/') else ACCOUNT}:parameter{name}",
        "type": found["Type"],
        "value": found["Value"],
        "version": found["Version"],
        "region": region,
        **plain,
    }


LOOKUPS: Final[dict[str, Lookup]] = {
    "aws:ssm/getParameter:getParameter": _public_parameter,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:secretsmanager/getRandomPassword:getRandomPassword": _random_password,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
}


def look_up(account: Account, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
    """The answer to one invoke; `Refused` if the account has none or the rehearsal does not know the question."""
    lookup = LOOKUPS.get(token)
    if lookup is None:
        raise Refused("request", f"the rehearsal has no answer to {token}", "add it to rehearsal/cloud/lookups.py")
    return lookup(account, region, args)
