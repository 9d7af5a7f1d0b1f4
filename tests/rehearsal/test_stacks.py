"""Kumiki's own stacks, deployed on the emulated account: they work, and they are what their files say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.stacks import stack_names
from tests.rehearsal.conftest import ROOT, Rehearse, Rehearsed

STACKS = stack_names(ROOT)


def of_type(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in done.report["resources"] if one["type"].endswith(ending)]


def services(done: Rehearsed, kind: str) -> set[str]:
    endpoints = [one["inputs"] for one in of_type(done, ":VpcEndpoint") if one["inputs"]["vpcEndpointType"] == kind]
    return {one["serviceName"].removeprefix("com.amazonaws.ap-northeast-1.") for one in endpoints}


@pytest.mark.parametrize("name", STACKS)
def test_every_stack_rehearses_green_and_skips_nothing(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    assert done.status == 0, done.text
    assert done.report["ok"] is True
    assert done.report["counts"]["skipped"] == 0
    assert done.report["counts"]["errors"] == done.report["counts"]["warnings"] == 0
    # Each input of ours reaches a request, each type has a spec, and each output that something needs is there.
    assert {one["cause"] for one in done.report["gaps"]} <= {"not emulated"}
    for resource in done.report["resources"]:
        if resource["status"] == "validated":
            assert resource["reason"], f"{resource['name']} is validated only and nobody says why"


@pytest.mark.covers("A1")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_private_subnets_in_two_zones_have_no_way_to_the_internet(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    subnets = {one["id"]: one for one in of_type(done, ":Subnet")}
    tables = {one["id"]: one["name"] for one in of_type(done, ":RouteTable")}
    to_internet = {one["inputs"]["routeTableId"] for one in of_type(done, "ec2/route:Route")}
    reached: dict[str, set[str]] = {"public": set(), "private": set()}
    for one in of_type(done, ":RouteTableAssociation"):
        subnet, table = subnets.pop(one["inputs"]["subnetId"]), one["inputs"]["routeTableId"]
        tier = subnet["name"].split("-network-")[1].split("-")[0]
        assert (table in to_internet) == (tier == "public"), f"{subnet['name']} by {tables[table]}"
        reached.setdefault(tier, set()).add(subnet["inputs"]["availabilityZone"])
    assert subnets == {}, "every subnet has a route table of its own"
    assert reached["public"] == reached["private"] == {"ap-northeast-1a", "ap-northeast-1c"}
    assert of_type(done, ":NatGateway") == []
    assert done.report["region"] == "ap-northeast-1"


@pytest.mark.covers("A2")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_endpoints_stand_in_every_private_subnet_and_their_saving_is_shown(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    assert "s3" in services(done, "Gateway")
    # What the design asks for; and the worker calls SQS and Step Functions, which nothing private reaches otherwise.
    design, worker = {"ecr.api", "ecr.dkr", "secretsmanager", "logs"}, {"sqs", "states"}
    assert services(done, "Interface") == design | worker
    private = {one["id"] for one in of_type(done, ":Subnet") if "-private-" in one["name"]}
    for one in of_type(done, ":VpcEndpoint"):
        if one["inputs"]["vpcEndpointType"] == "Interface":
            assert set(one["inputs"]["subnetIds"]) == private
            assert one["inputs"]["privateDnsEnabled"] is True
    # 6 endpoints × 2 zones × 730 h × 0.014 USD against 2 × 730 h × (0.062 + 0.005) USD; us-east-1: 0.01, 0.045, 0.005.
    # The design's four alone would save 16.06 (tests/costs): the report tells what the two for the worker make of it.
    assert "ap-northeast-1  6 × 2 zones = 122.64     2 = 97.82  -24.82" in done.text
    assert "us-east-1        6 × 2 zones = 87.60     2 = 73.00  -14.60" in done.text


NAT = {
    "none": (0, 0, set()),
    "single": (1, 2, {"1"}),
    "perZone": (2, 2, {"1", "2"}),
    "regional": (1, 2, {""}),
}


@pytest.mark.covers("D11")
@pytest.mark.parametrize("nat", NAT)
def test_each_choice_of_nat_deploys_and_gives_every_private_zone_its_way_out(
    nat: str, rehearse_kumiki: Rehearse
) -> None:
    done = rehearse_kumiki({"kumiki:network": {"zones": 2, "nat": nat, "endpoints": []}}, only=["alerts"])
    assert done.status == 0, done.text
    gateways, routes, numbers = NAT[nat]
    made = of_type(done, ":NatGateway")
    assert len(made) == gateways
    assert {one["name"].rpartition("nat-gateway")[2].strip("-") for one in made} == numbers
    out = [one for one in of_type(done, ":Route") if "natGatewayId" in one["inputs"]]
    assert len(out) == routes
    assert {one["inputs"]["natGatewayId"] for one in out} == {one["id"] for one in made}
    assert all("-private-" in one["name"] for one in out)
    status = "validated" if nat == "regional" else "emulated"
    assert {one["status"] for one in made} <= {status}


@pytest.mark.covers("A9")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_log_archive_is_closed_versioned_and_leaves_after_a_year(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    bucket = done.report["outputs"]["logArchiveBucket"]

    def the(ending: str) -> dict[str, Any]:
        return next(one["inputs"] for one in of_type(done, ending) if one["inputs"]["bucket"] == bucket)

    (rule,) = the(":BucketServerSideEncryptionConfiguration")["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    assert the(":BucketVersioning")["versioningConfiguration"]["status"] == "Enabled"
    block = the(":BucketPublicAccessBlock")
    assert all(
        block[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    )
    rules = the(":BucketLifecycleConfiguration")["rules"]
    assert {"days": 90, "storageClass": "GLACIER"} in [step for one in rules for step in one.get("transitions", [])]
    assert {"days": 365} in [one.get("expiration") for one in rules]


def test_the_report_has_the_shape_that_others_build_on(rehearsed: Any) -> None:
    report = rehearsed("dev").report
    assert {"stack", "product", "environment", "region", "ok", "resources", "outputs", "problems", "waivers", "counts",
            "seconds"} <= set(report)  # fmt: skip
    assert {"preview", "deploy", "lint", "policies", "total"} == set(report["seconds"])
    fields = {"urn", "type", "name", "parent", "custom", "inputs", "outputs", "id", "status", "left_out", "protect"}
    for one in report["resources"]:
        assert fields | {"depends_on", "property_dependencies"} <= set(one)
        assert one["status"] in ("emulated", "validated", "skipped", "component")
    assert json.loads(json.dumps(report)) == report


def test_two_rehearsals_of_dev_give_the_same_report_but_for_times(
    rehearsed: Any, tmp_path: Path, rehearse: Rehearse
) -> None:
    first = dict(rehearsed("dev").report)
    second = dict(rehearse(ROOT, "dev", report_in=tmp_path).report)
    del first["seconds"], second["seconds"]
    assert first == second


NETWORK_STACK = ("network", "baseline")
"""What the one stack has: the network, and what an account has once. The other has everything else."""


@pytest.mark.covers("A19")
def test_a_system_can_be_two_stacks_joined_by_reference(rehearse_kumiki: Rehearse, tmp_path: Path) -> None:
    dev = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    whose = {
        f"kumiki:{key}" for key in ("product", "environment", "owner", "region", "retention", "logs", "logArchive")
    }
    below = {key: value for key, value in dev.items() if key in whose or key.partition(":")[2] in NETWORK_STACK}
    base = yaml.safe_dump({"config": {**below, "pulumi:disable-default-providers": ["aws"]}})
    (tmp_path / "Pulumi.base.yaml").write_text(base, encoding="utf-8")
    done = rehearse_kumiki({"kumiki:network": {"stack": "organization/kumiki/base"}, "kumiki:baseline": None})
    assert done.status == 0, done.text
    assert of_type(done, ":Vpc") == of_type(done, ":Subnet") == []
    services = of_type(done, "ecs/service:Service")
    assert len(services) == 2
    subnets = done.report["outputs"]["privateSubnetIds"]
    assert len(subnets) == 2
    for service in services:
        assert sorted(service["inputs"]["networkConfiguration"]["subnets"]) == sorted(subnets)
    assert len(of_type(done, "rds/cluster:Cluster")) == 1
    keys = {group["inputs"].get("kmsKeyId") for group in of_type(done, ":LogGroup")}
    assert keys == {done.report["outputs"]["logsKeyArn"]}, "one key for all logs of the system, made by the other stack"
