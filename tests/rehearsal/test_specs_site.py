"""The specs of distributions, what they refer to, and the delivery of their logs, on moto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.s3.models import s3_backends

from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import TAGS, Cloud, tags_of

MANAGED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
BEHAVIOUR: dict[str, Any] = {
    "targetOriginId": "files",
    "viewerProtocolPolicy": "redirect-to-https",
    "allowedMethods": ["GET", "HEAD"],
    "cachedMethods": ["GET", "HEAD"],
    "cachePolicyId": MANAGED,
}
FILES: dict[str, Any] = {
    "originId": "files", "domainName": "b.s3.ap-northeast-1.amazonaws.com", "originAccessControlId": "E1",
}  # fmt: skip
API: dict[str, Any] = {
    "originId": "api",
    "domainName": "api.example.com",
    "customHeaders": [{"name": "X-Secret", "value": "s"}],
    "customOriginConfig": {
        "originProtocolPolicy": "https-only", "httpPort": 80, "httpsPort": 443, "originSslProtocols": ["TLSv1.2"],
    },
}  # fmt: skip


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def distribution(cloud: Cloud, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "enabled": True,
        "origins": [FILES],
        "defaultCacheBehavior": BEHAVIOUR,
        "restrictions": {"geoRestriction": {"restrictionType": "none"}},
        "viewerCertificate": {"cloudfrontDefaultCertificate": True},
        **changes,
    }
    return cloud.make("aws:cloudfront/distribution:Distribution", **given)


def test_a_distribution_has_its_origins_its_behaviours_its_pages_and_its_tags(cloud: Cloud) -> None:
    made = distribution(
        cloud,
        comment="shop",
        origins=[FILES, API],
        aliases=["www.example.com"],
        orderedCacheBehaviors=[{**BEHAVIOUR, "pathPattern": "/api/*", "targetOriginId": "api"}],
        customErrorResponses=[
            {"errorCode": 404, "responseCode": 404, "responsePagePath": "/404.html", "errorCachingMinTtl": 10}
        ],
        defaultRootObject="index.html",
        httpVersion="http2and3",
        priceClass="PriceClass_200",
        viewerCertificate={
            "acmCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
            "minimumProtocolVersion": "TLSv1.2_2021", "sslSupportMethod": "sni-only",
        },
    )  # fmt: skip
    found = cloud.ask("cloudfront", "GetDistribution", Id=made.id)["Distribution"]
    config = found["DistributionConfig"]
    assert made.outputs["arn"] == found["ARN"]
    assert made.outputs["domainName"] == found["DomainName"]
    assert made.outputs["hostedZoneId"] == "Z2FDTNDATAQYW2"
    files, api = config["Origins"]["Items"]
    assert (files["Id"], api["Id"]) == ("files", "api")
    assert api["CustomHeaders"]["Items"] == [{"HeaderName": "X-Secret", "HeaderValue": "s"}]
    assert api["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert config["Aliases"]["Items"] == ["www.example.com"]
    assert config["CacheBehaviors"]["Items"][0]["PathPattern"] == "/api/*"
    assert config["CustomErrorResponses"]["Items"][0]["ResponsePagePath"] == "/404.html"
    assert (config["DefaultRootObject"], config["PriceClass"]) == ("index.html", "PriceClass_200")
    tags = cloud.ask("cloudfront", "ListTagsForResource", Resource=found["ARN"])["Tags"]["Items"]
    assert tags_of(tags) == TAGS


def test_a_certificate_elsewhere_than_in_us_east_1_is_refused_as_aws_would(cloud: Cloud) -> None:
    arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/1"
    with pytest.raises(RehearsalError, match="us-east-1"):
        distribution(cloud, viewerCertificate={"acmCertificateArn": arn, "sslSupportMethod": "sni-only"})


def test_what_a_distribution_does_not_have_or_take_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="has no input 'rootObject'"):
        distribution(cloud, rootObject="index.html")
    with pytest.raises(RehearsalError, match="is not allowed"):
        distribution(cloud, defaultCacheBehavior={**BEHAVIOUR, "viewerProtocolPolicy": "redirect"})
    with pytest.raises(RehearsalError, match="is not allowed"):
        distribution(cloud, httpVersion="http4")


def test_an_access_control_is_made(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:cloudfront/originAccessControl:OriginAccessControl",
        name="shop", originAccessControlOriginType="s3", signingBehavior="always", signingProtocol="sigv4",
    )  # fmt: skip
    found = cloud.ask("cloudfront", "GetOriginAccessControl", Id=made.id)["OriginAccessControl"]
    assert found["OriginAccessControlConfig"]["Name"] == "shop"


def test_what_the_emulator_lacks_is_checked_all_the_same(cloud: Cloud) -> None:
    function = {"code": "function handler(event) {}", "comment": "x", "publish": True, "name": "f"}
    made = cloud.make("aws:cloudfront/function:Function", runtime="cloudfront-js-2.0", **function)
    assert (made.status, made.outputs["arn"]) == ("validated", "arn:aws:cloudfront::123456789012:function/f")
    with pytest.raises(RehearsalError, match=r"cloudfront-js-2\.0"):
        cloud.make("aws:cloudfront/function:Function", runtime="cloudfront-js-3.0", **function)
    frame = {"frameOptions": {"frameOption": "DENY", "override": True}}
    made = cloud.make(
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", name="h", securityHeadersConfig=frame
    )
    assert made.status == "validated"
    frame["frameOptions"]["frameOption"] = "NEVER"
    with pytest.raises(RehearsalError, match="SAMEORIGIN"):
        cloud.make("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", name="h", securityHeadersConfig=frame)


def test_a_cache_policy_is_checked_part_by_part(cloud: Cloud) -> None:
    key: dict[str, Any] = {
        "cookiesConfig": {"cookieBehavior": "none"},
        "headersConfig": {"headerBehavior": "whitelist", "headers": {"items": ["Authorization"]}},
        "queryStringsConfig": {"queryStringBehavior": "all"},
        "enableAcceptEncodingGzip": True,
    }
    given = {"name": "p", "minTtl": 0, "parametersInCacheKeyAndForwardedToOrigin": key}
    assert cloud.make("aws:cloudfront/cachePolicy:CachePolicy", **given).status == "validated"
    key["headersConfig"]["headerBehavior"] = "some"
    with pytest.raises(RehearsalError, match="whitelist"):
        cloud.make("aws:cloudfront/cachePolicy:CachePolicy", **given)


def test_logs_are_delivered_from_the_distribution_to_the_bucket(cloud: Cloud) -> None:
    source = cloud.make(
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        name="shop", logType="ACCESS_LOGS", resourceArn=distribution(cloud).outputs["arn"],
    )  # fmt: skip
    destination = cloud.make(
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        name="shop", outputFormat="json",
        deliveryDestinationConfiguration={"destinationResourceArn": f"arn:aws:s3:::{cloud.bucket()}/requests"},
    )  # fmt: skip
    made = cloud.make(
        "aws:cloudwatch/logDelivery:LogDelivery",
        deliverySourceName=source.id, deliveryDestinationArn=destination.outputs["arn"], recordFields=["date"],
        s3DeliveryConfigurations=[{"suffixPath": "{yyyy}", "enableHiveCompatiblePath": False}],
    )  # fmt: skip
    found = cloud.ask("logs", "GetDelivery", id=made.id)["delivery"]
    assert (found["deliverySourceName"], found["deliveryDestinationType"]) == ("shop", "S3")
    assert found["s3DeliveryConfiguration"]["suffixPath"] == "{yyyy}"


def test_an_object_is_what_it_says_and_holds_as_long_as_it_says(cloud: Cloud) -> None:
    cloud.make(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        bucket=cloud.bucket(), key="a.png", contentBase64="iVBOR/8=", contentType="image/png", cacheControl="no-cache",
    )  # fmt: skip
    found = cloud.ask("s3", "GetObject", Bucket="shop-logs", Key="a.png")
    assert found["Body"].read() == b"\x89PNG\xff"
    assert (found["ContentType"], found["CacheControl"]) == ("image/png", "no-cache")


def test_a_bucket_name_that_is_taken_is_refused_as_aws_says_it(cloud: Cloud) -> None:
    cloud.bucket("shop-site")
    with pytest.raises(RehearsalError, match="BucketAlreadyOwnedByYou") as refused:
        cloud.bucket("shop-site")
    assert "CreateBucket" in str(refused.value)


def test_a_bucket_name_that_another_account_has_is_refused_as_aws_says_it(cloud: Cloud) -> None:
    s3_backends["210987654321"]["aws"].create_bucket("shop-taken", "us-west-2")
    with pytest.raises(RehearsalError, match="BucketAlreadyExists") as refused:
        cloud.bucket("shop-taken")
    assert "CreateBucket" in str(refused.value)
    assert "not available" in str(refused.value)
