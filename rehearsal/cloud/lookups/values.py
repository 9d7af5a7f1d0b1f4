"""Secrets and parameters."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT, PARTITION, Account


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


LOOKUPS: Final = {
    "aws:secretsmanager/getRandomPassword:getRandomPassword": _random_password,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
    "aws:ssm/getParameter:getParameter": _public_parameter,
}
