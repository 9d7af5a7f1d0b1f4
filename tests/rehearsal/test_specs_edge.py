"""The specs of load balancers, web firewalls, zones and certificates, on moto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import TAGS, Cloud, tags_of


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def balancer(cloud: Cloud, **inputs: Any) -> Any:
    vpc = cloud.vpc()
    subnets = [
        cloud.make(
            "aws:ec2/subnet:Subnet", vpcId=vpc, cidrBlock=f"10.0.{n}.0/24", availabilityZone=f"ap-northeast-1{zone}"
        ).id
        for n, zone in enumerate("ac")
    ]
    return cloud.make("aws:lb/loadBalancer:LoadBalancer", name="shop-web", subnets=subnets, **inputs)


def test_a_load_balancer_has_its_scheme_its_attributes_and_its_tags(cloud: Cloud) -> None:
    logs = {"enabled": True, "bucket": cloud.bucket(), "prefix": "x"}
    made = balancer(
        cloud, internal=False, accessLogs=logs, dropInvalidHeaderFields=True, idleTimeout=61.0,
        enableDeletionProtection=True, desyncMitigationMode="strictest",
    )  # fmt: skip
    (found,) = cloud.ask("elbv2", "DescribeLoadBalancers")["LoadBalancers"]
    assert (found["Scheme"], found["Type"], found["LoadBalancerName"]) == ("internet-facing", "application", "shop-web")
    assert made.outputs["dnsName"] == found["DNSName"]
    assert made.id.endswith(f"loadbalancer/{made.outputs['arnSuffix']}")
    pairs = cloud.ask("elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=made.id)["Attributes"]
    attributes = {pair["Key"]: pair["Value"] for pair in pairs}
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["routing.http.desync_mitigation_mode"] == "strictest"
    assert attributes["idle_timeout.timeout_seconds"] == "61"
    assert attributes["deletion_protection.enabled"] == "true"
    assert (attributes["access_logs.s3.bucket"], attributes["access_logs.s3.prefix"]) == ("shop-logs", "x")
    (described,) = cloud.ask("elbv2", "DescribeTags", ResourceArns=[made.id])["TagDescriptions"]
    assert tags_of(described["Tags"]) == TAGS


def test_an_internal_load_balancer_is_internal(cloud: Cloud) -> None:
    balancer(cloud, internal=True)
    (found,) = cloud.ask("elbv2", "DescribeLoadBalancers")["LoadBalancers"]
    assert found["Scheme"] == "internal"


def test_a_listener_has_its_certificate_its_policy_its_action_and_its_headers(cloud: Cloud) -> None:
    certificate = cloud.make("aws:acm/certificate:Certificate", domainName="example.com", validationMethod="DNS").id
    made = cloud.make(
        "aws:lb/listener:Listener",
        loadBalancerArn=balancer(cloud).id, port=443, protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        certificateArn=certificate,
        defaultActions=[
            {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "404"}}
        ],
        routingHttpResponseStrictTransportSecurityHeaderValue="max-age=1",
    )  # fmt: skip
    (found,) = cloud.ask("elbv2", "DescribeListeners", ListenerArns=[made.id])["Listeners"]
    assert found["Certificates"][0]["CertificateArn"] == certificate
    assert found["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert found["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    pairs = cloud.ask("elbv2", "DescribeListenerAttributes", ListenerArn=made.id)["Attributes"]
    headers = {pair["Key"]: pair["Value"] for pair in pairs}
    assert headers["routing.http.response.strict_transport_security.header_value"] == "max-age=1"


def test_what_the_sdk_does_not_know_of_a_listener_is_named(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match=r"redirect\.prot"):
        cloud.make(
            "aws:lb/listener:Listener",
            loadBalancerArn=balancer(cloud).id, port=80, protocol="HTTP",
            defaultActions=[{"type": "redirect", "redirect": {"statusCode": "HTTP_301", "prot": "HTTPS"}}],
        )  # fmt: skip


def acl(cloud: Cloud) -> Any:
    visible = {"cloudwatchMetricsEnabled": True, "metricName": "x", "sampledRequestsEnabled": True}
    group = {"managedRuleGroupStatement": {"vendorName": "AWS", "name": "AWSManagedRulesSQLiRuleSet"}}
    return cloud.make(
        "aws:wafv2/webAcl:WebAcl", name="shop", scope="REGIONAL", defaultAction={"allow": {}}, visibilityConfig=visible,
        rules=[{"name": "sqli", "priority": 0, "overrideAction": {"none": {}}, "statement": group,
                "visibilityConfig": visible}],
    )  # fmt: skip


def test_a_web_firewall_stands_before_its_load_balancer_and_logs(cloud: Cloud) -> None:
    made, web = acl(cloud), balancer(cloud)
    arn = made.outputs["arn"]
    cloud.make("aws:wafv2/webAclAssociation:WebAclAssociation", resourceArn=web.id, webAclArn=arn)
    found = cloud.ask("wafv2", "GetWebACLForResource", ResourceArn=web.id)["WebACL"]
    assert found["Rules"][0]["Statement"]["ManagedRuleGroupStatement"]["Name"] == "AWSManagedRulesSQLiRuleSet"
    group = cloud.make("aws:cloudwatch/logGroup:LogGroup", name="aws-waf-logs-shop").outputs["arn"]
    cloud.make(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        resourceArn=arn, logDestinationConfigs=[group], redactedFields=[{"singleHeader": {"name": "cookie"}}],
    )  # fmt: skip
    logging = cloud.ask("wafv2", "GetLoggingConfiguration", ResourceArn=arn)["LoggingConfiguration"]
    assert logging["RedactedFields"] == [{"SingleHeader": {"Name": "cookie"}}]


def test_a_web_firewall_is_told_how_much_of_a_body_to_look_at(cloud: Cloud) -> None:
    limit = {"defaultSizeInspectionLimit": "KB_64"}
    made = cloud.make(
        "aws:wafv2/webAcl:WebAcl", name="large", scope="REGIONAL", defaultAction={"allow": {}},
        associationConfig={"requestBodies": [{"apiGateway": limit}]},
        visibilityConfig={"cloudwatchMetricsEnabled": True, "metricName": "large", "sampledRequestsEnabled": True},
    )  # fmt: skip
    found = cloud.ask("wafv2", "GetWebACL", Name="large", Scope="REGIONAL", Id=made.id)["WebACL"]
    assert found["AssociationConfig"] == {"RequestBody": {"API_GATEWAY": {"DefaultSizeInspectionLimit": "KB_64"}}}
    with pytest.raises(RehearsalError):
        cloud.make(
            "aws:wafv2/webAcl:WebAcl", name="wrong", scope="REGIONAL", defaultAction={"allow": {}},
            associationConfig={"requestBodies": [{"apiGatway": limit}]},
            visibilityConfig={"cloudwatchMetricsEnabled": True, "metricName": "wrong", "sampledRequestsEnabled": True},
        )  # fmt: skip


def test_a_web_firewall_logs_to_no_group_of_another_name(cloud: Cloud) -> None:
    group = cloud.make("aws:cloudwatch/logGroup:LogGroup", name="/waf/shop").outputs["arn"]
    with pytest.raises(RehearsalError, match="begins with aws-waf-logs-"):
        cloud.make(
            "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
            resourceArn=acl(cloud).outputs["arn"], logDestinationConfigs=[group],
        )  # fmt: skip


def test_a_zone_is_public_or_belongs_to_its_vpcs(cloud: Cloud) -> None:
    public = cloud.make("aws:route53/zone:Zone", name="example.com", comment="ours")
    vpcs = [cloud.vpc(), cloud.make("aws:ec2/vpc:Vpc", "other", cidrBlock="10.9.0.0/16").id]
    private = cloud.make("aws:route53/zone:Zone", "inside", name="internal.shop", vpcs=[{"vpcId": vpc} for vpc in vpcs])
    assert len(public.outputs["nameServers"]) == 4
    found = cloud.ask("route53", "GetHostedZone", Id=private.id)
    assert found["HostedZone"]["Config"]["PrivateZone"] is True
    assert {vpc["VPCId"] for vpc in found["VPCs"]} == set(vpcs)
    assert cloud.ask("route53", "GetHostedZone", Id=public.id)["HostedZone"]["Config"]["PrivateZone"] is False
    tags = cloud.ask("route53", "ListTagsForResource", ResourceType="hostedzone", ResourceId=public.id)
    assert tags_of(tags["ResourceTagSet"]["Tags"]) == TAGS


def signing_key(cloud: Cloud, name: str, *, region: str = "us-east-1", spec: str = "ECC_NIST_P256") -> str:
    key = cloud.make(
        "aws:kms/key:Key", name, keyUsage="SIGN_VERIFY", customerMasterKeySpec=spec, region=region,
    )  # fmt: skip
    return key.outputs["arn"]


def test_a_zones_signatures_are_validated_and_its_key_is_looked_at(cloud: Cloud) -> None:
    zone = cloud.make("aws:route53/zone:Zone", name="example.com").id
    given = {"hostedZoneId": zone, "name": "shop_key"}
    made = cloud.make(
        "aws:route53/keySigningKey:KeySigningKey", "a", **given, keyManagementServiceArn=signing_key(cloud, "good"),
    )  # fmt: skip
    signed = cloud.make("aws:route53/hostedZoneDnsSec:HostedZoneDnsSec", hostedZoneId=zone)
    assert (made.status, made.id) == ("validated", f"{zone},shop_key")
    assert made.outputs["dsRecord"]
    assert (signed.status, signed.id) == ("validated", zone)
    for arn, why in (
        (signing_key(cloud, "tokyo", region="ap-northeast-1"), "is not in us-east-1"),
        (signing_key(cloud, "large", spec="ECC_NIST_P384"), "is ECC_NIST_P384 for SIGN_VERIFY, not ECC_NIST_P256"),
        ("arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111", "NotFound"),
    ):
        with pytest.raises(RehearsalError, match=why):
            cloud.make("aws:route53/keySigningKey:KeySigningKey", why, **given, keyManagementServiceArn=arn)
    inside = cloud.make(
        "aws:route53/zone:Zone", "inside", name="internal.shop", vpcs=[{"vpcId": cloud.vpc()}],
    ).id  # fmt: skip
    with pytest.raises(RehearsalError, match="signs public zones only"):
        cloud.make(
            "aws:route53/keySigningKey:KeySigningKey", "b", hostedZoneId=inside, name="shop_key",
            keyManagementServiceArn=signing_key(cloud, "again"),
        )  # fmt: skip


def test_a_record_lies_in_its_zone_with_or_without_the_zones_name(cloud: Cloud) -> None:
    zone = cloud.make("aws:route53/zone:Zone", name="example.com").id
    short = cloud.make("aws:route53/record:Record", zoneId=zone, name="db", type="CNAME", ttl=60, records=["a.b.c"])
    alias = {"name": "x.elb.amazonaws.com", "zoneId": "Z14GRHDCWA56QT", "evaluateTargetHealth": True}
    whole = cloud.make("aws:route53/record:Record", "a", zoneId=zone, name="api.example.com", type="A", aliases=[alias])
    assert (short.outputs["fqdn"], whole.outputs["fqdn"]) == ("db.example.com", "api.example.com")
    sets = {one["Name"]: one for one in cloud.ask("route53", "ListResourceRecordSets", HostedZoneId=zone)[
        "ResourceRecordSets"]}  # fmt: skip
    assert sets["db.example.com."]["ResourceRecords"] == [{"Value": "a.b.c"}]
    assert sets["api.example.com."]["AliasTarget"]["DNSName"].startswith("x.elb")
    with pytest.raises(RehearsalError, match="NoSuchHostedZone"):
        cloud.make("aws:route53/record:Record", "b", zoneId="Z00000000000", name="x", type="A", records=["192.0.2.1"])


def test_a_certificate_is_validated_only_by_the_records_that_it_asks_for(cloud: Cloud) -> None:
    zone = cloud.make("aws:route53/zone:Zone", name="example.com").id
    made = cloud.make(
        "aws:acm/certificate:Certificate", domainName="example.com", subjectAlternativeNames=["*.example.com"],
        validationMethod="DNS",
    )  # fmt: skip
    options = made.outputs["domainValidationOptions"]
    assert {one["domainName"] for one in options} == {"example.com", "*.example.com"}
    validation = {"certificateArn": made.id, "validationRecordFqdns": [options[0]["resourceRecordName"]]}
    with pytest.raises(RehearsalError, match="would wait for ever"):
        cloud.make("aws:acm/certificateValidation:CertificateValidation", **validation)
    cloud.make(
        "aws:route53/record:Record", zoneId=zone, name=options[0]["resourceRecordName"], type="CNAME", ttl=60,
        records=[options[0]["resourceRecordValue"]], allowOverwrite=True,
    )  # fmt: skip
    done = cloud.make("aws:acm/certificateValidation:CertificateValidation", **validation)
    assert done.status == "emulated"
