"""Images of machines and of containers. Of public machine images the emulator knows some hundred of AWS's thousands."""

from __future__ import annotations

import re
from typing import Any, Final

from rehearsal.cloud.account import PARTITION, Account
from rehearsal.problems import NOTE, AwsError


def _image(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    """The image that fits; where none does, any public one of the wanted architecture, and a note that says so."""
    filters = [{"Name": one["name"], "Values": one["values"]} for one in args.get("filters", [])]
    request: dict[str, Any] = {"Owners": args["owners"]} if args.get("owners") else {}
    found = account.call("ec2", "DescribeImages", region, {**request, **({"Filters": filters} if filters else {})})
    pattern = re.compile(args.get("nameRegex") or "")
    images = [image for image in found["Images"] if pattern.search(image.get("Name", ""))]
    if len(images) > 1 and not args.get("mostRecent"):
        raise AwsError(f"aws.ec2.get_ami matched {len(images)} images; give most_recent=True or more filters")
    note = {}
    if not images:
        architecture = next((one["Values"] for one in filters if one["Name"] == "architecture"), ["x86_64"])
        public = account.call("ec2", "DescribeImages", region, {"Owners": ["amazon"]})["Images"]
        images = [image for image in public if image.get("Architecture") in architecture] or public
        note = {NOTE: "aws.ec2.get_ami: the rehearsal knows no such image, and took another in its place"}
    image = max(images, key=lambda image: (str(image.get("CreationDate", "")), image["ImageId"]))
    return {
        "id": image["ImageId"],
        "imageId": image["ImageId"],
        "arn": f"arn:{PARTITION}:ec2:{region}::image/{image['ImageId']}",
        "name": image.get("Name", ""),
        "description": image.get("Description", ""),
        "architecture": image.get("Architecture", "x86_64"),
        "creationDate": str(image.get("CreationDate", "")),
        "ownerId": image.get("OwnerId", ""),
        "rootDeviceName": image.get("RootDeviceName", ""),
        "rootDeviceType": image.get("RootDeviceType", ""),
        "virtualizationType": image.get("VirtualizationType", ""),
        "state": image.get("State", "available"),
        "region": region,
        **note,
    }


def _container_images(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    found = account.call("ecr", "ListImages", region, {"repositoryName": args["repositoryName"]})["imageIds"]
    return {
        "id": args["repositoryName"],
        "repositoryName": args["repositoryName"],
        "imageIds": [{"imageDigest": one["imageDigest"], "imageTag": one.get("imageTag", "")} for one in found],
        "region": region,
    }


LOOKUPS: Final = {"aws:ec2/getAmi:getAmi": _image, "aws:ecr/getImages:getImages": _container_images}
