"""What the edge's components decide: who gets in, by which protocol, past which rules, under which name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.alarms import AlarmTopics
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.load_balancer import LoadBalancer, LoadBalancerArgs, of_region
from components.edge.web_acl import WebAcl, WebAclArgs
from components.refusal import Refusal
from tests.conftest import ACCOUNT, REGION, Recorder

ARN = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1"
TOPICS = AlarmTopics(critical="arn:critical", warning="arn:warning")


def balancer_args(**changes: Any) -> LoadBalancerArgs:
    given: dict[str, Any] = {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "certificate_arn": ARN,
        "access_log_bucket": "logs",
        **changes,
    }
    return LoadBalancerArgs(**given)


def balancer(
    recorder: Recorder, then: Callable[[LoadBalancer], object] = lambda _made: None, **changes: Any
) -> Recorder:
    def program() -> None:
        then(LoadBalancer("wiki-dev-web", balancer_args(**changes)))

    return recorder.run(program)


def listeners(recorder: Recorder) -> dict[int, dict[str, Any]]:
    return {each.inputs["port"]: each.inputs for each in recorder.of("lb/listener:Listener")}


def test_https_is_served_and_http_only_redirected(recorder: Recorder) -> None:
    by_port = listeners(balancer(recorder))
    assert by_port[443]["certificateArn"] == ARN
    assert by_port[443]["defaultActions"][0]["fixedResponse"]["statusCode"] == "404"
    assert [action["type"] for action in by_port[80]["defaultActions"]] == ["redirect"]


def test_plain_http_must_be_asked_for_and_then_opens_no_443(recorder: Recorder) -> None:
    made: list[LoadBalancer] = []
    balancer(recorder, made.append, certificate_arn=None, allow_http=True)
    assert set(listeners(recorder)) == {80}
    assert [each.inputs["fromPort"] for each in recorder.of(":SecurityGroupIngressRule")] == [80]
    assert made[0].https_listener_arn is None


def test_each_cidr_may_reach_443_and_the_redirect_and_nothing_else(recorder: Recorder) -> None:
    balancer(recorder, allow_from=["203.0.113.0/24", "198.51.100.7/32"])
    opened = {(each.inputs["cidrIpv4"], each.inputs["fromPort"]) for each in recorder.of(":SecurityGroupIngressRule")}
    assert opened == {(cidr, port) for cidr in ("203.0.113.0/24", "198.51.100.7/32") for port in (80, 443)}


def test_cloudfront_reaches_one_port_for_two_would_exceed_the_rules_of_a_group(recorder: Recorder) -> None:
    balancer(recorder, allow_from="cloudfront")
    rule = recorder.one(":SecurityGroupIngressRule").inputs
    assert rule["prefixListId"] == "pl-com.amazonaws.global.cloudfront.origin-facing"
    assert rule["fromPort"] == rule["toPort"] == 443


def test_the_origins_secret_is_made_once_and_kept_encrypted(recorder: Recorder) -> None:
    made = recorder.run(
        lambda: LoadBalancer(
            "wiki-dev-web",
            balancer_args(allow_from="cloudfront", origin_secret_path="/wiki/dev/web/origin-secret", key_arn="arn:key"),
        )
    )
    secret = made.one(":Parameter").inputs
    assert (secret["type"], secret["name"], secret["keyId"]) == (
        "SecureString",
        "/wiki/dev/web/origin-secret",
        "arn:key",
    )
    with pytest.raises(Refusal, match="origin_secret_path"):
        balancer_args(origin_secret_path="/wiki/dev/web/origin-secret")


def test_the_load_balancer_calls_nobody_but_the_services_it_was_opened_to(recorder: Recorder) -> None:
    balancer(recorder, lambda made: made.allow_to("sg-api", port=8000, name="api"))
    rule = recorder.one(":SecurityGroupEgressRule").inputs
    assert (rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"]) == ("sg-api", 8000, 8000)
    assert rule["securityGroupId"] == "wiki-dev-web-security-group-id"
    assert not {"cidrIpv4", "prefixListId"} & set(rule)


def test_without_a_service_it_calls_nobody(recorder: Recorder) -> None:
    assert balancer(recorder).of(":SecurityGroupEgressRule") == []


@pytest.mark.parametrize(("retention", "kept"), [("protected", True), ("ephemeral", False)])
def test_retention_decides_whether_it_can_be_deleted(retention: Any, kept: bool, recorder: Recorder) -> None:
    inputs = balancer(recorder, retention=retention).one("lb/loadBalancer:LoadBalancer").inputs
    assert inputs["enableDeletionProtection"] is kept


@pytest.mark.covers("A14")
def test_failing_requests_wake_somebody_and_slow_ones_do_not(recorder: Recorder) -> None:
    balancer(recorder, lambda made: made.alarms(TOPICS, server_error_percent=3))
    alarms = {each.name: each.inputs for each in recorder.of(":MetricAlarm")}
    rate = alarms["wiki-dev-web-server-error-rate"]
    assert rate["alarmActions"] == ["arn:critical"]
    assert rate["threshold"] == 3
    queries = {query["id"]: query for query in rate["metricQueries"]}
    assert {queries[key]["metric"]["metricName"] for key in queries if key != "result"} == {
        "HTTPCode_ELB_5XX_Count",
        "HTTPCode_Target_5XX_Count",
        "RequestCount",
    }
    suffix = {"LoadBalancer": "app/wiki-dev-web-alb/0123456789abcdef"}
    assert queries["requests"]["metric"]["dimensions"] == suffix
    # With no healthy target there is no RequestCount at all, and everything fails.
    assert "requests, 0) + FILL(balancer, 0)" in queries["result"]["expression"]
    for name in ("rejected-connections", "response-time"):
        assert alarms[f"wiki-dev-web-{name}"]["alarmActions"] == ["arn:warning"]
        assert alarms[f"wiki-dev-web-{name}"]["dimensions"] == suffix


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"certificate_arn": None}, "certificate_arn"),
        ({"allow_http": True}, "allow_http"),
        ({"certificate_arn": "arn:aws:iam::123456789012:server-certificate/x"}, "certificate_arn"),
        ({"allow_from": []}, "allow_from"),
        ({"allow_from": ["10.0.0.1/8"]}, "allow_from[0]"),
        ({"allow_from": ["10.0.0.0/8", "10.0.0.0/8"]}, "allow_from"),
        ({"allow_from": "everybody"}, "allow_from"),
        ({"idle_timeout_seconds": 4001}, "idle_timeout_seconds"),
    ],
)
def test_a_load_balancer_that_could_not_work_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        balancer_args(**changes)
    assert refused.value.field == field


def test_a_certificate_of_another_region_is_refused_even_if_only_known_later(recorder: Recorder) -> None:
    foreign = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
    assert of_region(ARN, REGION) == ARN
    with pytest.raises(ValueError, match="is in us-east-1, and the load balancer in ap-northeast-1"):
        balancer(recorder, certificate_arn=pulumi.Output.from_input(foreign))


def test_a_name_too_long_for_aws_is_refused(recorder: Recorder) -> None:
    with pytest.raises(Refusal, match="AWS allows 32"):
        recorder.run(lambda: LoadBalancer("wiki-dev-" + "w" * 24, balancer_args()) and None)


# --- The web firewall -------------------------------------------------------------------------------------------------


def web_acl(recorder: Recorder, **changes: Any) -> Recorder:
    return recorder.run(lambda: WebAcl("wiki-dev-firewall", WebAclArgs(log_retention_days=7, **changes)) and None)


def rules(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in recorder.one("webAcl:WebAcl").inputs["rules"]}


def test_what_amazons_rules_and_the_rate_limit_object_to_is_blocked(recorder: Recorder) -> None:
    found = rules(web_acl(recorder))
    assert list(found) == ["ip-reputation", "common", "known-bad-inputs", "sqli", "rate-limit"]
    assert len({rule["priority"] for rule in found.values()}) == 5
    assert found["rate-limit"].pop("action") == {"block": {}}
    assert [rule.get("overrideAction") for rule in found.values()] == [{"none": {}}] * 4 + [None]


def test_count_mode_blocks_nothing(recorder: Recorder) -> None:
    found = rules(web_acl(recorder, mode="count"))
    assert found["rate-limit"]["action"] == {"count": {}}
    assert all(rule["overrideAction"] == {"count": {}} for rule in found.values() if rule["name"] != "rate-limit")


def test_single_rules_can_count_while_the_rest_blocks(recorder: Recorder) -> None:
    found = rules(web_acl(recorder, counted_rules={"common": ["SizeRestrictions_BODY"]}))
    group = found["common"]["statement"]["managedRuleGroupStatement"]
    assert group["ruleActionOverrides"] == [{"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}]
    assert "ruleActionOverrides" not in found["sqli"]["statement"]["managedRuleGroupStatement"]


def test_the_log_is_made_first_kept_for_its_days_and_holds_no_credentials(recorder: Recorder) -> None:
    web_acl(recorder, log_key_arn="arn:key")
    group = recorder.one(":LogGroup").inputs
    assert group == {
        "name": "aws-waf-logs-wiki-dev-firewall",
        "retentionInDays": 7,
        "kmsKeyId": "arn:key",
        "tags": {"Name": "wiki-dev-firewall-log-group"},
        **{key: value for key, value in group.items() if key in ("skipDestroy", "logGroupClass")},
    }
    logging = recorder.one(":WebAclLoggingConfiguration").inputs
    assert {field["singleHeader"]["name"] for field in logging["redactedFields"]} == {"authorization", "cookie"}
    assert logging["loggingFilter"]["defaultBehavior"] == "DROP"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mode": "off"}, "mode"),
        ({"rate_limit": 9}, "rate_limit"),
        ({"counted_rules": {"sql": []}}, "counted_rules"),
        ({"scope": "CLOUDFRONT", "region": REGION}, "region"),
    ],
)
def test_a_firewall_that_could_not_work_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        WebAclArgs(log_retention_days=7, **changes)
    assert refused.value.field == field


# --- Names and certificates -------------------------------------------------------------------------------------------


def test_one_record_proves_a_domain_and_its_wildcard_and_the_certificate_waits_for_it(recorder: Recorder) -> None:
    args = CertificateArgs(
        domains=["example.com", "*.example.com", "api.example.com"], zone_domain="example.com", zone_id="Z1"
    )
    recorder.run(lambda: Certificate("wiki-dev-tls", args) and None)
    records = [each.inputs for each in recorder.of(":Record")]
    assert [one["name"] for one in records] == ["_proof.api.example.com.", "_proof.example.com."]
    assert {one["zoneId"] for one in records} == {"Z1"}
    validation = recorder.one(":CertificateValidation").inputs
    assert validation["validationRecordFqdns"] == [one["name"] for one in records]


@pytest.mark.parametrize(
    ("domains", "field"),
    [
        ([], "domains"),
        (["example.com", "example.com"], "domains"),
        (["example.org"], "domains[0]"),
        (["notexample.com"], "domains[0]"),
        (["example.com", "exa mple.com"], "domains[1]"),
        (["a" * 53 + ".example.com"], "domains[0]"),
    ],
)
def test_a_certificate_that_nothing_could_prove_is_refused(domains: list[str], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        CertificateArgs(domains=domains, zone_domain="example.com", zone_id="Z1")
    assert refused.value.field == field


def zone(recorder: Recorder, then: Callable[[Zone], object], **changes: Any) -> Recorder:
    def program() -> None:
        then(Zone("wiki-dev-domain", ZoneArgs(domain="example.com", **changes)))

    return recorder.run(program)


def test_an_alias_points_at_aws_and_is_no_answer_while_that_is_down(recorder: Recorder) -> None:
    zone(recorder, lambda made: made.alias("api", "web.elb.amazonaws.com", "Z9"))
    record = recorder.one(":Record").inputs
    assert (record["name"], record["type"]) == ("api.example.com", "A")
    assert record["aliases"] == [{"name": "web.elb.amazonaws.com", "zoneId": "Z9", "evaluateTargetHealth": True}]


def test_the_domain_itself_can_be_an_alias_and_no_other_name(recorder: Recorder) -> None:
    with pytest.raises(Refusal, match="use alias"):
        zone(
            recorder, lambda made: (made.alias("@", "x.elb.amazonaws.com", "Z9"), made.name_for("@", "db.example.org"))
        )
    assert recorder.one(":Record").inputs["name"] == "example.com"


@pytest.mark.covers("A12")
def test_names_inside_a_vpc_belong_to_its_zone_alone(recorder: Recorder) -> None:
    zone(recorder, lambda made: made.name_for("database", "db.cluster.example.org"), vpc_id="vpc-1")
    assert recorder.one("route53/zone:Zone").inputs["vpcs"] == [{"vpcId": "vpc-1"}]
    record = recorder.one(":Record").inputs
    assert (record["type"], record["name"]) == ("CNAME", "database.example.com")
    assert record["records"] == ["db.cluster.example.org"]


def test_an_existing_zone_is_not_touched(recorder: Recorder) -> None:
    zone(recorder, lambda made: made.name_for("db", "x.example.org"), existing_id="Z123")
    assert recorder.of("route53/zone:Zone") == []
    assert recorder.one(":Record").inputs["zoneId"] == "Z123"


@pytest.mark.parametrize(("retention", "kept"), [("protected", True), ("ephemeral", False)])
def test_a_zone_is_as_protected_as_the_stack(retention: Any, kept: bool, recorder: Recorder) -> None:
    made = zone(recorder, lambda _made: None, retention=retention).one("route53/zone:Zone")
    assert made.protect is kept
    assert made.inputs.get("forceDestroy", False) is not kept


@pytest.mark.parametrize("domain", ["example", "Example.com", "example.com.", "http://example.com", "a..b", "x" * 64])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(Refusal, match="is not a domain"):
        ZoneArgs(domain=domain)


def test_a_zone_that_exists_cannot_be_joined_to_a_vpc() -> None:
    with pytest.raises(Refusal, match="existing_id or vpc_id"):
        ZoneArgs(domain="example.com", existing_id="Z1", vpc_id="vpc-1")
