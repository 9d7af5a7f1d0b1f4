"""The study tracker's later phase: the same stacks with PostgreSQL, for which the function goes into a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.iam import allowed
from tests.rehearsal.conftest import ROOT, Rehearse, Rehearsed, project

STACKS = ("study-dev", "study-prod")

Stack = Callable[[str], Rehearsed]
both = pytest.mark.parametrize("name", STACKS)


@pytest.fixture(scope="session")
def later(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Stack:
    """A stack as its file says it, and the two sections and two keys of the later phase."""

    def rehearse_later(name: str) -> Rehearsed:
        config: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))["config"]
        config["kumiki:network"] = {
            "cidr": "10.20.0.0/16", "zones": 2, "tiers": ["private", "isolated"], "nat": "none",
            "endpoints": ["secretsmanager"],
        }  # fmt: skip
        config["kumiki:database"] = {
            "engine": "rds", "version": "17", "instanceClass": "db.t4g.micro", "storage": {"gib": 20},
            "multiAz": name == "study-prod",
        }  # fmt: skip
        config["kumiki:functions"]["api"] |= {"private": True, "database": True}
        # A database costs more than all the rest.
        config["kumiki:costGuard"]["monthlyLimitUsd"] = 150
        folder = project(tmp_path_factory.mktemp(name), {"config": config})
        # Under its own name, so that what is emulated has the ids that it had before.
        (folder / "Pulumi.test.yaml").rename(folder / f"Pulumi.{name}.yaml")
        return rehearse(folder, name)

    return cache(rehearse_later)


def inputs(stack: Rehearsed, name: str) -> dict[str, Any]:
    return stack.resource(name)["inputs"]


def of(stack: Rehearsed, type_: str) -> list[dict[str, Any]]:
    return [one for one in stack.report["resources"] if one["type"].endswith(type_)]


@pytest.mark.covers("C11")
@both
def test_postgresql_is_two_sections_more_and_nothing_is_wrong_with_it(name: str, later: Stack) -> None:
    done = later(name)
    assert (done.status, done.report["problems"]) == (0, []), done.text
    database = inputs(done, f"{name}-database-instance")
    assert (database["engine"], database["engineVersion"].split(".")[0]) == ("postgres", "17")
    assert database["storageEncrypted"] is True
    assert database["publiclyAccessible"] is False
    assert database["backupRetentionPeriod"] >= 7
    assert database["multiAz"] is (name == "study-prod")


@pytest.mark.covers("C11")
@both
def test_nothing_that_was_there_before_is_replaced(name: str, later: Stack, rehearsed: Stack) -> None:
    before, after = (
        {one["name"]: one for one in stack.report["resources"]} for stack in (rehearsed(name), later(name))
    )
    assert before.keys() <= after.keys()
    kept = ("Table", "Bucket", "Key", "Zone", "Api", "Distribution", "UserPool", "Vault")
    stores = [one for one in before.values() if one["type"].rsplit(":", 1)[-1] in kept and one["custom"]]
    assert len(stores) >= 6
    for one in stores:
        now = dict(after[one["name"]]["inputs"])
        assert now == one["inputs"], one["name"]


@pytest.mark.covers("C11", "C9")
@both
def test_the_database_is_reached_by_the_function_and_by_nobody_else(name: str, later: Stack) -> None:
    stack = later(name)
    ids = {part: stack.resource(f"{name}-{part}-security-group")["id"] for part in ("api", "database")}
    function, database = inputs(stack, f"{name}-api-function"), inputs(stack, f"{name}-database-instance")
    assert function["vpcConfig"]["securityGroupIds"] == [ids["api"]]
    assert database["vpcSecurityGroupIds"] == [ids["database"]]
    ways_in = [
        (one["inputs"]["referencedSecurityGroupId"], one["inputs"]["fromPort"], one["inputs"]["toPort"])
        for one in of(stack, ":SecurityGroupIngressRule")
        if one["inputs"]["securityGroupId"] == ids["database"]
    ]
    assert ways_in == [(ids["api"], 5432, 5432)]
    assert f"{name}-database" in stack.text
    assert "from the internet" in stack.text


@pytest.mark.covers("C9")
@both
def test_the_function_stands_in_private_subnets_of_two_zones_without_a_way_to_the_internet(
    name: str, later: Stack
) -> None:
    stack = later(name)
    subnets = {one["id"]: one["inputs"] for one in of(stack, "aws:ec2/subnet:Subnet")}
    own = [subnets[subnet] for subnet in inputs(stack, f"{name}-api-function")["vpcConfig"]["subnetIds"]]
    assert len({subnet["availabilityZone"] for subnet in own}) == 2
    assert not any(subnet.get("mapPublicIpOnLaunch") for subnet in subnets.values())
    assert of(stack, ":InternetGateway") == of(stack, ":NatGateway") == []
    group = stack.resource(f"{name}-api-security-group")["id"]
    ways_out = [one["inputs"] for one in of(stack, ":SecurityGroupEgressRule")
                if one["inputs"]["securityGroupId"] == group]  # fmt: skip
    assert ways_out
    assert not [rule for rule in ways_out if "cidrIpv4" in rule or "cidrIpv6" in rule]
    assert not [one for one in of(stack, ":SecurityGroupIngressRule") if one["inputs"]["securityGroupId"] == group]


@pytest.mark.covers("C9")
@both
def test_each_tier_has_an_access_list_and_the_database_hears_its_neighbours_only(name: str, later: Stack) -> None:
    stack = later(name)
    subnets = {one["id"]: one["inputs"]["cidrBlock"] for one in of(stack, "aws:ec2/subnet:Subnet")}
    lists = {one["name"]: one["inputs"] for one in of(stack, ":NetworkAcl")}
    listed = [subnet for one in lists.values() for subnet in one["subnetIds"]]
    assert sorted(listed) == sorted(subnets)
    isolated = lists[f"{name}-network-isolated-network-acl"]
    assert {rule["cidrBlock"] for side in ("ingress", "egress") for rule in isolated[side]} <= set(subnets.values())
    for one in lists.values():
        for rule in one["ingress"]:
            assert not (rule["cidrBlock"] == "0.0.0.0/0" and rule["fromPort"] <= 22 <= rule["toPort"]
                        and rule["protocol"] in ("-1", "tcp"))  # fmt: skip


@pytest.mark.covers("C9", "C11")
@both
def test_the_function_learns_the_password_by_its_secret_and_may_read_no_other(name: str, later: Stack) -> None:
    stack = later(name)
    told = inputs(stack, f"{name}-api-function")["environment"]["variables"]
    assert not [value for key, value in told.items() if "PASSWORD" in key]
    role = stack.resource(f"{name}-api-role")["id"]
    policies = [
        json.loads(one["inputs"]["policy"]) for one in of(stack, ":RolePolicy") if one["inputs"]["role"] == role
    ]
    assert allowed(policies, "secretsmanager:GetSecretValue", told["DATABASE_SECRET_ARN"])
    assert not allowed(policies, "secretsmanager:GetSecretValue", told["DATABASE_SECRET_ARN"].replace("!", "?"))
    assert not [one for policy in policies for one in policy["Statement"]
                if one["Effect"] == "Allow" and "*" in str(one["Action"])]  # fmt: skip


def test_the_files_say_how(later: Stack) -> None:
    """Whoever comes to the later phase reads there what this file tries."""
    assert later("study-dev").status == 0
    text = Path(ROOT / "Pulumi.study-dev.yaml").read_text(encoding="utf-8")
    for key in ("kumiki:network", "kumiki:database", "private: true", "database: true"):
        assert key in text
