"""Networks that exist."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT, PARTITION, Account
from rehearsal.problems import AwsError


def _filters(args: dict[str, Any]) -> dict[str, Any]:
    filters = [{"Name": item["name"], "Values": item["values"]} for item in args.get("filters", [])]
    filters += [{"Name": f"tag:{key}", "Values": [value]} for key, value in sorted(args.get("tags", {}).items())]
    return {"Filters": filters} if filters else {}


def _vpc(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    request = {"VpcIds": [args["id"]]} if "id" in args else _filters(args)
    found = account.call("ec2", "DescribeVpcs", region, request)["Vpcs"]
    if args.get("default"):
        found = [vpc for vpc in found if vpc["IsDefault"]]
    if len(found) != 1:
        raise AwsError(f"aws.ec2.get_vpc matched {len(found)} VPCs, it must match exactly one")
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
        raise AwsError(f"aws.ec2.get_subnet matched {len(found)} subnets, it must match exactly one")
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


def _vpcs(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    found = account.call("ec2", "DescribeVpcs", region, _filters(args))["Vpcs"]
    return {"id": region, "ids": sorted(vpc["VpcId"] for vpc in found), "region": region}


def _subnets(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    found = account.call("ec2", "DescribeSubnets", region, _filters(args))["Subnets"]
    return {"id": region, "ids": sorted(subnet["SubnetId"] for subnet in found), "region": region}


def _security_group(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    wanted = {"group-id": args.get("id"), "group-name": args.get("name"), "vpc-id": args.get("vpcId")}
    own = [{"name": name, "values": [value]} for name, value in wanted.items() if value is not None]
    request = _filters({**args, "filters": [*own, *args.get("filters", [])]})
    found = account.call("ec2", "DescribeSecurityGroups", region, request)["SecurityGroups"]
    if len(found) != 1:
        raise AwsError(f"aws.ec2.get_security_group matched {len(found)} groups, it must match exactly one")
    return {
        "id": found[0]["GroupId"],
        "arn": f"arn:{PARTITION}:ec2:{region}:{ACCOUNT}:security-group/{found[0]['GroupId']}",
        "name": found[0]["GroupName"],
        "description": found[0]["Description"],
        "vpcId": found[0]["VpcId"],
        "region": region,
    }


def _zone(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    name, private = args.get("name"), bool(args.get("privateZone"))
    found = [
        zone
        for zone in account.call("route53", "ListHostedZones", region, {})["HostedZones"]
        if args.get("zoneId") in (None, zone["Id"].rpartition("/")[2])
        and (name is None or (zone["Name"] == f"{name.rstrip('.')}." and zone["Config"]["PrivateZone"] == private))
    ]
    if len(found) != 1:
        wanted = args.get("zoneId") or name
        raise AwsError(
            f"aws.route53.get_zone matched {len(found)} hosted zones for {wanted!r}, it must match exactly one",
            "the rehearsal's account holds what this stack makes and what its file names by id, and nothing else",
        )
    identifier = found[0]["Id"].rpartition("/")[2]
    servers = account.call("route53", "GetHostedZone", region, {"Id": identifier}).get("DelegationSet", {})
    return {
        "id": identifier,
        "arn": f"arn:{PARTITION}:route53:::hostedzone/{identifier}",
        "zoneId": identifier,
        "name": found[0]["Name"].rstrip("."),
        "privateZone": found[0]["Config"]["PrivateZone"],
        "nameServers": servers.get("NameServers", []),
        "comment": found[0]["Config"].get("Comment", ""),
    }


def _prefix_list(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    lists = account.call("ec2", "DescribeManagedPrefixLists", region, {})["PrefixLists"]
    found = [
        p
        for p in lists
        if args.get("name") in (None, p["PrefixListName"]) and args.get("id") in (None, p["PrefixListId"])
    ]
    if len(found) != 1:
        raise AwsError(f"no managed prefix list matches {args.get('name') or args.get('id')}")
    return {
        "id": found[0]["PrefixListId"],
        "name": found[0]["PrefixListName"],
        "arn": found[0]["PrefixListArn"],
        "region": region,
    }


LOOKUPS: Final = {
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:ec2/getSecurityGroup:getSecurityGroup": _security_group,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getSubnets:getSubnets": _subnets,
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getVpcs:getVpcs": _vpcs,
    "aws:route53/getZone:getZone": _zone,
}
