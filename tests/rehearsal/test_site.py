"""A site of Kumiki's, deployed on the emulated account: what it is made of, where, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.conftest import Refuse, Rehearse, Rehearsed
from tests.stack_files import project

STACK: dict[str, Any] = {
    "pulumi:disable-default-providers": ["aws"],
    "kumiki:product": "wiki",
    "kumiki:environment": "dev",
    "kumiki:owner": "platform",
    "kumiki:retention": "ephemeral",
    "kumiki:logArchive": {},
    "kumiki:logs": {"retentionDays": 7},
    "kumiki:network": {
        "cidr": "10.0.0.0/16", "zones": 2, "tiers": ["public", "private"], "flowLogs": {"destination": "cloudwatch"},
    },
    "kumiki:domain": {"name": "example.com", "zone": "create", "private": "internal.wiki"},
    "kumiki:loadBalancer": {"allowFrom": ["cloudFront"]},
    "kumiki:alerts": {"emails": ["ops@example.com"]},
    "kumiki:site": {
        "content": "workloads/site",
        "domain": "www",
        "aliases": ["example.com"],
        "cache": "day",
        "errorPages": {502: "/unavailable.html", 504: "/unavailable.html"},
        "firewall": {},
        "origins": {
            "api": {
                "source": "loadBalancer", "paths": ["/api/*", "/ws"], "cachedPaths": ["/api/news/*"],
                "stripPrefix": "/api",
            }
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Rehearsed:
    """The whole of it, once for all tests here."""
    return rehearse(project(tmp_path_factory.mktemp("site"), {"config": STACK}), "test")


def inputs(done: Rehearsed, kind: str) -> list[dict[str, Any]]:
    kind = kind if ":" in kind else f":{kind}"
    return [one["inputs"] for one in done.report["resources"] if one["custom"] and one["type"].endswith(kind)]


def test_a_site_with_everything_is_deployed_and_no_policy_objects(deployed: Rehearsed) -> None:
    assert deployed.status == 0, deployed.text
    # Most of it is where the stack is.
    assert deployed.report["region"] == "ap-northeast-1"
    assert deployed.report["outputs"]["siteUrl"] == "https://www.example.com"
    (distribution,) = [one for one in deployed.report["resources"] if one["type"].endswith(":Distribution")]
    assert distribution["status"] == "emulated"
    assert deployed.report["outputs"]["siteDistributionId"] == distribution["id"]


def test_what_cloudfront_reads_is_in_us_east_1_and_nothing_else(deployed: Rehearsed) -> None:
    there = {one["name"] for one in deployed.report["resources"] if one["inputs"].get("region") == "us-east-1"}
    assert {name.rpartition("wiki-dev-")[2] for name in there} == {
        "site-tls-certificate", "site-tls-validation", "site-tls-expiry",
        "site-firewall-web-acl", "site-firewall-log-group", "site-firewall-logging", "site-firewall-blocked-alarm",
        "site-logs-key", "site-logs-alias",
        "site-server-error-rate", "site-log-source", "site-log-destination", "site-log-delivery",
        "us-east-alerts-critical-topic", "us-east-alerts-critical-topic-policy",
        "us-east-alerts-critical-ops-example-com-subscription",
        "us-east-alerts-encryption-key", "us-east-alerts-encryption-alias",
    }  # fmt: skip


def test_its_alarms_tell_a_topic_that_they_can_reach(deployed: Rehearsed) -> None:
    alarms = [one for one in inputs(deployed, "MetricAlarm") if one.get("region") == "us-east-1"]
    assert {one["name"].removeprefix("wiki-dev-site-") for one in alarms} == {
        "firewall-blocked-alarm", "server-error-rate", "tls-expiry",
    }  # fmt: skip
    (topic,) = {arn for one in alarms for arn in one["alarmActions"]}
    assert topic == "arn:aws:sns:us-east-1:123456789012:wiki-dev-critical-alerts"
    (policy,) = [one["policy"] for one in inputs(deployed, "TopicPolicy") if one["arn"] == topic]
    published = next(s for s in json.loads(policy)["Statement"] if s["Sid"] == "PublishedToCloudwatch")
    assert (
        published["Condition"]["ArnLike"]["aws:SourceArn"]
        == "arn:aws:cloudwatch:us-east-1:123456789012:alarm:wiki-dev-*"
    )


def test_each_name_leads_to_the_distribution_by_both_kinds_of_address(deployed: Rehearsed) -> None:
    domain = deployed.report["outputs"]["siteDomainName"]
    records = [one for one in inputs(deployed, "Record") if one.get("aliases", [{}])[0].get("name") == domain]
    assert {(one["name"], one["type"]) for one in records} == {
        (name, kind) for name in ("www.example.com", "example.com") for kind in ("A", "AAAA")
    }
    # AWS refuses to check the health of a distribution.
    assert not any(one["aliases"][0]["evaluateTargetHealth"] for one in records)
    (certificate,) = [
        one for one in inputs(deployed, "acm/certificate:Certificate") if one.get("region") == "us-east-1"
    ]
    assert {certificate["domainName"], *certificate["subjectAlternativeNames"]} == {"www.example.com", "example.com"}


def test_the_load_balancer_is_asked_by_the_name_of_its_certificate_and_by_cloudfront_alone(deployed: Rehearsed) -> None:
    (distribution,) = inputs(deployed, "Distribution")
    _, api = distribution["origins"]
    assert api["domainName"] == "api.example.com"
    certificates = inputs(deployed, "acm/certificate:Certificate")
    assert "api.example.com" in {one["domainName"] for one in certificates if "region" not in one}
    (rule,) = [
        one for one in deployed.report["resources"]
        if one["type"].endswith("IngressRule") and one["name"].startswith("wiki-dev-web-")
    ]  # fmt: skip
    assert "prefixListId" in rule["inputs"]
    assert "cidrIpv4" not in rule["inputs"]


def test_requests_are_recorded_in_the_archive_which_admits_them(deployed: Rehearsed) -> None:
    archive = deployed.report["outputs"]["logArchiveBucket"]
    (destination,) = inputs(deployed, "LogDeliveryDestination")
    to = destination["deliveryDestinationConfiguration"]["destinationResourceArn"]
    assert to == f"arn:aws:s3:::{archive}/cloudfront-logs"
    policies = {one["bucket"]: json.loads(one["policy"]) for one in inputs(deployed, "BucketPolicy")}
    admits = next(s for s in policies[archive]["Statement"] if s["Sid"] == "RequestsToDistributions")
    assert admits["Resource"] == f"{to}/*"
    assert admits["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert admits["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:delivery-source:*"}


def test_a_reference_to_what_is_validated_is_no_reason_only_to_validate_the_distribution(deployed: Rehearsed) -> None:
    by_status = {one["type"].rpartition(":")[2]: one["status"] for one in deployed.report["resources"]}
    assert by_status["ResponseHeadersPolicy"] == "validated"
    assert (by_status["Distribution"], by_status["LogDelivery"]) == ("emulated", "emulated")


def site(**changes: Any) -> dict[str, Any]:
    return {"kumiki:site": {"logs": False, **changes}}


API = {"source": "loadBalancer", "paths": ["/api/*"]}
OPEN = {"kumiki:loadBalancer": {"firewall": {}}}
BEHIND = {"kumiki:loadBalancer": {"allowFrom": ["cloudFront"]}}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (site(content="workloads/nowhere"), ["kumiki:site.content: ", "nowhere", "is not a folder", "use none"]),
        (
            site(content="workloads/site", index="home.html"),
            ["kumiki:site.index: 'home.html' is not in", "there are 404.html, index.html, unavailable.html"],
        ),
        (
            site(content="workloads/site", errorPages={404: "/lost.html"}),
            ["kumiki:site.errorPages: '/lost.html' is not in"],
        ),
        (
            {**site(errorPages={404: "/404.html"}, origins={"api": API}), **BEHIND},
            ["kumiki:site.errorPages.404: '/404.html'", "the API answers", "use 502, 504"],
        ),
        (site(routing="hash"), ["kumiki:site.routing: 'hash' is not allowed; use singlePage or pages"]),
        (site(priceClass=300), ["kumiki:site.priceClass: 300 is not allowed"]),
        (site(domain="api"), ["kumiki:site.domain: api is the API's name already", "such as www"]),
        ({**site(domain="www"), "kumiki:domain": None, "kumiki:loadBalancer": {"allowHttp": True}},
         ["kumiki:site.domain: www is a name below the stack's domain, which is missing; add domain"]),
        (site(domain="www", aliases=["x.org"]), ["kumiki:site.aliases[0]: 'x.org' is not in the zone"]),
        (
            {**site(origins={"api": {**API, "paths": ["api"]}}), **BEHIND},
            ["kumiki:site.origins.api.paths[0]: 'api' is not a pattern"],
        ),
        (
            {**site(origins={"api": {**API, "paths": []}}), **BEHIND},
            ["kumiki:site.origins.api.paths: [] is empty", "/api/*"],
        ),
        (site(origins={"api": {"source": "queue"}}), ["kumiki:site.origins.api.source: 'queue' is not allowed"]),
        (site(origins={"files": API}), ["kumiki:site.origins.files: is what the site's own files are called"]),
        (
            site(origins={"ws": {"source": "apis.chat", "paths": ["/ws"]}}),
            ["kumiki:site.origins.ws.source: chat is none of the APIs", "add apis.chat"],
        ),
        (
            site(origins={"h": {"source": "host", "paths": ["/api/*"]}}),
            ["kumiki:site.origins.h.source: host is missing; add host"],
        ),
        (
            {**site(origins={"api": API}), "kumiki:loadBalancer": {"allowFrom": ["203.0.113.0/24"]}},
            ["kumiki:loadBalancer.allowFrom: keeps CloudFront out", "use [cloudFront]"],
        ),
        (
            {**site(origins={"api": API}), **OPEN},
            ["kumiki:loadBalancer.allowFrom: lets everybody past the site and its firewall", "or add site.firewall"],
        ),
        (
            {**site(origins={"api": API}, firewall={}), "kumiki:loadBalancer": {"firewall": None}},
            ["kumiki:loadBalancer.allowFrom: lets everybody past", "or add loadBalancer.firewall"],
        ),
        (
            {**site(origins={"api": API}, firewall={}), "kumiki:loadBalancer": {"firewall": {"mode": "count"}}},
            ["kumiki:loadBalancer.firewall.mode: is count, and site.firewall.mode block", "write the same"],
        ),
        (
            {**site(origins={"api": API}, firewall={"rateLimit": 100}), **OPEN},
            ["kumiki:loadBalancer.firewall.rateLimit: is 2000, and site.firewall.rateLimit 100"],
        ),
        (
            {**site(origins={"api": API}, firewall={}), "kumiki:domain": None,
             "kumiki:loadBalancer": {"allowHttp": True, "firewall": {}}},
            ["kumiki:loadBalancer.allowHttp: has the load balancer speak plain text", "give it a certificate"],
        ),
        ({**site(logs=True), "kumiki:logArchive": None}, ["kumiki:site.logs: go to the log archive, which is missing"]),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said


def test_a_front_end_that_does_not_exist_stops_everything_before_anything_is_made(
    refuse_kumiki: Refuse,
) -> None:
    said = refuse_kumiki(site(content=str(Path("workloads") / "api")))
    assert "kumiki:site.index: 'index.html' is not in" in said
