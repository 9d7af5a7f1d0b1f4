"""The free-tier systems (stacks personal and free-tier) against their design, row by row, as they are deployed."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.iam import allowed
from tests.rehearsal.conftest import ROOT, Rehearse, Rehearsed, project

STACKS = ("personal", "free-tier")
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


class Deployed:
    """A rehearsed stack, asked by kinds and names."""

    def __init__(self, done: Rehearsed) -> None:
        self.done = done
        self.report = done.report
        self.resources = [one for one in done.report["resources"] if one["custom"]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.resources if one["type"].endswith(kind)]

    def inputs(self, kind: str) -> list[dict[str, Any]]:
        return [one["inputs"] for one in self.of(kind)]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.inputs(kind)
        return found

    def named(self, ending: str) -> dict[str, Any]:
        (found,) = [one for one in self.resources if one["name"].endswith(ending)]
        return found


@pytest.fixture(params=STACKS)
def deployed(request: pytest.FixtureRequest, rehearsed: Any) -> Deployed:
    done = rehearsed(request.param)
    assert done.status == 0, done.text
    assert done.report["counts"]["errors"] == done.report["counts"]["warnings"] == 0
    return Deployed(done)


# --- E1, E8: the parts, and what they cost -------------------------------------------------------------------------


@pytest.mark.covers("E1", "E8")
def test_there_is_one_host_one_database_and_one_site(deployed: Deployed) -> None:
    assert deployed.one("ec2/instance:Instance")["instanceType"] == "t3.micro"
    assert deployed.one("rds/instance:Instance")["instanceClass"] == "db.t3.micro"
    assert len(deployed.of("cloudfront/distribution:Distribution")) == 1


@pytest.mark.covers("E1", "E8")
def test_it_costs_nothing_beside_the_free_tier_and_takes_what_the_design_says(deployed: Deployed) -> None:
    tier = deployed.report["free_tier"]
    assert tier["usd_outside"] == 0
    assert tier["charges"] == []
    assert tier["uncounted"] == [], "nothing of which nobody knows what it costs"
    taken = {one["key"]: one for one in tier["limits"]}
    assert all(one["used"] <= one["free"] for one in taken.values())
    design = {"ec2.hours": 97, "rds.hours": 97, "s3.storage": 20, "cloudfront.design": 6}
    if deployed.report["stack"] == "personal":
        assert {key: taken[key]["percent"] for key in design} == design
    for text in (
        "EC2 t3.micro",
        "97 %",
        "Outside the free tier: 0.00 USD a month",
        "credits of 100 to 200 USD last",
        "RDS keeps backups for 1 day at most",
    ):
        assert text in " ".join(deployed.done.text.split())


@pytest.mark.covers("E5")
def test_on_the_free_plan_it_deploys_with_the_backups_that_rds_allows_there(tmp_path: Path, rehearse: Rehearse) -> None:
    config = yaml.safe_load((ROOT / "Pulumi.personal.yaml").read_text(encoding="utf-8"))["config"]
    config["kumiki:freeTier"] = {"plan": "free"}
    config["kumiki:database"]["backupDays"] = 1
    # Credits pay for it, and a budget of one dollar would be news on the second day.
    config["kumiki:costGuard"]["monthlyLimitUsd"] = 50
    done = rehearse(project(tmp_path, {"config": config}), "test")
    assert done.status == 0, done.text
    assert done.report["counts"]["warnings"] == 0, done.text
    assert done.report["free_tier"]["plan"] == "free"
    assert "in an account on the free plan" in " ".join(done.text.split())


# --- E2: the network -----------------------------------------------------------------------------------------------


@pytest.mark.covers("E2")
def test_the_host_is_in_the_public_subnet_and_the_database_in_two_private_ones(deployed: Deployed) -> None:
    assert deployed.one("ec2/vpc:Vpc")["cidrBlock"] == "10.0.0.0/16"
    subnets = {one["id"]: one["inputs"] for one in deployed.of("ec2/subnet:Subnet")}
    interface = deployed.one("ec2/networkInterface:NetworkInterface")
    assert subnets[interface["subnetId"]]["cidrBlock"] == "10.0.1.0/24"
    group = deployed.one("rds/subnetGroup:SubnetGroup")
    beneath = [subnets[subnet] for subnet in group["subnetIds"]]
    assert "10.0.2.0/24" in {one["cidrBlock"] for one in beneath}
    assert len({one["availabilityZone"] for one in beneath}) == 2, "RDS demands two zones"


# --- E3: who reaches whom ------------------------------------------------------------------------------------------


@pytest.mark.covers("E3")
def test_only_cloudfront_reaches_the_host_only_the_host_the_database_and_nobody_anything_else(
    deployed: Deployed,
) -> None:
    ways = [
        (
            deployed_group(deployed, rule["securityGroupId"]),
            rule["fromPort"],
            rule.get("prefixListId") or deployed_group(deployed, rule.get("referencedSecurityGroupId", "")),
        )
        for rule in deployed.inputs("vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    ]
    (to_host,) = [way for way in ways if way[0].endswith("-host-security-group")]
    assert to_host[1] == 80
    assert to_host[2].startswith("pl-"), "CloudFront's prefix list"
    (to_database,) = [way for way in ways if way[0].endswith("-database-security-group")]
    assert to_database[1] == 5432
    assert to_database[2].endswith("-host-security-group")
    assert len(ways) == 2, "and no third way, so no SSH"
    assert not [one for one in deployed.inputs("ec2/securityGroup:SecurityGroup") if one.get("ingress")]


def deployed_group(deployed: Deployed, identifier: str) -> str:
    return next((one["name"] for one in deployed.of("ec2/securityGroup:SecurityGroup") if one["id"] == identifier), "")


@pytest.mark.covers("E3")
def test_the_database_has_no_way_to_the_internet_and_no_public_address(deployed: Deployed) -> None:
    group = deployed.one("rds/subnetGroup:SubnetGroup")
    tables = {
        one["routeTableId"]
        for one in deployed.inputs("ec2/routeTableAssociation:RouteTableAssociation")
        if one["subnetId"] in group["subnetIds"]
    }
    routes = [one for one in deployed.inputs("ec2/route:Route") if one["routeTableId"] in tables]
    assert not [
        one for one in routes if ipaddress.ip_network(one.get("destinationCidrBlock", "10.0.0.0/16")).prefixlen == 0
    ]
    assert not deployed.one("rds/instance:Instance")["publiclyAccessible"]


@pytest.mark.covers("E3", "E12")
def test_the_hosts_role_reads_its_password_and_its_files_writes_copies_and_nothing_more(deployed: Deployed) -> None:
    (role,) = [one for one in deployed.of("iam/role:Role") if one["name"].endswith("-dev-host-role")]
    policies = [
        json.loads(one["policy"]) for one in deployed.inputs("iam/rolePolicy:RolePolicy") if one["role"] == role["id"]
    ]
    parameter = deployed.named("-database-password-parameter")["outputs"]["arn"]
    bucket = f"arn:aws:s3:::{deployed.report['outputs']['databaseCopiesBucket']}"
    assert allowed(policies, "ssm:GetParameter", parameter)
    assert not allowed(policies, "ssm:GetParameter", parameter.replace("/master", "/other"))
    assert allowed(policies, "s3:PutObject", f"{bucket}/database/x.dump")
    for action in ("s3:GetObject", "s3:DeleteObject"):
        assert not allowed(policies, action, f"{bucket}/database/x.dump")
    files = f"arn:aws:s3:::{deployed.report['outputs']['buckets']['files']}"
    assert allowed(policies, "s3:GetObject", f"{files}/prices.csv")
    assert not allowed(policies, "s3:PutObject", f"{files}/prices.csv")
    for action in ("iam:PassRole", "ec2:RunInstances", "rds:DeleteDBInstance", "secretsmanager:GetSecretValue"):
        assert not allowed(policies, action, "arn:aws:any:::thing")


# --- E5, E6, E7: database, buckets, site ---------------------------------------------------------------------------


@pytest.mark.covers("E5")
def test_the_database_is_small_private_encrypted_and_does_not_grow(deployed: Deployed) -> None:
    database = deployed.one("rds/instance:Instance")
    wanted = {
        "engine": "postgres", "storageType": "gp3", "allocatedStorage": 20, "storageEncrypted": True, "multiAz": False,
        "publiclyAccessible": False, "backupRetentionPeriod": 7,
    }  # fmt: skip
    assert {key: database[key] for key in wanted} == wanted
    assert int(database["engineVersion"].partition(".")[0]) >= 15
    assert "maxAllocatedStorage" not in database


@pytest.mark.covers("E6")
def test_the_site_keeps_no_old_versions_and_copies_move_to_infrequent_access(deployed: Deployed) -> None:
    site = deployed.named("-site-content-versioning")["inputs"]
    assert site["versioningConfiguration"]["status"] != "Enabled"
    for bucket in ("database-copies", "files"):
        kept = deployed.named(f"-{bucket}-lifecycle")["inputs"]
        (moved,) = [rule["transitions"] for rule in kept["rules"] if rule.get("transitions")]
        assert moved == [{"days": 30, "storageClass": "STANDARD_IA"}], bucket
    assert deployed.of("cloudfront/originAccessControl:OriginAccessControl")


@pytest.mark.covers("E7")
def test_the_site_is_cached_and_the_api_is_not_and_both_are_https(deployed: Deployed) -> None:
    site = deployed.one("cloudfront/distribution:Distribution")
    assert site["defaultCacheBehavior"]["cachePolicyId"] == CACHING_OPTIMIZED
    assert site["defaultCacheBehavior"]["viewerProtocolPolicy"] == "redirect-to-https"
    (api,) = site["orderedCacheBehaviors"]
    assert api["pathPattern"] == "/api/*"
    assert api["cachePolicyId"] != CACHING_OPTIMIZED
    origin = next(one for one in site["origins"] if one["originId"] == api["targetOriginId"])
    assert origin["domainName"] == deployed.named("-host-address")["outputs"]["publicDns"]
    # The application knows /items, and not /api/items.
    (function,) = [one for one in deployed.inputs("cloudfront/function:Function") if "/api" in one["code"]]
    assert api["functionAssociations"][0]["eventType"] == "viewer-request"
    assert function["publish"]


# --- E4, E10: set up by user data, and deployed without a key ------------------------------------------------------


@pytest.mark.covers("E4")
def test_the_host_sets_itself_up_and_starts_the_application(deployed: Deployed) -> None:
    host = deployed.named("-host-instance")["inputs"]
    assert host["userData"].startswith("#cloud-config")
    for part in ("SYSTEM=amazonLinux", "/opt/kumiki/kumiki.sh up", "docker.io/library/redis:", "kumiki.service"):
        assert part in said_by(host["userData"]), part


def said_by(user_data: str) -> str:
    """The files and commands of cloud-init, unpacked."""
    told = yaml.safe_load(user_data)
    files = [unpacked(one) for one in told["write_files"]]
    return "\n".join([*files, json.dumps(told.get("runcmd", []))])


def unpacked(file: dict[str, str]) -> str:
    if file.get("encoding") in ("gz+b64", "gzip+base64"):
        return gzip.decompress(base64.b64decode(file["content"])).decode()
    return file["content"]


@pytest.mark.covers("E10")
def test_one_github_environment_deploys_by_one_document_and_nobody_by_ssh(deployed: Deployed) -> None:
    (role,) = [one for one in deployed.of("iam/role:Role") if one["name"].endswith("-dev-delivery-role")]
    claims = json.loads(role["inputs"]["assumeRolePolicy"])["Statement"][0]["Condition"]["StringEquals"]
    stack = deployed.report["stack"]
    assert claims["token.actions.githubusercontent.com:sub"] == f"repo:your--organisation/kumiki:environment:{stack}"
    policies = [
        json.loads(one["policy"]) for one in deployed.inputs("iam/rolePolicy:RolePolicy") if one["role"] == role["id"]
    ]
    assert allowed(policies, "ssm:SendCommand", deployed.named("-host-deployment")["outputs"]["arn"])
    assert not allowed(policies, "ssm:SendCommand", "arn:aws:ssm:ap-northeast-1::document/AWS-RunShellScript")
    assert not allowed(policies, "ssm:StartSession", "*")
    assert allowed(policies, "ecr:PutImage", deployed.named("-host-api-repository")["outputs"]["arn"])
    bucket = f"arn:aws:s3:::{deployed.report['outputs']['siteBucket']}/index.html"
    with_the_stack = deployed.of("s3/bucketObjectv2:BucketObjectv2")
    assert allowed(policies, "s3:PutObject", bucket) == (not with_the_stack), "either the stack or a pipeline uploads"
    assert not deployed.of("ec2/keyPair:KeyPair")
    assert "keyName" not in deployed.named("-host-instance")["inputs"]


# --- E11, E12, E13: alarms, backups, the checklist -----------------------------------------------------------------


@pytest.mark.covers("E11")
def test_people_hear_of_the_host_the_database_errors_and_the_bill(deployed: Deployed) -> None:
    alarms = {one["name"].partition("-dev-")[2]: one for one in deployed.inputs("cloudwatch/metricAlarm:MetricAlarm")}
    cpu = alarms["host-cpu"]
    assert (cpu["metricName"], cpu["threshold"], cpu["period"] * cpu["evaluationPeriods"]) == (
        "CPUUtilization",
        80,
        300,
    )
    connections = alarms["database-connections-alarm"]
    # A db.t3.micro takes about 112 connections.
    assert (connections["threshold"], connections["period"] * connections["evaluationPeriods"]) == (90, 300)
    errors = alarms["host-server-error-rate"]
    (period,) = {query["metric"]["period"] for query in errors["metricQueries"] if "metric" in query}
    assert (errors["threshold"], period * errors["evaluationPeriods"]) == (5, 60)
    assert alarms["costs-billing-alarm"]["namespace"] == "AWS/Billing"
    told = {
        one["topic"] for one in deployed.inputs("sns/topicSubscription:TopicSubscription") if one["protocol"] == "email"
    }
    for alarm in alarms.values():
        assert set(alarm["alarmActions"]) <= told, "somebody gets an e-mail"


@pytest.mark.covers("E12")
def test_the_host_dumps_the_database_to_s3_every_week(deployed: Deployed) -> None:
    schedule = deployed.one("scheduler/schedule:Schedule")
    assert (schedule["scheduleExpression"], schedule["state"]) == ("cron(0 4 ? * SUN *)", "ENABLED")
    assert schedule["target"]["arn"] == deployed.report["outputs"]["databaseCopyWorkflowArn"]
    states = json.loads(deployed.one("sfn/stateMachine:StateMachine")["definition"])["States"]
    asked = states["Ask the host"]["Parameters"]
    assert asked["InstanceIds"] == [deployed.named("-host-instance")["id"]]
    assert asked["DocumentName"].endswith("-database-copy-dump")
    assert states["Look what arrived"]["Parameters"]["Bucket"] == deployed.report["outputs"]["databaseCopiesBucket"]


@pytest.mark.covers("E13")
def test_nothing_of_the_checklist_is_there(deployed: Deployed) -> None:
    kinds = {one["type"] for one in deployed.resources}
    for paid in (
        "natGateway", "lb/loadBalancer", "elasticache", "rds/cluster", "kms/key:", "secretsmanager/secret:",
        "route53/zone", "wafv2", "guardduty", "cfg/", "ecs/service", "rds/snapshot:", "ebs/snapshot:",
    ):  # fmt: skip
        assert not [kind for kind in kinds if paid in kind], paid
    assert all(one["vpcEndpointType"] == "Gateway" for one in deployed.inputs("ec2/vpcEndpoint:VpcEndpoint"))


@pytest.mark.covers("E13")
def test_every_log_ends_and_alarms_stay_within_the_ten_free_ones(deployed: Deployed) -> None:
    groups = deployed.inputs("cloudwatch/logGroup:LogGroup")
    assert groups
    assert all(1 <= one["retentionInDays"] <= 30 for one in groups)
    taken = {one["key"]: one["used"] for one in deployed.report["free_tier"]["limits"]}
    assert taken["cloudwatch.alarms"] <= 10
