"""A site: who reads its files, which paths go where, what is kept, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.alarms import AlarmTopics
from components.edge.site_args import StaticSiteArgs, also_calling
from components.edge.site_content import ASK_AGAIN, FOR_EVER, cache_control, content_type
from components.edge.site_routes import OriginAddress, OriginArgs, answering, plan_routes
from components.edge.static_site import StaticSite
from components.errors import ArgumentError
from tests.conftest import ACCOUNT, Recorder

SITE = Path(__file__).resolve().parents[2] / "workloads" / "site"
NAME = "wiki-dev-site"
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{NAME}-distribution"
API = OriginArgs(paths=["/api/*", "/ws"], cached_paths=["/api/news/*"])
ADDRESSES = {"api": OriginAddress(domain="api.example.com")}


def build(recorder: Recorder, connections: Any = None, **args: Any) -> Recorder:
    given = {"addresses": ADDRESSES, **(connections or {})}
    return recorder.run(lambda: StaticSite(NAME, StaticSiteArgs(**args), **given) and None)


# --- Who reads the files ---------------------------------------------------------------------------------------------


def test_only_this_distribution_reads_the_bucket(recorder: Recorder) -> None:
    build(recorder)
    allowed = [each for each in recorder.one("BucketPolicy").policy()["Statement"] if each["Effect"] == "Allow"]
    assert {each["Action"] for each in allowed} == {"s3:GetObject", "s3:ListBucket"}
    for each in allowed:
        assert each["Principal"] == {"Service": "cloudfront.amazonaws.com"}
        assert each["Condition"] == {"StringEquals": {"aws:SourceArn": DISTRIBUTION}}


def test_the_bucket_is_private_and_asked_with_a_signature(recorder: Recorder) -> None:
    build(recorder)
    block = recorder.one("BucketPublicAccessBlock").inputs
    assert all(
        block[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    )
    control = recorder.one("OriginAccessControl").inputs
    assert (control["signingBehavior"], control["originAccessControlOriginType"]) == ("always", "s3")
    (files,) = recorder.one("Distribution").inputs["origins"]
    assert files["originAccessControlId"] == f"{NAME}-access-control-id"
    assert files["domainName"] == f"{NAME}-content-bucket-1234567.s3.ap-northeast-1.amazonaws.com"
    assert "customOriginConfig" not in files


def test_a_policy_that_knows_its_distribution_is_previewed_too(previewer: Recorder) -> None:
    build(previewer, origins={"api": API})
    assert previewer.one("BucketPolicy")
    assert previewer.one("Distribution")


def test_files_are_kept_by_versions_unless_they_can_be_built_again(recorder: Recorder) -> None:
    build(recorder, versioning=False, storage="infrequentAccess")
    assert recorder.one("BucketVersioning").inputs["versioningConfiguration"] == {"status": "Suspended"}
    rules = recorder.one("BucketLifecycleConfiguration").inputs["rules"]
    assert [move for rule in rules for move in rule.get("transitions", [])] == [
        {"days": 30, "storageClass": "STANDARD_IA"}
    ]


# --- What viewers are told -------------------------------------------------------------------------------------------


def test_viewers_of_a_domain_need_tls_1_2_and_are_redirected_to_it(recorder: Recorder) -> None:
    arn = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
    certificate = SimpleNamespace(arn=arn, domains=["www.example.com"], region="us-east-1")
    build(recorder, {"certificate": certificate})
    made = recorder.one("Distribution").inputs
    assert made["viewerCertificate"] == {
        "acmCertificateArn": arn, "minimumProtocolVersion": "TLSv1.2_2021", "sslSupportMethod": "sni-only",
    }  # fmt: skip
    assert made["aliases"] == ["www.example.com"]
    assert made["defaultCacheBehavior"]["viewerProtocolPolicy"] == "redirect-to-https"
    assert (made["httpVersion"], made["isIpv6Enabled"], made["priceClass"]) == ("http2and3", True, "PriceClass_200")
    assert made["defaultRootObject"] == "index.html"


def test_browsers_are_told_to_be_careful_with_every_answer(recorder: Recorder) -> None:
    build(recorder, origins={"api": API})
    told = recorder.one("ResponseHeadersPolicy").inputs["securityHeadersConfig"]
    assert told["strictTransportSecurity"] == {
        "accessControlMaxAgeSec": 63072000, "includeSubdomains": True, "override": True,
    }  # fmt: skip
    assert "default-src 'self'" in told["contentSecurityPolicy"]["contentSecurityPolicy"]
    assert told["contentTypeOptions"] == {"override": True}
    assert told["frameOptions"]["frameOption"] == "DENY"
    assert told["referrerPolicy"]["referrerPolicy"] == "strict-origin-when-cross-origin"
    made = recorder.one("Distribution").inputs
    for behaviour in (made["defaultCacheBehavior"], *made["orderedCacheBehaviors"]):
        assert behaviour["responseHeadersPolicyId"] == f"{NAME}-headers-policy-id"


# --- Which path goes where -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "origin", "cached"),
    [
        ("/", None, None),
        ("/index.html", None, None),
        ("/assets/app-1.js", None, None),
        ("/apis", None, None),
        ("/api", None, None),
        ("/api/items", "api", False),
        ("/api/news/today", "api", True),
        ("/api/newsletter", "api", False),
        ("/ws", "api", False),
        ("/ws/other", None, None),
    ],
)
def test_each_path_goes_to_its_origin(path: str, origin: str | None, cached: bool | None) -> None:
    found = answering(plan_routes({"api": API}), path)
    assert (found.origin if found else None, found.cached if found else None) == (origin, cached)


def test_what_the_api_answers_is_kept_for_nobody(recorder: Recorder) -> None:
    build(recorder, origins={"api": API})
    made = recorder.one("Distribution").inputs
    by_path = {each["pathPattern"]: each for each in made["orderedCacheBehaviors"]}
    assert list(by_path) == ["/api/news/*", "/api/*", "/ws"]
    for path in ("/api/*", "/ws"):
        assert by_path[path]["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    for each in by_path.values():
        # WebSocket's and the caller's own headers go to the API, but for the name under which it was asked.
        assert each["originRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
        assert {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} <= set(each["allowedMethods"])
        assert each["viewerProtocolPolicy"] == "https-only"
        assert each["targetOriginId"] == "api"


def test_what_may_be_kept_is_never_shared_between_callers_with_different_credentials(recorder: Recorder) -> None:
    build(recorder, origins={"api": API})
    policy = recorder.one("CachePolicy").inputs
    key = policy["parametersInCacheKeyAndForwardedToOrigin"]
    assert key["headersConfig"] == {"headerBehavior": "whitelist", "headers": {"items": ["Authorization"]}}
    assert key["cookiesConfig"] == {"cookieBehavior": "all"}
    assert key["queryStringsConfig"] == {"queryStringBehavior": "all"}
    # An answer that does not say how long it holds is not kept.
    assert (policy["minTtl"], policy["defaultTtl"]) == (0, 0)


def test_files_are_kept_as_they_say_or_for_a_day(recorder: Recorder) -> None:
    build(recorder, cache="day")
    policy = recorder.one("CachePolicy").inputs
    assert (policy["minTtl"], policy["defaultTtl"], policy["maxTtl"]) == (0, 86400, 86400)
    assert recorder.one("Distribution").inputs["defaultCacheBehavior"]["cachePolicyId"] == f"{NAME}-cache-policy-id"


def test_without_a_wish_amazons_policy_for_files_holds(recorder: Recorder) -> None:
    build(recorder)
    assert recorder.of("CachePolicy") == []
    behaviour = recorder.one("Distribution").inputs["defaultCacheBehavior"]
    assert behaviour["cachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
    assert behaviour["allowedMethods"] == ["GET", "HEAD"]
    assert "originRequestPolicyId" not in behaviour


def test_an_origin_is_asked_with_tls_and_knows_that_nobody_went_around(recorder: Recorder) -> None:
    host = OriginAddress(domain="ec2.example.com", protocol="http", port=8080, secret="s3cret")
    origins = {"api": API, "host": OriginArgs(paths=["/h/*"])}
    build(recorder, {"addresses": {**ADDRESSES, "host": host}}, origins=origins)
    _, api, other = recorder.one("Distribution").inputs["origins"]
    assert (api["originId"], api["customOriginConfig"]["originProtocolPolicy"]) == ("api", "https-only")
    assert api["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]
    assert "customHeaders" not in api
    assert other["customHeaders"] == [{"name": "X-Origin-Secret", "value": "s3cret"}]
    assert (other["customOriginConfig"]["originProtocolPolicy"], other["customOriginConfig"]["httpPort"]) == (
        "http-only", 8080,
    )  # fmt: skip


# --- The files -------------------------------------------------------------------------------------------------------


def test_files_say_what_they_are_and_how_long_they_hold(recorder: Recorder) -> None:
    build(recorder, content=SITE)
    files = {each.inputs["key"]: each.inputs for each in recorder.of("BucketObjectv2")}
    assert {"index.html", "404.html", "favicon.svg"} < set(files)
    assert files["index.html"]["contentType"] == "text/html; charset=utf-8"
    assert files["index.html"]["cacheControl"] == ASK_AGAIN
    (script,) = [key for key in files if key.endswith(".js")]
    assert files[script]["contentType"] == "text/javascript; charset=utf-8"
    assert files[script]["cacheControl"] == FOR_EVER
    assert files["favicon.svg"]["contentType"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a.woff2", "font/woff2"),
        ("a.png", "image/png"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.webmanifest", "application/manifest+json"),
        ("a", "application/octet-stream"),
    ],
)
def test_types_do_not_depend_on_the_machine(key: str, kind: str) -> None:
    assert content_type(key) == kind


def test_only_files_whose_names_change_are_kept_for_a_year() -> None:
    assert cache_control("assets/a/b.js", ["assets/*"]) == FOR_EVER
    assert cache_control("service-worker.js", ["assets/*"]) == ASK_AGAIN


def test_what_is_no_text_arrives_as_it_is_and_what_is_hidden_does_not(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / ".env").write_text("PASSWORD=x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("x")
    (tmp_path / ".well-known").mkdir()
    (tmp_path / ".well-known" / "security.txt").write_text("Contact: x")
    build(recorder, content=tmp_path)
    files = {each.inputs["key"]: each.inputs for each in recorder.of("BucketObjectv2")}
    assert set(files) == {"index.html", "a.png", ".well-known/security.txt"}
    assert files["a.png"]["contentBase64"] == "iVBOR/8="


# --- Watched from us-east-1 ------------------------------------------------------------------------------------------


def test_its_alarm_is_where_its_metrics_are(recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:aws:sns:us-east-1:1:t", warning="arn:aws:sns:us-east-1:1:t")
    recorder.run(lambda: StaticSite(NAME, StaticSiteArgs(server_error_minutes=1)).alarms(topics) and None)
    alarm = recorder.one("MetricAlarm").inputs
    assert alarm["region"] == "us-east-1"
    assert alarm["dimensions"] == {"DistributionId": f"{NAME}-distribution-id", "Region": "Global"}
    assert (alarm["metricName"], alarm["threshold"], alarm["period"]) == ("5xxErrorRate", 5, 60)
    assert (alarm["evaluationPeriods"], alarm["datapointsToAlarm"]) == (1, 1)


def test_requests_are_recorded_without_what_people_keep_secret(recorder: Recorder) -> None:
    build(recorder, {"request_logs": SimpleNamespace(log_target_arn="arn:aws:s3:::logs")})
    assert recorder.one("LogDeliverySource").inputs["resourceArn"] == DISTRIBUTION
    to = recorder.one("LogDeliveryDestination").inputs["deliveryDestinationConfiguration"]
    assert to == {"destinationResourceArn": "arn:aws:s3:::logs/cloudfront-logs"}
    fields = set(recorder.one("LogDelivery").inputs["recordFields"])
    assert {"c-ip", "cs-uri-stem", "sc-status"} < fields
    assert not {"cs(Cookie)", "cs-uri-query"} & fields
    assert {each.inputs["region"] for each in recorder.of("logDelivery:LogDelivery")} == {"us-east-1"}


# --- Refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ({"index": "start"}, ["index", "index.html"]),
        ({"routing": "hash"}, ["routing", "singlePage or pages"]),
        ({"content": Path("/nowhere")}, ["content", "is not a folder"]),
        ({"content": SITE, "index": "home.html"}, ["index", "home.html", "there are 404.html, index.html"]),
        ({"content": SITE, "error_pages": {404: "/lost.html"}}, ["error_pages", "/lost.html", "404.html"]),
        ({"error_pages": {404: "/404.html"}, "origins": {"api": API}}, ["error_pages.404", "the API", "502, 504"]),
        ({"error_pages": {418: "/tea.html"}}, ["error_pages.418", "use 400, 403, 404"]),
        ({"error_pages": {404: "404.html"}}, ["error_pages.404", "/404.html"]),
        ({"content_security_policy": "a\nb"}, ["content_security_policy", "one line"]),
        (
            {"origins": {"a": API, "b": OriginArgs(paths=["/ws"])}},
            ["origins.b.paths", "/ws", "goes to a already"],
        ),
        (
            {"origins": {"a": OriginArgs(paths=[f"/{n}" for n in range(25)])}},
            ["origins", "25", "24"],
        ),
    ],
)
def test_what_cannot_work_is_refused(args: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(ArgumentError) as refused:
        StaticSiteArgs(**args)
    for part in parts:
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ({"paths": []}, ["paths", "/api/*"]),
        ({"paths": ["api/*"]}, ["paths[0]", "api/*", "pattern"]),
        ({"paths": ["/*"]}, ["paths[0]", "the site itself"]),
        ({"strip_prefix": "api"}, ["strip_prefix", "/api"]),
        ({"read_timeout_seconds": 0}, ["read_timeout_seconds", "1 to 60"]),
    ],
)
def test_an_origin_that_cannot_work_is_refused(args: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(ArgumentError) as refused:
        OriginArgs(**{"paths": ["/api/*"], **args})
    for part in parts:
        assert part in str(refused.value)


def test_cloudfront_connects_to_few_ports() -> None:
    with pytest.raises(ArgumentError, match="1024 to 65535"):
        OriginAddress(domain="a.example.com", port=22)


@pytest.mark.parametrize(
    ("connections", "field"),
    [
        ({"certificate": SimpleNamespace(arn="arn:1", domains=["www.example.com"], region=None)}, "certificate"),
        ({"addresses": {}}, "addresses"),
    ],
)
def test_connections_that_cannot_work_are_refused(connections: Any, field: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError) as refused:
        build(recorder, connections, origins={"api": API})
    assert refused.value.field == field


def test_a_front_end_that_is_too_large_for_the_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "film.mp4").write_bytes(b"0" * 3_000_000)
    with pytest.raises(ArgumentError, match="upload by a pipeline"):
        StaticSiteArgs(content=tmp_path)


@pytest.mark.parametrize(
    ("policy", "calls"),
    [
        ("default-src 'self'", "connect-src 'self' https://sign-in"),
        ("default-src 'none'", "connect-src https://sign-in"),
        ("default-src 'self'; connect-src 'self' https://api", "connect-src 'self' https://api https://sign-in"),
        ("connect-src https://sign-in", "connect-src https://sign-in"),
        ("frame-ancestors 'none'", None),
        # Browsers do not ask how a name is written, and take the first of two.
        ("Connect-Src 'self'", "connect-src 'self' https://sign-in"),
        ("connect-src 'self'; connect-src https://other", "connect-src 'self' https://sign-in"),
    ],
)
def test_pages_may_call_where_they_get_their_tokens(policy: str, calls: str | None) -> None:
    found = [part.strip() for part in also_calling(policy, "https://sign-in").split(";")]
    assert [part for part in found if part.startswith("connect-src")] == ([calls] if calls else [])
    # And nothing else is different.
    given = [part.strip() for part in policy.split(";")]
    assert [part for part in found if not part.startswith("connect")] == [
        p for p in given if not p.lower().startswith("connect")
    ]
