"""What the edge's components decide: who gets in, by which protocol, past which rules, under which name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from components.alarms import AlarmTopics
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.load_balancer import LoadBalancer, of_region
from components.edge.load_balancer_args import LoadBalancerArgs
from components.edge.vpc_link import VpcLink, VpcLinkArgs
from components.edge.web_acl import LARGEST_BODY_BYTES, WebAcl, WebAclArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.network.network import ExistingNetwork
from tests.conftest import ACCOUNT, REGION, Recorder

ARN = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1"
TOPICS = AlarmTopics(critical="arn:critical", warning="arn:warning")


def network() -> ExistingNetwork:
    return ExistingNetwork(
        vpc_id=pulumi.Output.from_input("vpc-1"),
        cidr=pulumi.Output.from_input("10.0.0.0/16"),
        public_subnet_ids=pulumi.Output.from_input(["subnet-1", "subnet-2"]),
        private_subnet_ids=pulumi.Output.from_input(["subnet-3", "subnet-4"]),
        isolated_subnet_ids=pulumi.Output.from_input([]),
    )


LOGS: Any = SimpleNamespace(log_target_name="logs")
KEPT_AT = "/wiki/dev/web/origin-secret"


def load_balancer(name: str = "wiki-dev-web", connections: Any = None, **changes: Any) -> LoadBalancer:
    args = LoadBalancerArgs(**{"certificate_arn": ARN, **changes})
    return LoadBalancer(name, args, network=network(), access_logs=LOGS, **connections or {})


def balancer(
    recorder: Recorder, then: Callable[[LoadBalancer], object] = lambda _made: None, **changes: Any
) -> Recorder:
    return recorder.run(lambda: then(load_balancer(**changes)) and None)


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
    balancer(recorder, allow_from=["cloudFront"])
    rule = recorder.one(":SecurityGroupIngressRule").inputs
    assert rule["prefixListId"] == "pl-com.amazonaws.global.cloudfront.origin-facing"
    assert rule["fromPort"] == rule["toPort"] == 443


def test_behind_an_api_it_stands_in_private_subnets_redirects_nobody_and_lets_in_the_link_alone(
    recorder: Recorder,
) -> None:
    def behind(made: LoadBalancer) -> None:
        args = {"network": network(), "load_balancer": made, "server_name": "api.example.com"}
        VpcLink("wiki-dev-link", VpcLinkArgs(), **args)

    balancer(recorder, behind, allow_from=["apiGateway"])
    made = recorder.one("lb/loadBalancer:LoadBalancer").inputs
    assert (made["internal"], made["subnets"]) == (True, ["subnet-3", "subnet-4"])
    assert set(listeners(recorder)) == {443}
    link = recorder.one("apigatewayv2/vpcLink:VpcLink").inputs
    assert (link["subnetIds"], link["securityGroupIds"]) == (
        ["subnet-3", "subnet-4"],
        ["wiki-dev-link-security-group-id"],
    )
    way_in, way_out = recorder.one(":SecurityGroupIngressRule").inputs, recorder.one(":SecurityGroupEgressRule").inputs
    for rule, ours, other in ((way_in, "web", "link"), (way_out, "link", "web")):
        assert rule["securityGroupId"] == f"wiki-dev-{ours}-security-group-id"
        assert rule["referencedSecurityGroupId"] == f"wiki-dev-{other}-security-group-id"
        assert rule["fromPort"] == rule["toPort"] == 443


def test_no_firewall_stands_where_it_would_see_api_gateways_addresses_only(recorder: Recorder) -> None:
    given: Any = {"web_acl": SimpleNamespace(arn="arn:acl", pulumi_resource_name="acl")}
    with pytest.raises(ArgumentError, match="would see API Gateway's addresses only"):
        balancer(recorder, allow_from=["apiGateway"], connections=given)


def test_the_origins_secret_is_made_once_and_kept_encrypted(recorder: Recorder) -> None:
    secured = {"origin_secret_path": KEPT_AT, "key": ExistingKey(arn="arn:key")}
    secret = balancer(recorder, allow_from=["cloudFront"], connections=secured).one(":Parameter").inputs
    assert (secret["type"], secret["name"], secret["keyId"]) == ("SecureString", KEPT_AT, "arn:key")


def test_the_web_firewall_and_the_certificate_are_those_that_it_is_given(recorder: Recorder) -> None:
    given: Any = {"web_acl": SimpleNamespace(arn="arn:acl"), "certificate": SimpleNamespace(arn=ARN)}
    balancer(recorder, certificate_arn=None, connections=given)
    assert recorder.one(":WebAclAssociation").inputs["webAclArn"] == "arn:acl"
    assert listeners(recorder)[443]["certificateArn"] == ARN


@pytest.mark.parametrize(
    ("changes", "connections", "field"),
    [
        ({"certificate_arn": None}, {}, "certificate"),
        ({}, {"origin_secret_path": KEPT_AT}, "origin_secret_path"),
    ],
)
def test_connections_that_could_not_work_are_refused(
    changes: dict[str, Any], connections: dict[str, Any], field: str, recorder: Recorder
) -> None:
    with pytest.raises(ArgumentError) as refused:
        balancer(recorder, connections=connections, **changes)
    assert refused.value.field == field


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
    balancer(recorder, lambda made: made.alarms(TOPICS), server_error_percent=3)
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
        ({"allow_http": True}, "allow_http"),
        ({"certificate_arn": "arn:aws:iam::123456789012:server-certificate/x"}, "certificate_arn"),
        ({"allow_from": []}, "allow_from"),
        ({"allow_from": ["10.0.0.1/8"]}, "allow_from[0]"),
        ({"allow_from": ["10.0.0.0/8", "10.0.0.0/8"]}, "allow_from"),
        ({"allow_from": ["10.0.0.0/8", "cloudFront"]}, "allow_from"),
        ({"allow_from": ["apiGateway", "cloudFront"]}, "allow_from"),
        ({"allow_from": ["everybody"]}, "allow_from[0]"),
        ({"idle_timeout_seconds": 4001}, "idle_timeout_seconds"),
    ],
)
def test_a_load_balancer_that_could_not_work_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        LoadBalancerArgs(**{"certificate_arn": ARN, **changes})
    assert refused.value.field == field


def test_a_certificate_of_another_region_is_refused(recorder: Recorder) -> None:
    foreign = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
    assert of_region(ARN, REGION) == ARN
    with pytest.raises(ValueError, match="is in us-east-1, and the load balancer in ap-northeast-1"):
        balancer(recorder, certificate_arn=foreign)


def test_a_name_too_long_for_aws_is_refused(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="AWS allows 32"):
        balancer(recorder, name="wiki-dev-" + "w" * 24)


# --- The web firewall -------------------------------------------------------------------------------------------------


def web_acl(recorder: Recorder, before: Any = "load-balancer", connections: Any = None, **changes: Any) -> Recorder:
    args = WebAclArgs(**{"log_retention_days": 7, **changes})
    return recorder.run(lambda: WebAcl("wiki-dev-firewall", args, before=before, **connections or {}) and None)


def rules(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in recorder.one("webAcl:WebAcl").inputs["rules"]}


def test_what_amazons_rules_and_the_rate_limit_object_to_is_blocked(recorder: Recorder) -> None:
    found = rules(web_acl(recorder))
    assert list(found) == ["ip-reputation", "common", "known-bad-inputs", "sqli", "rate-limit", "body-size"]
    assert [rule["priority"] for rule in found.values()] == list(range(6))
    assert [found[name]["action"] for name in ("rate-limit", "body-size")] == [{"block": {}}] * 2
    assert [rule.get("overrideAction") for rule in found.values()] == [{"none": {}}] * 4 + [None] * 2


def test_each_client_has_a_limit_of_its_own_by_the_address_from_which_it_connects(recorder: Recorder) -> None:
    limit = rules(web_acl(recorder))["rate-limit"]["statement"]["rateBasedStatement"]
    assert limit == {"limit": 2000, "evaluationWindowSec": 300, "aggregateKeyType": "IP"}


def test_a_firewall_of_a_distribution_is_in_us_east_1_and_another_is_with_the_stack(recorder: Recorder) -> None:
    web_acl(recorder, before="distribution")
    for kind in ("webAcl:WebAcl", ":LogGroup", ":WebAclLoggingConfiguration"):
        assert recorder.one(kind).inputs["region"] == "us-east-1", kind
    assert recorder.one("webAcl:WebAcl").inputs["scope"] == "CLOUDFRONT"


@pytest.mark.parametrize("before", ["distribution", "load-balancer"])
def test_people_hear_when_it_blocks_many_requests_where_it_counts_them(before: Any, recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:critical", warning="arn:warning")
    recorder.run(lambda: WebAcl("wiki-dev-firewall", WebAclArgs(alarm_blocked=300), before=before).alarms(topics))
    alarm = recorder.one(":MetricAlarm").inputs
    assert (alarm["metricName"], alarm["threshold"], alarm["period"]) == ("BlockedRequests", 300, 300)
    assert alarm["alarmActions"] == ["arn:warning"]
    here = {} if before == "distribution" else {"Region": REGION}
    assert alarm["dimensions"] == {"WebACL": "wiki-dev-firewall", "Rule": "ALL", **here}
    assert alarm.get("region") == ("us-east-1" if before == "distribution" else None)


def test_before_an_api_behind_a_distribution_only_who_shows_the_secret_passes(recorder: Recorder) -> None:
    web_acl(recorder, before="api", connections={"origin_secret_path": KEPT_AT})
    acl = recorder.one("webAcl:WebAcl").inputs
    assert (acl["scope"], acl["defaultAction"]) == ("REGIONAL", {"block": {}})
    # A secret as a whole, because one is in it.
    (only,) = acl["rules"]["value"]
    assert only["action"] == {"allow": {}}
    match = only["statement"]["byteMatchStatement"]
    assert match["fieldToMatch"] == {"singleHeader": {"name": "x-origin-secret"}}
    assert match["positionalConstraint"] == "EXACTLY"
    parameter = recorder.one(":Parameter").inputs
    assert parameter["type"] == "SecureString"
    assert match["searchString"] == parameter["value"]["value"]


def test_before_an_open_load_balancer_only_those_are_counted_who_did_not_come_by_the_distribution(
    recorder: Recorder,
) -> None:
    web_acl(recorder, connections={"origin_secret_path": KEPT_AT})
    acl = recorder.one("webAcl:WebAcl").inputs
    assert (acl["scope"], acl["defaultAction"]) == ("REGIONAL", {"allow": {}})
    found = {rule["name"]: rule["statement"] for rule in acl["rules"]["value"]}
    assert list(found) == ["ip-reputation", "common", "known-bad-inputs", "sqli", "rate-limit", "body-size"]
    kinds = {"ip-reputation": "managedRuleGroupStatement", "rate-limit": "rateBasedStatement"}
    for name, kind in kinds.items():
        match = found[name][kind]["scopeDownStatement"]["notStatement"]["statement"]["byteMatchStatement"]
        assert match["fieldToMatch"] == {"singleHeader": {"name": "x-origin-secret"}}
        assert match["positionalConstraint"] == "EXACTLY"
        assert match["searchString"] == recorder.one(":Parameter").inputs["value"]["value"]
    # What is in a request is judged whoever brings it.
    assert [name for name, one in found.items() if "scopeDownStatement" in str(one)] == list(kinds)


def test_count_mode_blocks_nothing(recorder: Recorder) -> None:
    found = rules(web_acl(recorder, mode="count"))
    own = ("rate-limit", "body-size")
    assert all(found[name]["action"] == {"count": {}} for name in own)
    assert all(rule["overrideAction"] == {"count": {}} for name, rule in found.items() if name not in own)


def test_single_rules_can_count_while_the_rest_blocks(recorder: Recorder) -> None:
    found = rules(web_acl(recorder, counted_rules={"common": ["NoUserAgent_HEADER"]}))
    group = found["common"]["statement"]["managedRuleGroupStatement"]
    assert [(one["name"], one["actionToUse"]) for one in group["ruleActionOverrides"]] == [
        ("NoUserAgent_HEADER", {"count": {}}), ("SizeRestrictions_BODY", {"count": {}}),
    ]  # fmt: skip
    assert "ruleActionOverrides" not in found["sqli"]["statement"]["managedRuleGroupStatement"]


@pytest.mark.parametrize(("before", "kind"), [("distribution", "cloudfront"), ("api", "apiGateway")])
def test_a_body_up_to_the_limit_is_seen_whole_and_a_larger_one_blocked(
    before: str, kind: str, recorder: Recorder
) -> None:
    found = rules(web_acl(recorder, before=before))
    (body,) = recorder.one("webAcl:WebAcl").inputs["associationConfig"]["requestBodies"]
    # The largest that AWS WAF looks at, and exactly the limit: what it is not shown is over it.
    assert body == {kind: {"defaultSizeInspectionLimit": "KB_64"}}
    size = found["body-size"]["statement"]["sizeConstraintStatement"]
    assert (size["comparisonOperator"], size["size"]) == ("GT", 64 * 1024)
    assert size["fieldToMatch"] == {"body": {"oversizeHandling": "MATCH"}}
    assert LARGEST_BODY_BYTES == 64 * 1024


def test_the_firewall_the_host_and_the_api_agree_on_the_largest_body() -> None:
    """Read from their files: the parts import nothing of each other."""
    root = Path(__file__).resolve().parents[2] / "workloads"
    nginx = re.search(r"client_max_body_size (\d+);", (root / "host" / "nginx.conf.template").read_text())
    api = re.search(r"^MOST_BODY_BYTES = ([\d_]+)$", (root / "api" / "answers.py").read_text(), re.MULTILINE)
    assert nginx
    assert api
    assert int(nginx[1]) == int(api[1]) == LARGEST_BODY_BYTES


@pytest.mark.parametrize(
    ("length", "is_blocked"),
    [("0", False), ("8193", False), ("65536", False), ("065536", False), ("65537", True), ("65540", True),
     ("65600", True), ("66000", True), ("70000", True), ("100000", True), ("99999999999", True), ("065537", True)],
)  # fmt: skip
def test_before_a_load_balancer_the_length_that_a_request_says_decides(
    length: str, is_blocked: bool, recorder: Recorder
) -> None:
    match = rules(web_acl(recorder))["body-size"]["statement"]["regexMatchStatement"]
    assert match["fieldToMatch"] == {"singleHeader": {"name": "content-length"}}
    assert bool(re.search(match["regexString"], length)) is is_blocked
    # AWS WAF sees 8 KB of such bodies, whatever it is told.
    assert "associationConfig" not in recorder.one("webAcl:WebAcl").inputs


def test_the_log_is_made_first_kept_for_its_days_and_holds_no_credentials(recorder: Recorder) -> None:
    web_acl(recorder, connections={"log_key": ExistingKey(arn="arn:key")})
    group = recorder.one(":LogGroup").inputs
    assert group == {
        "name": "aws-waf-logs-wiki-dev-firewall",
        "retentionInDays": 7,
        "kmsKeyId": "arn:key",
        "tags": {"Name": "wiki-dev-firewall-log-group"},
        **{key: value for key, value in group.items() if key in ("skipDestroy", "logGroupClass")},
    }
    logging = recorder.one(":WebAclLoggingConfiguration").inputs
    hidden = [field.get("singleHeader", {}).get("name", "the query string") for field in logging["redactedFields"]]
    assert hidden == ["the query string", "authorization", "cookie", "referer", "x-origin-secret"]
    assert logging["redactedFields"][0] == {"queryString": {}}
    assert logging["loggingFilter"]["defaultBehavior"] == "DROP"


@pytest.mark.parametrize("path", [None, "/wiki/dev/api/origin-secret"])
def test_nothing_of_a_request_is_shown_as_a_sample(path: str | None, recorder: Recorder) -> None:
    web_acl(recorder, before="api", connections={"origin_secret_path": path})
    acl = recorder.one("webAcl:WebAcl").inputs
    judged = acl["rules"]["value"] if path else acl["rules"]
    seen = [each["visibilityConfig"] for each in (acl, *judged)]
    assert {each["sampledRequestsEnabled"] for each in seen} == {False}
    assert {each["cloudwatchMetricsEnabled"] for each in seen} == {True}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mode": "off"}, "mode"),
        ({"rate_limit": 9}, "rate_limit"),
        ({"counted_rules": {"sql": []}}, "counted_rules"),
        ({"log_retention_days": 8}, "log_retention_days"),
    ],
)
def test_a_firewall_that_could_not_work_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        WebAclArgs(**changes)
    assert refused.value.field == field


def test_a_firewall_of_a_distribution_asks_for_no_secret(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="origin_secret_path"):
        web_acl(recorder, before="distribution", connections={"origin_secret_path": KEPT_AT})


# --- Names and certificates -------------------------------------------------------------------------------------------


def certificate(recorder: Recorder, domains: list[str]) -> Recorder:
    def program() -> None:
        zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com", existing_id="Z1"))
        Certificate("wiki-dev-tls", CertificateArgs(domains=domains), zone=zone)

    return recorder.run(program)


def test_one_record_proves_a_domain_and_its_wildcard_and_the_certificate_waits_for_it(recorder: Recorder) -> None:
    domains = ["example.com", "*.example.com", "api.example.com"]
    certificate(recorder, domains)
    records = [each.inputs for each in recorder.of(":Record")]
    assert [one["name"] for one in records] == ["_proof.api.example.com.", "_proof.example.com."]
    assert {one["zoneId"] for one in records} == {"Z1"}
    validation = recorder.one(":CertificateValidation").inputs
    assert validation["validationRecordFqdns"] == [one["name"] for one in records]


@pytest.mark.parametrize(
    ("domains", "field"),
    [
        ([], "domains"),
        (["example.com", "example.com"], "domains[1]"),
        (["example.org"], "domains[0]"),
        (["notexample.com"], "domains[0]"),
        (["example.com", "exa mple.com"], "domains[1]"),
        (["a" * 53 + ".example.com"], "domains[0]"),
    ],
)
def test_a_certificate_that_nothing_could_prove_is_refused(domains: list[str], field: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError) as refused:
        certificate(recorder, domains)
    assert refused.value.field == field


def zone(recorder: Recorder, then: Callable[[Zone], object], *, inside: bool = False, **changes: Any) -> Recorder:
    def program() -> None:
        then(Zone("wiki-dev-domain", ZoneArgs(domain="example.com", **changes), network=network() if inside else None))

    return recorder.run(program)


def test_an_alias_points_at_aws_and_is_no_answer_while_that_is_down(recorder: Recorder) -> None:
    zone(recorder, lambda made: made.alias("api", "web.elb.amazonaws.com", "Z9"))
    record = recorder.one(":Record").inputs
    assert (record["name"], record["type"]) == ("api.example.com", "A")
    assert record["aliases"] == [{"name": "web.elb.amazonaws.com", "zoneId": "Z9", "evaluateTargetHealth": True}]


def test_the_domain_itself_can_be_an_alias_and_no_other_name(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="use alias"):
        zone(
            recorder, lambda made: (made.alias("@", "x.elb.amazonaws.com", "Z9"), made.name_for("@", "db.example.org"))
        )
    assert recorder.one(":Record").inputs["name"] == "example.com"


@pytest.mark.covers("A12")
def test_names_inside_a_vpc_belong_to_its_zone_alone(recorder: Recorder) -> None:
    zone(recorder, lambda made: made.name_for("database", "db.cluster.example.org"), inside=True)
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
    with pytest.raises(ArgumentError, match="write a domain such as"):
        ZoneArgs(domain=domain)


def test_a_zone_that_exists_cannot_be_joined_to_a_network(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="cannot be joined to a network"):
        zone(recorder, lambda _made: None, existing_id="Z1", inside=True)
