"""The way in, deployed on the emulated account: what the internet reaches, by which name, and what stands before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rehearsal.conftest import ROOT, Refuse, Rehearse, Rehearsed, project

AROUND = ("network", "logArchive", "alerts")
BOTH = pytest.mark.parametrize(("name", "domain"), [("dev", "dev.example.com"), ("prod", "example.com")])


def of_type(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in done.report["resources"] if one["type"].endswith(ending) and one["custom"]]


def the(done: Rehearsed, ending: str) -> dict[str, Any]:
    (only,) = of_type(done, ending)
    return only


def listeners(done: Rehearsed) -> dict[int, dict[str, Any]]:
    return {int(one["inputs"]["port"]): one["inputs"] for one in of_type(done, "lb/listener:Listener")}


@pytest.mark.covers("A6")
@BOTH
def test_the_load_balancer_stands_in_the_public_subnets_and_speaks_tls_only(
    name: str, domain: str, rehearsed: Any
) -> None:
    done = rehearsed(name)
    balancer = the(done, ":LoadBalancer")
    public = [one["id"] for one in of_type(done, ":Subnet") if "-public-" in one["name"]]
    assert len(public) == 2
    assert sorted(balancer["inputs"]["subnets"]) == sorted(public)
    assert balancer["inputs"]["internal"] is False
    assert balancer["inputs"]["dropInvalidHeaderFields"] is True
    assert balancer["inputs"]["enableDeletionProtection"] is (name == "prod")
    by_port = listeners(done)
    assert set(by_port) == {80, 443}
    assert (by_port[443]["protocol"], by_port[443]["sslPolicy"]) == ("HTTPS", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06")
    (missing,) = by_port[443]["defaultActions"]
    assert (missing["type"], missing["fixedResponse"]["statusCode"]) == ("fixed-response", "404")
    (redirect,) = by_port[80]["defaultActions"]
    assert redirect == {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
    certificate = done.resource(f"kumiki-{name}-tls-certificate")
    assert certificate["inputs"]["domainName"] == f"api.{domain}"
    assert by_port[443]["certificateArn"] == certificate["id"]
    # Not before the certificate is issued: a listener refuses one that is not.
    validation = done.resource(f"kumiki-{name}-tls-validation")["urn"]
    https = next(one for one in of_type(done, "lb/listener:Listener") if one["inputs"]["port"] == 443)
    assert validation in https["property_dependencies"]["certificateArn"]


@pytest.mark.covers("A6")
@BOTH
def test_access_logs_go_to_the_archive_which_lets_the_load_balancers_of_the_region_write(
    name: str, domain: str, rehearsed: Any
) -> None:
    del domain
    done = rehearsed(name)
    logs = the(done, ":LoadBalancer")["inputs"]["accessLogs"]
    assert logs == {
        "enabled": True,
        "bucket": done.report["outputs"]["logArchiveBucket"],
        "prefix": "load-balancer-logs",
    }
    policy = next(
        json.loads(one["inputs"]["policy"])
        for one in of_type(done, ":BucketPolicy")
        if one["inputs"]["bucket"] == logs["bucket"]
    )
    written = f"arn:aws:s3:::{logs['bucket']}/{logs['prefix']}/AWSLogs/123456789012/*"
    (admitted,) = [one for one in policy["Statement"] if one["Resource"] == written]
    assert admitted["Effect"] == "Allow"
    # ELB's own account in ap-northeast-1, as AWS documents it.
    assert admitted["Principal"] == {"AWS": "arn:aws:iam::582318560864:root"}
    assert admitted["Action"] == "s3:PutObject"


@pytest.mark.covers("A6", "A11")
@BOTH
def test_the_web_firewall_judges_every_request_and_records_no_credentials(
    name: str, domain: str, rehearsed: Any
) -> None:
    del domain
    done = rehearsed(name)
    acl, balancer = done.resource(f"kumiki-{name}-firewall-web-acl"), the(done, ":LoadBalancer")
    association = the(done, ":WebAclAssociation")["inputs"]
    assert association == {"resourceArn": balancer["id"], "webAclArn": acl["outputs"]["arn"]}
    rules = acl["inputs"]["rules"]
    managed = {
        rule["statement"]["managedRuleGroupStatement"]["name"]
        for rule in rules
        if "managedRuleGroupStatement" in rule["statement"]
    }
    assert managed == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesSQLiRuleSet",
    }
    (rate,) = [rule for rule in rules if "rateBasedStatement" in rule["statement"]]
    assert rate["statement"]["rateBasedStatement"]["limit"] == 2000
    assert rate["action"] == {"block": {}}
    assert all(rule["overrideAction"] == {"none": {}} for rule in rules if "action" not in rule)
    logging = done.resource(f"kumiki-{name}-firewall-logging")["inputs"]
    (destination,) = logging["logDestinationConfigs"]
    assert destination.rpartition(":log-group:")[2] == f"aws-waf-logs-kumiki-{name}-firewall"
    redacted = {field.get("singleHeader", {}).get("name", "the query string") for field in logging["redactedFields"]}
    assert redacted == {"the query string", "authorization", "cookie", "referer", "x-origin-secret"}


@pytest.mark.covers("A6", "A12")
@BOTH
def test_the_api_and_the_site_have_their_names_in_the_public_zone_and_nothing_else_has(
    name: str, domain: str, rehearsed: Any
) -> None:
    done = rehearsed(name)
    balancer = the(done, ":LoadBalancer")
    public = done.report["outputs"]["zoneId"]
    records = [one["inputs"] for one in of_type(done, ":Record") if one["inputs"]["zoneId"] == public]
    named = {one["name"]: one for one in records if one["type"] == "A"}
    assert set(named) == {f"api.{domain}", f"www.{domain}"}
    api = named[f"api.{domain}"]
    assert api["aliases"] == [
        {
            "name": balancer["outputs"]["dnsName"],
            "zoneId": balancer["outputs"]["zoneId"],
            "evaluateTargetHealth": True,
        }
    ]
    proofs = [one["name"].rstrip(".") for one in records if one["type"] == "CNAME"]
    assert sorted(one.partition(".")[2] for one in proofs) == sorted(named)
    assert {one["type"] for one in records} == {"A", "AAAA", "CNAME"}
    assert done.report["outputs"]["url"] == f"https://api.{domain}"
    assert len(done.report["outputs"]["nameServers"]) == 4


@pytest.mark.covers("A12")
@BOTH
def test_names_inside_the_vpc_are_asked_there_only(name: str, domain: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    zones = {one["inputs"]["name"]: one for one in of_type(done, ":Zone")}
    assert set(zones) == {domain, "internal.kumiki"}
    assert zones["internal.kumiki"]["inputs"]["vpcs"] == [{"vpcId": done.report["outputs"]["vpcId"]}]
    assert "vpcs" not in zones[domain]["inputs"]
    private = done.report["outputs"]["privateZoneId"]
    names = {one["inputs"]["name"] for one in of_type(done, ":Record") if one["inputs"]["zoneId"] == private}
    # Whatever the stack has that is reached by name inside the VPC only.
    databases = [*of_type(done, "rds/cluster:Cluster"), *of_type(done, "rds/instance:Instance")]
    assert names == ({"database.internal.kumiki"} if databases else set())
    vpc = the(done, ":Vpc")["inputs"]
    assert vpc["enableDnsSupport"] is True
    assert vpc["enableDnsHostnames"] is True


def is_internet(rule: dict[str, Any]) -> bool:
    return "referencedSecurityGroupId" not in rule and not str(rule.get("cidrIpv4", "0")).startswith("10.")


@pytest.mark.covers("A6", "D11")
@BOTH
def test_from_the_internet_only_80_and_443_of_the_load_balancer_are_open(
    name: str, domain: str, rehearsed: Any
) -> None:
    del domain
    done = rehearsed(name)
    (group,) = the(done, ":LoadBalancer")["inputs"]["securityGroups"]
    opened = {
        (one["inputs"]["securityGroupId"], one["inputs"]["fromPort"], one["inputs"]["toPort"])
        for one in of_type(done, ":SecurityGroupIngressRule")
        if is_internet(one["inputs"])
    }
    assert opened == {(group, 80, 80), (group, 443, 443)}
    for one in of_type(done, ":SecurityGroup"):
        assert not {"ingress", "egress"} & set(one["inputs"])
    # The load balancer calls services only: each rule names one group and one port.
    for one in of_type(done, ":SecurityGroupEgressRule"):
        if one["inputs"]["securityGroupId"] == group:
            assert one["inputs"]["referencedSecurityGroupId"].startswith("sg-")
            assert one["inputs"]["fromPort"] == one["inputs"]["toPort"]


# --- Other ways of writing the stack ----------------------------------------------------------------------------------

ZONE = "Z0123456789ABCDEFGHIJ"
ARN = "arn:aws:acm:{}:111122223333:certificate/12345678-1234-1234-1234-123456789012"


def test_without_a_domain_plain_http_works_and_asks_for_no_certificate(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki({"kumiki:domain": None, "kumiki:loadBalancer": {"allowHttp": True}}, only=AROUND)
    assert done.status == 0, done.text
    assert set(listeners(done)) == {80}
    assert listeners(done)[80]["defaultActions"][0]["type"] == "fixed-response"
    assert not of_type(done, "acm/certificate:Certificate")
    ports = {
        one["inputs"]["fromPort"] for one in of_type(done, ":SecurityGroupIngressRule") if is_internet(one["inputs"])
    }
    assert ports == {80}
    assert done.report["outputs"]["url"] == f"http://{done.report['outputs']['loadBalancerDnsName']}"


def test_a_zone_that_exists_gets_records_and_is_left_alone(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki(
        {"kumiki:domain": {"name": "shop.example.com", "zone": ZONE}}, only=(*AROUND, "loadBalancer")
    )
    assert done.status == 0, done.text
    assert [one["inputs"]["name"] for one in of_type(done, ":Zone")] == ["internal.shop.example.com"]
    names = {one["inputs"]["name"] for one in of_type(done, ":Record") if one["inputs"]["zoneId"] == ZONE}
    assert "api.shop.example.com" in names
    assert len(names) == 2
    assert done.report["stand_ins"] == [ZONE]


def test_prod_can_sign_its_zone_and_says_what_the_zone_above_needs(tmp_path: Path, rehearse: Rehearse) -> None:
    config = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))["config"]
    config["kumiki:domain"]["dnssec"] = True
    done = rehearse(project(tmp_path, {"config": config}), "test")
    assert done.status == 0, done.text
    assert "0 errors, 0 warnings" in done.text
    (signed,) = of_type(done, ":HostedZoneDnsSec")
    assert signed["inputs"]["hostedZoneId"] == done.report["outputs"]["zoneId"]
    assert done.report["outputs"]["dsRecord"]
    topic = next(one for one in of_type(done, "sns/topic:Topic") if one["inputs"].get("region") == "us-east-1")
    alarms = [one["inputs"] for one in of_type(done, ":MetricAlarm") if one["inputs"].get("namespace") == "AWS/Route53"]
    assert [each["alarmActions"] for each in alarms] == [[topic["outputs"]["arn"]]] * 2


def test_a_certificate_that_exists_is_used_as_it_is(rehearse_kumiki: Rehearse) -> None:
    arn = ARN.format("ap-northeast-1")
    done = rehearse_kumiki({"kumiki:domain": None, "kumiki:loadBalancer": {"certificateArn": arn}}, only=AROUND)
    assert done.status == 0, done.text
    assert listeners(done)[443]["certificateArn"] == arn
    assert not of_type(done, "acm/certificate:Certificate")


def test_behind_cloudfront_only_cloudfront_connects_and_one_port_is_open(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki({"kumiki:loadBalancer": {"allowFrom": ["cloudFront"]}})
    assert done.status == 0, done.text
    (rule,) = [one["inputs"] for one in of_type(done, ":SecurityGroupIngressRule") if "prefixListId" in one["inputs"]]
    assert rule["fromPort"] == rule["toPort"] == 443
    assert "cidrIpv4" not in rule
    # It would count CloudFront's few addresses, or what clients write into a header.
    assert not of_type(done, ":WebAcl")
    # Its addresses are everybody's: without a site, too, a request must show the secret.
    assert "/kumiki/dev/web/origin-secret" in [one["inputs"]["name"] for one in of_type(done, ":Parameter")]
    asked = [one["inputs"]["conditions"] for one in of_type(done, ":ListenerRule")]
    assert asked
    assert all("X-Origin-Secret" in [each.get("httpHeader", {}).get("httpHeaderName") for each in c] for c in asked)


def domain(**changes: Any) -> dict[str, Any]:
    return {"kumiki:domain": {"name": "example.com", "zone": "create", **changes}}


def balancer(**changes: Any) -> dict[str, Any]:
    return {"kumiki:loadBalancer": changes}


def private_api() -> dict[str, Any]:
    return {"app": {"kind": "http", "public": True, "routes": {"GET /": {"loadBalancer": True}}}}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            balancer(certificateArn=ARN.format("us-east-1")),
            ["kumiki:loadBalancer.certificateArn: is in us-east-1", "use a certificate of ap-northeast-1"],
        ),
        (balancer(certificateArn="my-cert"), ["kumiki:loadBalancer.certificateArn: 'my-cert' is not allowed"]),
        (
            {"kumiki:domain": None, **balancer()},
            ["kumiki:loadBalancer.certificateArn: is missing", "add domain or certificateArn", "set allowHttp to true"],
        ),
        (
            balancer(certificateArn=ARN.format("ap-northeast-1"), allowHttp=True),
            ["kumiki:loadBalancer.allowHttp: true makes no sense with a certificate"],
        ),
        (domain(zone=None), ["kumiki:domain.zone: is missing; write create, or the id"]),
        (domain(zone="example.com"), ["kumiki:domain.zone: 'example.com' is not allowed", "Z0123456789ABCDEFGHIJ"]),
        (domain(name="https://example.com"), ["kumiki:domain.name: 'https://example.com' is not", "without scheme"]),
        (domain(name="example"), ["kumiki:domain.name: 'example' is not allowed", "such as example.com"]),
        (domain(name="Example.com."), ["kumiki:domain.name: 'Example.com.' is not allowed", "final dot"]),
        (domain(name=f"{'a' * 61}.example.com"), ["kumiki:domain.name:", "AWS allows 64"]),
        (
            domain(zone="Z0123456789ABCDEFGHIJ", dnssec=True),
            ["kumiki:domain.dnssec: true", "Z0123456789ABCDEFGHIJ is not this stack's", "or set zone to create"],
        ),
        (
            {**domain(dnssec=True), "kumiki:alerts": None},
            ["kumiki:domain.dnssec: true", "nobody would hear", "add alerts, or remove this key"],
        ),
        (domain(private="example.com"), ["kumiki:domain.private: example.com is the public domain"]),
        (balancer(allowFrom=["192.0.2.1"]), ["kumiki:loadBalancer.allowFrom[0]: '192.0.2.1'", "use 192.0.2.1/32"]),
        (balancer(allowFrom=["office"]), ["kumiki:loadBalancer.allowFrom[0]: 'office' is not an IPv4 CIDR"]),
        (balancer(allowFrom=["cloudFront", "10.0.0.0/8"]), ["kumiki:loadBalancer.allowFrom: ", "names cloudFront and"]),
        (balancer(idleTimeoutSeconds=0), ["kumiki:loadBalancer.idleTimeoutSeconds: 0 is not allowed", "1 to 4000"]),
        (
            balancer(allowFrom=["cloudFront"], firewall={}),
            ["kumiki:loadBalancer.firewall: would see cloudFront's few addresses only", "move it to site.firewall"],
        ),
        (
            {**balancer(), "kumiki:site": {"origins": {"api": {"source": "loadBalancer", "paths": ["/api/*"]}}}},
            ["kumiki:loadBalancer.allowFrom: lets everybody past the site and its firewall", "use [cloudFront]"],
        ),
        (
            balancer(allowFrom=["apiGateway"]),
            ["kumiki:loadBalancer.allowFrom: [apiGateway], and no HTTP API leads to it", "loadBalancer: true"],
        ),
        (
            {"kumiki:apis": private_api()},
            ["kumiki:loadBalancer.allowFrom: lets others in than the API", "(apis.app); use [apiGateway]"],
        ),
        (
            {"kumiki:apis": private_api(), "kumiki:loadBalancer": None, "kumiki:services": None},
            ["kumiki:apis.app.routes.GET /.loadBalancer: true, and there is no load", "allowFrom: [apiGateway]"],
        ),
        (
            {"kumiki:apis": private_api(), **balancer(allowFrom=["apiGateway"]), "kumiki:domain": None},
            ["kumiki:domain: is missing, and API Gateway asks for the name", "loadBalancer.allowHttp"],
        ),
        (
            {"kumiki:apis": private_api(), **balancer(allowFrom=["apiGateway"], firewall={})},
            ["kumiki:loadBalancer.firewall: would see apiGateway's few addresses only", "move it to site.firewall"],
        ),
        (balancer(firewall={"mode": "off"}), ["kumiki:loadBalancer.firewall.mode: 'off' is not allowed"]),
        (balancer(firewall={"rateLimit": 1}), ["kumiki:loadBalancer.firewall.rateLimit: 1 is not allowed; use 10"]),
        (
            balancer(firewall={"countedRules": {"comon": ["x"]}}),
            ["kumiki:loadBalancer.firewall.countedRules: 'comon'", "did you mean 'common'?"],
        ),
        ({"kumiki:logArchive": None}, ["kumiki:loadBalancer: writes its access logs to the log archive"]),
        (
            {"kumiki:product": "a-product-with-a-long-name", "kumiki:officeHours": None},
            ["kumiki:product: ", "load balancer", "AWS allows 32"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said
