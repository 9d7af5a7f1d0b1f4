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


def _availability_zones(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    # moto ignores filters it does not know and has zones in every state but "available" only: filter here.
    zones = account.call("ec2", "DescribeAvailabilityZones", region, {})["AvailabilityZones"]
    wanted = args.get("state")
    zones = [zone for zone in zones if wanted in (None, zone["State"]) and zone.get("ZoneType") != "local-zone"]
    zones = [
        z
        for z in zones
        if z["ZoneName"] not in args.get("excludeNames", []) and z["ZoneId"] not in args.get("excludeZoneIds", [])
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


LOOKUPS: Final[dict[str, Lookup]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
}


def look_up(account: Account, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
    """The answer to one invoke; `Refused` if the account has none or the rehearsal does not know the question."""
    lookup = LOOKUPS.get(token)
    if lookup is None:
        raise Refused("request", f"the rehearsal has no answer to {token}", "add it to rehearsal/cloud/lookups.py")
    return lookup(account, region, args)
