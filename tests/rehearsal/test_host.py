"""The server of a small stack, rehearsed: who reaches what, what its role may do, and which mistakes are refused."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from rehearsal.cloud.account import ACCOUNT
from tests.iam import allowed
from tests.rehearsal.conftest import Rehearse, Rehearsed
from tests.stack_files import project, refusal

# Without a domain there is no certificate, neither for the site nor for the host behind it.
_WAIVED = [
    {
        "rule": rule,
        "urn": "*kabu-dev-site-distribution",
        "reason": "no domain: docs/decisions/0010",
        "until": (date.today() + timedelta(days=30)).isoformat(),
    }
    for rule in ("distribution-origin-tls", "distribution-viewer-tls")
]

SMALL: dict[str, Any] = {
    "policy:exemptions": _WAIVED,
    "pulumi:disable-default-providers": ["aws"],
    "kumiki:product": "kabu", "kumiki:environment": "dev", "kumiki:owner": "platform", "kumiki:retention": "ephemeral",
    "kumiki:logs": {"retentionDays": 7}, "kumiki:logArchive": {},
    "kumiki:network": {
        "tiers": ["public", "isolated"],
        "subnets": {"public": ["10.0.1.0/24", "10.0.3.0/24"], "isolated": ["10.0.2.0/24", "10.0.4.0/24"]},
    },
    "kumiki:database": {"engine": "rds", "instanceClass": "db.t3.micro", "backupDays": 7},
    "kumiki:buckets": {"backups": {}},
    "kumiki:alerts": {"emails": ["a@example.com"]},
    "kumiki:delivery": {"repository": "acme/kabu"},
    "kumiki:site": {"content": "workloads/site", "origins": {"api": {"source": "host", "paths": ["/api/*"]}}},
    "kumiki:host": {"tag": "0.1.0", "database": True, "reads": {"bucket": "backups", "folder": "host"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Rehearsed:
    """A stack of a host, its database and a site, rehearsed once."""
    return rehearse(project(tmp_path_factory.mktemp("small"), {"config": SMALL}), "test")


def of(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in done.report["resources"] if one["type"].endswith(ending)]


def openings(done: Rehearsed, direction: str) -> set[tuple[str, str, int, int]]:
    """Whose rule, for whom, and which ports; groups by the names of their resources."""
    groups = {one["id"]: one["name"].removeprefix("kabu-dev-") for one in of(done, ":SecurityGroup")}
    found = set()
    for one in of(done, f":SecurityGroup{direction}Rule"):
        given = one["inputs"]
        who = given.get("cidrIpv4") or given.get("prefixListId") or groups[given["referencedSecurityGroupId"]]
        found.add((groups[given["securityGroupId"]], who, int(given["fromPort"]), int(given["toPort"])))
    return found


HOST, DATABASE = "host-security-group", "database-security-group"


def test_the_stack_is_green_and_all_of_it_is_real(small: Rehearsed) -> None:
    assert small.status == 0, small.text
    assert (small.report["counts"]["errors"], small.report["counts"]["warnings"]) == (0, 0), small.text
    assert [one["name"] for one in of(small, ":Instance") if one["status"] != "emulated"] == []


@pytest.mark.covers("E3")
def test_cloudfront_reaches_the_host_the_host_the_database_and_nothing_else_anything(small: Rehearsed) -> None:
    (cloudfront,) = {one["inputs"]["prefixListId"] for one in of(small, ":SecurityGroupIngressRule")
                     if "prefixListId" in one["inputs"]}  # fmt: skip
    assert cloudfront not in (
        small.report["outputs"]["s3PrefixListId"],
        small.report["outputs"]["dynamodbPrefixListId"],
    )
    assert openings(small, "Ingress") == {(HOST, cloudfront, 80, 80), (DATABASE, HOST, 5432, 5432)}
    assert openings(small, "Egress") == {(HOST, "0.0.0.0/0", 443, 443), (HOST, DATABASE, 5432, 5432)}
    assert not [
        one for one in of(small, ":SecurityGroup") if one["inputs"].get("ingress") or one["inputs"].get("egress")
    ]
    # Whoever is launched without a group of its own is in the default one, which is empty.
    assert [one["inputs"].get("ingress", []) for one in of(small, ":DefaultSecurityGroup")] == [[]]


@pytest.mark.covers("E2", "E3")
def test_the_internet_has_a_route_to_the_public_subnets_and_to_no_other(small: Rehearsed) -> None:
    (gateway,) = of(small, ":InternetGateway")
    routed = {
        one["inputs"]["routeTableId"] for one in of(small, ":Route") if one["inputs"].get("gatewayId") == gateway["id"]
    }
    public = {
        one["inputs"]["subnetId"]
        for one in of(small, ":RouteTableAssociation")
        if one["inputs"]["routeTableId"] in routed
    }
    cidrs = {one["inputs"]["cidrBlock"] for one in of(small, ":Subnet") if one["id"] in public}
    assert cidrs == {"10.0.1.0/24", "10.0.3.0/24"}
    (group,) = of(small, "rds/subnetGroup:SubnetGroup")
    assert not set(group["inputs"]["subnetIds"]) & public
    inner = {one["inputs"]["cidrBlock"] for one in of(small, ":Subnet") if one["id"] in group["inputs"]["subnetIds"]}
    assert inner == {"10.0.2.0/24", "10.0.4.0/24"}
    assert [one["name"] for one in of(small, ":Subnet") if one["inputs"].get("mapPublicIpOnLaunch")] == []
    (database,) = of(small, "rds/instance:Instance")
    assert database["inputs"]["publiclyAccessible"] is False


def test_the_report_proves_the_way_from_the_internet(small: Rehearsed) -> None:
    (store,) = [one for one in small.report["insights"]["stores"] if "kabu-dev-database" in one["name"]]
    direct = {name for name, how in store["reached_by"].items() if how == "5432"}
    assert direct == {"kabu-dev-host-instance"}
    assert store["from_internet"] == [
        "internet", "kabu-dev-site-distribution", "kabu-dev-host-instance", "kabu-dev-database-instance",
    ]  # fmt: skip


def documents(done: Rehearsed, role: str) -> list[dict[str, Any]]:
    name = done.resource(role)["id"]
    return [json.loads(one["inputs"]["policy"]) for one in of(done, ":RolePolicy") if one["inputs"]["role"] == name]


@pytest.mark.covers("E3")
def test_the_host_reads_its_folder_its_secrets_and_its_image_and_nothing_else(small: Rehearsed) -> None:
    held = documents(small, "kabu-dev-host-role")
    bucket = small.resource("kabu-dev-backups-bucket")["outputs"]["arn"]
    assert allowed(held, "s3:GetObject", f"{bucket}/host/config.json")
    assert not allowed(held, "s3:GetObject", f"{bucket}/database/dump")
    assert allowed(held, "s3:ListBucket", bucket, s3__prefix="host/")
    assert not allowed(held, "s3:ListBucket", bucket, s3__prefix="")
    for other in of(small, "s3/bucket:Bucket"):
        if other["outputs"]["arn"] != bucket:
            assert not allowed(held, "s3:GetObject", f"{other['outputs']['arn']}/host/x")
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:PutBucketPolicy"):
        assert not allowed(held, action, f"{bucket}/host/x")
    password = small.report["outputs"]["databaseSecretArn"]
    (repository,) = of(small, "ecr/repository:Repository")
    assert allowed(held, "secretsmanager:GetSecretValue", password)
    assert not allowed(held, "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:ap-northeast-1:1:secret:other")
    image = repository["outputs"]["arn"]
    assert allowed(held, "ecr:BatchGetImage", image)
    assert not allowed(held, "ecr:PutImage", image)
    assert not allowed(held, "ecr:BatchGetImage", f"{image}-other")
    parameter = small.resource("kabu-dev-host-origin-secret")["outputs"]["arn"]
    assert allowed(held, "ssm:GetParameter", parameter)
    assert not allowed(held, "ssm:GetParameter", parameter.replace("origin-secret", "other"))
    for action in ("iam:PassRole", "ssm:SendCommand", "ec2:RunInstances", "kms:CreateGrant", "logs:DeleteLogGroup"):
        assert not allowed(held, action, "*")


@pytest.mark.covers("E10")
def test_the_deploy_role_may_send_one_document_to_this_host_and_open_no_shell(small: Rehearsed) -> None:
    held = documents(small, "kabu-dev-delivery-role")
    document = small.resource("kabu-dev-host-deployment")["outputs"]["arn"]
    instance = small.resource("kabu-dev-host-instance")
    arn, tag = instance["outputs"]["arn"], {"ssm__resourceTag/Name": instance["inputs"]["tags"]["Name"]}
    assert small.report["outputs"]["hostName"] == instance["inputs"]["tags"]["Name"]
    assert allowed(held, "ssm:SendCommand", document)
    assert allowed(held, "ssm:SendCommand", arn, **tag)
    assert not allowed(held, "ssm:SendCommand", arn, **{"ssm__resourceTag/Name": "other"})
    assert not allowed(held, "ssm:SendCommand", f"arn:aws:ssm:ap-northeast-1:{ACCOUNT}:document/other")
    assert not allowed(held, "ssm:SendCommand", "arn:aws:ssm:ap-northeast-1::document/AWS-RunShellScript")
    assert allowed(held, "ecr:PutImage", small.resource("kabu-dev-host-api-repository")["outputs"]["arn"])
    for action in (
        "ssm:StartSession",
        "ssm:GetParameter",
        "ec2:StopInstances",
        "ec2-instance-connect:SendSSHPublicKey",
    ):
        assert not allowed(held, action, "*", **tag)


def test_the_site_sends_the_secret_that_the_host_demands(small: Rehearsed) -> None:
    (distribution,) = of(small, "cloudfront/distribution:Distribution")
    (origin,) = [one for one in distribution["inputs"]["origins"] if "customOriginConfig" in one]
    assert origin["domainName"] == small.report["outputs"]["hostPublicDns"]
    assert origin["customOriginConfig"]["httpPort"] == 80
    (header,) = origin["customHeaders"]
    assert header["name"] == "X-Origin-Secret"
    # The value itself is in no report.
    assert header["value"] == "[secret]"


@pytest.mark.covers("E4")
@pytest.mark.parametrize(("system", "ports"), [("amazonLinux", {443}), ("ubuntu", {443, 80})])
def test_each_system_boots_from_its_publishers_newest_image(
    system: str, ports: set[int], tmp_path: Path, rehearse: Rehearse
) -> None:
    host = {"kumiki:host": {"tag": "0.1.0", "system": system}}
    left_out = ("kumiki:database", "kumiki:site", "kumiki:buckets", "policy:exemptions")
    kept = {key: value for key, value in SMALL.items() if key not in left_out}
    done = rehearse(project(tmp_path, {"config": {**kept, **host}}), "test")
    assert done.status == 0, done.text
    assert done.resource("kabu-dev-host-instance")["inputs"]["ami"].startswith("ami-")
    assert {first for group, who, first, _ in openings(done, "Egress") if who == "0.0.0.0/0"} == ports


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            {"kumiki:host": {"tag": "1", "ssh": {"allowFrom": ["0.0.0.0/0"]}}},
            ["kumiki:host.ssh.allowFrom[0]: '0.0.0.0/0'", "203.0.113.7/32", "Session Manager"],
        ),
        ({"kumiki:host": {"tag": "1", "ssh": {}}}, ["kumiki:host.ssh.allowFrom: is missing"]),
        ({"kumiki:host": {"tag": "1", "ssh": {"allowFrom": []}}}, ["kumiki:host.ssh.allowFrom: [] names no"]),
        ({"kumiki:host": {"tag": "1", "instanceType": "m7i.large"}}, ["kumiki:host.instanceType: 'm7i.large'"]),
        (
            {"kumiki:freeTier": True, "kumiki:host": {"tag": "1", "instanceType": "t3.small"}},
            ["kumiki:host.instanceType: t3.small costs money", "use t3.micro"],
        ),
        (
            {"kumiki:freeTier": True, "kumiki:host": {"tag": "1", "rootGib": 12, "dataGib": 19}},
            ["kumiki:host.dataGib: 19 and rootGib 12 make 31 GiB", "30 GiB are free"],
        ),
        ({"kumiki:host": {}}, ["kumiki:host.tag: is missing"]),
        ({"kumiki:host": {"tag": "latest"}}, ["kumiki:host.tag: 'latest' is not allowed", "1.4.2"]),
        ({"kumiki:host": {"tag": "1", "amiId": "newest"}}, ["kumiki:host.amiId: 'newest'", "ami-0123456789abcdef0"]),
        ({"kumiki:host": {"tag": "1", "rootGib": 8}}, ["kumiki:host.rootGib: 8", "10 to 1024"]),
        ({"kumiki:host": {"tag": "1", "system": "debian"}}, ["kumiki:host.system: 'debian'", "amazonLinux"]),
        ({"kumiki:host": {"tag": "1", "reads": {"bucket": "x"}}}, ["kumiki:host.reads.bucket: x is not", "backups"]),
        (
            {"kumiki:network": None, "kumiki:database": None, "kumiki:site": None},
            ["kumiki:host: stands in a network, which is missing"],
        ),
        (
            {"kumiki:network": {"tiers": ["private", "isolated"]}},
            ["kumiki:network.tiers: lacks public, in which the host stands"],
        ),
        ({"kumiki:database": None}, ["kumiki:host.database: true needs the section database"]),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_before_anything_is_made(
    changes: dict[str, Any], parts: list[str], tmp_path: Path
) -> None:
    config = {key: value for key, value in {**SMALL, **changes}.items() if value is not None}
    said = refusal(project(tmp_path, {"config": config}))
    for part in parts:
        assert part in said
