"""Distributions, and what they refer to. The emulator takes any id of a policy, and forgets much of what it gets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec
from rehearsal.problems import AwsError

# The hosted zone of every distribution, for alias records.
_ZONE: Final = "Z2FDTNDATAQYW2"


def _items(values: Iterable[Any], **beside: Any) -> dict[str, Any]:
    """A list as CloudFront writes it."""
    values = list(values)
    return {"quantity": len(values), **({"items": values} if values else {}), **beside}


def _distribution(inputs: dict[str, Any]) -> dict[str, Any]:
    left = {"comment": "", **inputs}
    left["origins"] = _items(_origin(origin) for origin in inputs["origins"])
    left["defaultCacheBehavior"] = _behaviour(inputs["defaultCacheBehavior"])
    if "orderedCacheBehaviors" in left:
        left["cacheBehaviors"] = _items(_behaviour(each) for each in left.pop("orderedCacheBehaviors"))
    if "aliases" in left:
        left["aliases"] = _items(left["aliases"])
    if "customErrorResponses" in left:
        left["customErrorResponses"] = _items(left["customErrorResponses"])
    if "restrictions" in left:
        geo = left["restrictions"]["geoRestriction"]
        among = {key: value for key, value in geo.items() if key != "locations"}
        left["restrictions"] = {"geoRestriction": {**among, **_items(geo.get("locations", []))}}
    if "viewerCertificate" in left:
        left["viewerCertificate"] = _certificate(left["viewerCertificate"])
    # By which CloudFront knows a request that it was sent twice.
    # Headers may hold a secret, which is another in each rehearsal.
    origins = [
        {key: value for key, value in one.items() if key != "customHeaders"} for one in inputs.get("origins", [])
    ]
    told = json.dumps({**inputs, "origins": origins}, sort_keys=True)
    left["callerReference"] = hashlib.sha256(told.encode()).hexdigest()
    return {"distributionConfig": left}


def _origin(origin: dict[str, Any]) -> dict[str, Any]:
    left = {**origin, "id": origin["originId"]}
    del left["originId"]
    if "customHeaders" in left:
        left["customHeaders"] = _items(
            {"headerName": header["name"], "headerValue": header["value"]} for header in left["customHeaders"]
        )
    if "customOriginConfig" in left:
        custom = dict(left["customOriginConfig"])
        left["customOriginConfig"] = {**custom, "originSslProtocols": _items(custom["originSslProtocols"])}
    else:
        # With origin access control the old identity is empty, and must be said to be.
        left.setdefault("s3OriginConfig", {"originAccessIdentity": ""})
    return left


def _behaviour(behaviour: dict[str, Any]) -> dict[str, Any]:
    left = {key: value for key, value in behaviour.items() if key not in ("allowedMethods", "cachedMethods")}
    cached = {"cachedMethods": _items(behaviour["cachedMethods"])}
    left["allowedMethods"] = _items(behaviour["allowedMethods"], **cached)
    if "functionAssociations" in left:
        left["functionAssociations"] = _items(left["functionAssociations"])
    return left


def _certificate(certificate: dict[str, Any]) -> dict[str, Any]:
    arn = certificate.get("acmCertificateArn")
    if arn is not None and arn.startswith("arn:") and arn.split(":")[3] != "us-east-1":
        raise AwsError(
            f"CreateDistribution: the certificate {arn} is not in us-east-1 (InvalidViewerCertificate)",
            "make the certificate with region us-east-1",
        )
    return certificate


def _cache_policy(inputs: dict[str, Any]) -> dict[str, Any]:
    config = dict(inputs)
    key = dict(config.pop("parametersInCacheKeyAndForwardedToOrigin"))
    for part, member in (
        ("cookiesConfig", "cookies"),
        ("headersConfig", "headers"),
        ("queryStringsConfig", "queryStrings"),
    ):
        chosen = dict(key[part])
        if member in chosen:
            chosen[member] = _items(chosen[member]["items"])
        key[part] = chosen
    return {"cachePolicyConfig": {**config, "parametersInCacheKeyAndForwardedToOrigin": key}}


def _arn(kind: str) -> str:
    return f"arn:{{partition}}:cloudfront::{{account}}:{kind}/{{id}}"


def _tags(context: CreateContext) -> dict[str, Any]:
    return {"Items": [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]}


SPECS: Final[dict[str, Spec]] = {
    "aws:cloudfront/originAccessControl:OriginAccessControl": Spec(
        service="cloudfront",
        create=Call(
            operation="CreateOriginAccessControl", reshape=lambda inputs: {"originAccessControlConfig": inputs}
        ),
        id="OriginAccessControl.Id",
        autoname="name",
        outputs={"arn": _arn("origin-access-control"), "etag": "ETag"},
    ),
    "aws:cloudfront/function:Function": Spec(
        service="cloudfront",
        create=Call(
            operation="CreateFunction",
            takes={"code": "FunctionCode", "comment": "FunctionConfig.Comment", "runtime": "FunctionConfig.Runtime"},
        ),
        id="{name}",
        autoname="name",
        then=[
            Call(
                operation="PublishFunction",
                fixed={"Name": "{name}", "IfMatch": lambda context: context.response.get("ETag") or "etag"},
                always=True,
            )
        ],
        validated_only=lambda _inputs: "the emulator cannot publish functions",
        left_out={"publish": "whether the provider publishes it, which it does"},
        outputs={"arn": "arn:{partition}:cloudfront::{account}:function/{name}", "etag": "ETag"},
    ),
    "aws:cloudfront/cachePolicy:CachePolicy": Spec(
        service="cloudfront",
        create=Call(operation="CreateCachePolicy", reshape=_cache_policy),
        id="CachePolicy.Id",
        autoname="name",
        validated_only=lambda _inputs: "the emulator has no cache policies",
        outputs={"arn": _arn("cache-policy"), "etag": "ETag"},
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": Spec(
        service="cloudfront",
        create=Call(
            operation="CreateResponseHeadersPolicy", reshape=lambda inputs: {"responseHeadersPolicyConfig": inputs}
        ),
        id="ResponseHeadersPolicy.Id",
        autoname="name",
        validated_only=lambda _inputs: "the emulator has no policies for the headers of answers",
        outputs={"arn": _arn("response-headers-policy"), "etag": "ETag"},
    ),
    "aws:cloudfront/distribution:Distribution": Spec(
        service="cloudfront",
        create=Call(
            operation="CreateDistribution",
            reshape=_distribution,
        ),
        id="Distribution.Id",
        accepts_validated=True,
        tagging=Call(
            operation="TagResource",
            fixed={"Resource": lambda context: context.response["Distribution"]["ARN"], "Tags": _tags},
        ),
        left_out={
            "waitForDeployment": "how long the provider waits",
            "retainOnDelete": "read by the provider on deletion",
        },
        outputs={
            "arn": "Distribution.ARN",
            "domainName": "Distribution.DomainName",
            "hostedZoneId": lambda _making: _ZONE,
            "status": "Distribution.Status",
            "etag": "ETag",
            "callerReference": "Distribution.DistributionConfig.CallerReference",
        },
    ),
}
