"""Secrets and parameters."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT, PARTITION, Account
from rehearsal.problems import RehearsalError


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


# Parameters of Canonical's, which the emulator lacks, and Amazon's, which it lacks in the newest regions.
_CANONICAL: Final = "/aws/service/canonical/"
_AMAZON: Final = "/aws/service/ami-amazon-linux-latest/"
_WITH_AMAZONS: Final = "us-east-1"


def _public_parameter(account: Account, region: str, args: dict[str, Any]) -> dict[str, Any]:
    name = args["name"]
    if name.startswith(_CANONICAL):
        found = _any_image(account, region, "099720109477")
    else:
        request = {"Name": name, "WithDecryption": True}
        try:
            found = account.call("ssm", "GetParameter", region, request)["Parameter"]
        except RehearsalError:
            if not name.startswith(_AMAZON):
                raise
            account.call("ssm", "GetParameter", _WITH_AMAZONS, request)  # refuses a name that is nowhere
            found = _any_image(account, region, "amazon")
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


def _any_image(account: Account, region: str, owner: str) -> dict[str, Any]:
    """It will do for an instance that never runs."""
    images = account.call("ec2", "DescribeImages", region, {"Owners": [owner]})["Images"]
    return {"Value": min(image["ImageId"] for image in images), "Type": "String", "Version": 1}


LOOKUPS: Final = {
    "aws:secretsmanager/getRandomPassword:getRandomPassword": _random_password,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
    "aws:ssm/getParameter:getParameter": _public_parameter,
}
