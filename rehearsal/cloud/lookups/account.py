"""Where the program is: account, region, partition, zones."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT, PARTITION, Account
from rehearsal.problems import RequestError

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
            raise RequestError(f"the rehearsal does not know the zone filter {wanted['name']!r}")
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


LOOKUPS: Final = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
}
