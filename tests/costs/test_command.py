"""`kumiki cost`: the sum, its parts, the JSON that Infracost's readers read, and mistakes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from costs.__main__ import app
from costs.bill import Bill, bill
from costs.infracost import infracost
from tests.costs.stacks import made, one

RESOURCES = [
    {"type": "aws:ec2/natGateway:NatGateway", "name": "nat", "inputs": {}},
    {"type": "aws:kms/key:Key", "name": "key", "inputs": {"tags": {"Owner": "platform"}}},
    {"type": "aws:ec2/vpc:Vpc", "name": "vpc", "inputs": {}},
    {"type": "aws:macie2/account:Account", "name": "macie", "inputs": {}},
    {"type": "aws:budgets/budget:Budget", "name": "limit",
     "inputs": {"budgetType": "COST", "timeUnit": "MONTHLY", "limitUnit": "USD", "limitAmount": "40"}},
]  # fmt: skip


def report(**changes: Any) -> dict[str, Any]:
    urn = "urn:pulumi:dev::shop::"
    rows = [
        {"urn": f"{urn}{row['type']}::{row['name']}", "parent": "", "custom": True, "status": "emulated", "region": "",
         "outputs": {}, **row}
        for row in RESOURCES
    ]  # fmt: skip
    return {"version": 3, "stack": "dev", "project": "shop", "region": "ap-northeast-1", "resources": rows,
            "problems": [], "expected": {"natGb": 100}, **changes}  # fmt: skip


def run(tmp_path: Path, *arguments: str, content: Any = None, stack: str = "dev") -> tuple[int, str, dict[str, Any]]:
    file, out = tmp_path / "report.json", tmp_path / "cost.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content or report()))
    done = CliRunner().invoke(app, [stack, "--report", str(file), "--json", str(out), *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output, json.loads(out.read_text()) if out.exists() else {}


def test_the_sum_and_its_parts_are_shown(tmp_path: Path) -> None:
    status, said, _ = run(tmp_path)
    assert status == 0
    # 730 x 0.062 + 100 x 0.062 + 1
    assert "dev: 52.46 USD a month in ap-northeast-1, with the stack's file" in said
    assert "not priced: aws:macie2/account:Account: Macie has no price here" in said
    assert "not in the sum: 1 resource of 1 types" in said
    assert "the month is above the stack's budget of 40.00 USD" in said


def test_another_profile_and_another_region_have_other_sums(tmp_path: Path) -> None:
    _, said, document = run(tmp_path, "--profile", "large", "--region", "us-east-1")
    # 730 x 0.045 + 2,000 x 0.045 + 1 + (50,000,000 - 20,000) / 10,000 x 0.03
    assert document["totalMonthlyCost"] == "273.79"
    assert "in us-east-1, with the profile large" in said


def test_the_json_has_infracosts_shape(tmp_path: Path) -> None:
    _, _, document = run(tmp_path)
    [project] = document["projects"]
    breakdown = project["breakdown"]
    assert breakdown["totalMonthlyCost"] == document["totalMonthlyCost"] == document["diffTotalMonthlyCost"] == "52.46"
    assert document["unpriced"] == ["aws:macie2/account:Account"]
    by_name = {row["name"]: row for row in breakdown["resources"]}
    assert set(by_name) == {"nat", "key", "macie"}
    assert {row["name"] for row in breakdown["freeResources"]} == {"vpc", "limit"}
    hours, data = by_name["nat"]["costComponents"]
    assert (hours["unit"], hours["monthlyQuantity"], hours["price"], hours["monthlyCost"]) == (
        "hour", "730", "0.062", "45.26",
    )  # fmt: skip
    assert (hours["hourlyQuantity"], hours["hourlyCost"]) == ("1", "0.062")
    assert data["usageBased"] is True
    assert by_name["key"]["tags"] == {"Owner": "platform"}
    [unknown] = by_name["macie"]["costComponents"]
    assert (unknown["priceNotFound"], unknown["monthlyCost"]) == (True, None), "never silently nothing"
    assert by_name["macie"]["monthlyCost"] is None
    assert sum(Decimal(row["monthlyCost"] or 0) for row in breakdown["resources"]) == Decimal("52.46")
    summary = document["summary"]
    assert (summary["totalDetectedResources"], summary["totalUnsupportedResources"]) == (5, 1)
    assert summary["unsupportedResourceCounts"] == {"aws:macie2/account:Account": 1}
    numbers = [value for key, value in document.items() if key.lower().endswith("cost")]
    assert numbers
    assert all(isinstance(value, str) for value in numbers), "Infracost writes numbers as strings"


def month(count: int) -> Bill:
    keys = [one("kms/key:Key") for _ in range(count)]
    resources = [type(each)(**{**each.__dict__, "urn": f"key-{n}", "name": f"key-{n}"}) for n, each in enumerate(keys)]
    return bill(made(resources))


def test_the_difference_is_against_what_was_there_before() -> None:
    document = infracost(month(3), project="shop", stack="dev", past=month(1))
    assert (document["pastTotalMonthlyCost"], document["totalMonthlyCost"], document["diffTotalMonthlyCost"]) == (
        "1", "3", "2",
    )  # fmt: skip
    assert [row["name"] for row in document["projects"][0]["diff"]["resources"]] == ["key-1", "key-2"]
    back = infracost(month(1), project="shop", stack="dev", past=month(3))
    parts = [part for row in back["projects"][0]["diff"]["resources"] for part in row["costComponents"]]
    assert (back["diffTotalMonthlyCost"], [part["monthlyCost"] for part in parts]) == ("-2", ["-1", "-1"])


def test_a_change_is_priced_against_the_report_of_before(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    gateway, *others = report()["resources"]
    before.write_text(json.dumps(report(resources=others)))
    status, said, document = run(tmp_path, "--against", str(before))
    assert status == 0
    assert "the change costs +51.46 USD a month: 1.00 before" in said
    assert f"  +51.46 {gateway['name']}" in said
    assert (document["pastTotalMonthlyCost"], document["diffTotalMonthlyCost"]) == ("1", "51.46")
    assert [row["name"] for row in document["projects"][0]["diff"]["resources"]] == ["nat"]
    none = tmp_path / "none.json"
    assert run(tmp_path, "--against", str(none))[0] == 2, "a report that is missing is no change of nothing"


def test_what_refers_to_another_by_its_id_is_priced_with_it(tmp_path: Path) -> None:
    rest = {"parent": "", "custom": True, "status": "emulated", "region": "", "outputs": {}}
    rows = [
        {"urn": "a", "type": "aws:ebs/volume:Volume", "name": "disk", "id": "vol-1", "inputs": {"size": 100}, **rest},
        {"urn": "b", "type": "aws:ebs/snapshot:Snapshot", "name": "copy", "id": "snap-1",
         "inputs": {"volumeId": "vol-1"}, **rest},
    ]  # fmt: skip
    _, _, document = run(tmp_path, content=report(resources=rows, expected={"backupGb": 1}))
    copy = next(each for each in document["projects"][0]["breakdown"]["resources"] if each["name"] == "copy")
    assert copy["monthlyCost"] == "5"


@pytest.mark.parametrize(
    ("arguments", "content", "parts"),
    [
        (["--profile", "huge"], None, ["there is no profile 'huge'", "small, medium, large"]),
        (["--region", "eu-west-1"], None, ["there are no prices for the region 'eu-west-1'", "us-east-1"]),
        ([], report(region="eu-west-1"), ["there are no prices for the region 'eu-west-1'", "use --region"]),
        ([], report(expected={"storageGB": 1}), ["expected.storageGB: is not a known key", "did you mean storageGb?"]),
        ([], report(expected={"storageGb": -1}), ["expected.storageGb: -1 is not allowed"]),
        ([], '{"stack": "dev"', ["is cut off or not JSON"]),
        ([], "[]", ["is no report of a rehearsal"]),
        ([], report(resources=None), ["is no whole report of a rehearsal"]),
        ([], report(resources=[{"urn": "a"}]), ["is no whole report of a rehearsal"]),
        ([], report(problems=[{}]), ["is no whole report of a rehearsal"]),
        ([], report(expected=["natGb"]), ["is no whole report of a rehearsal"]),
        ([], report(version=2), ["is a report of version 2, and this reads version 3"]),
        ([], report(stack="prod"), ["is a report of stack 'prod', not of 'dev'"]),
        (
            [],
            report(problems=[{"level": "error", "kind": "aws", "urn": "a::b", "message": "refused it"}]),
            ["dev does not deploy, so its sum would lack something", "b: refused it"],
        ),
    ],
)
def test_a_mistake_is_one_message(tmp_path: Path, arguments: list[str], content: Any, parts: list[str]) -> None:
    status, said, document = run(tmp_path, *arguments, content=content)
    assert status == 2
    assert document == {}
    for part in ["error ", *parts]:
        assert part in said


@pytest.mark.parametrize("changes", [{"inputs": "all"}, {"inputs": [1]}, {"region": ["ap-northeast-1"]}])
def test_a_resource_of_another_form_is_no_resource(tmp_path: Path, changes: dict[str, Any]) -> None:
    content = report()
    content["resources"][0].update(changes)
    status, said, document = run(tmp_path, content=content)
    assert (status, document) == (2, {})
    assert "is no whole report of a rehearsal" in said.replace("\n", " ")


@pytest.mark.parametrize("option", ["--report", "--against"])
def test_what_is_read_is_not_overwritten(tmp_path: Path, option: str) -> None:
    """Nor by another name of the same file."""
    file, link = tmp_path / "before.json", tmp_path / "link.json"
    file.write_text(json.dumps(report()))
    link.symlink_to(file)
    others = [] if option == "--report" else ["--report", str(tmp_path / "after.json")]
    (tmp_path / "after.json").write_text(json.dumps(report()))
    done = CliRunner().invoke(app, ["dev", option, str(file), *others, "--json", str(link)])
    assert done.exit_code == 2
    assert "--json would overwrite" in done.output
    assert f"which {option} reads" in done.output.replace("\n", " ")
    assert json.loads(file.read_text()) == report()


ODD = [None, "not known: it", ["x"], [None], {"a": None}, -5]
READ = {
    "ecs/service:Service": ("capacityProviderStrategies", "desiredCount", "networkConfiguration"),
    "ecs/taskDefinition:TaskDefinition": ("runtimePlatform", "cpu", "memory", "ephemeralStorage"),
    "dynamodb/table:Table": ("globalSecondaryIndexes", "replicas", "billingMode"),
    "ec2/vpcEndpoint:VpcEndpoint": ("subnetIds", "vpcEndpointType"),
    "ec2/instance:Instance": ("rootBlockDevice", "ebsBlockDevices", "launchTemplate"),
    "kms/key:Key": ("tags",),
}  # fmt: skip


@pytest.mark.parametrize(("type_", "key"), [(type_, key) for type_, keys in READ.items() for key in keys])
def test_a_property_of_another_form_ends_nothing(tmp_path: Path, type_: str, key: str) -> None:
    """Not the sum, nor what is advised or written beside it."""
    inputs = {"instanceType": "t3.micro", "billingMode": "PAY_PER_REQUEST", "launchType": "FARGATE"}
    [row, *_] = report()["resources"]
    for odd in ODD:
        content = report(resources=[{**row, "type": f"aws:{type_}", "name": "odd", "inputs": {**inputs, key: odd}}])
        assert run(tmp_path, "--committed", content=content)[0] == 0


def test_a_stack_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {}\n")
    done = CliRunner().invoke(app, ["prd", "--program", str(tmp_path)])
    assert done.exit_code == 2
    assert "there is no stack 'prd'" in done.output
    assert "the stacks are: prod" in done.output
    done = CliRunner().invoke(app, ["prod", "--json", str(tmp_path / "no" / "cost.json")])
    assert "does not exist" in done.output


def test_a_report_of_another_project_is_no_past(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_text(json.dumps(report(project="garden")))
    status, said, document = run(tmp_path, "--against", str(before))
    assert (status, document) == (2, {})
    assert "is a report of the project 'garden', not of 'shop'" in said.replace("\n", " ")


def test_what_costs_nothing_may_be_stopped(tmp_path: Path) -> None:
    """Tasks on servers have no price of their own, so that a part of nothing would be shown."""
    rows = [{"type": "aws:ecs/service:Service", "name": "web",
             "inputs": {"name": "web", "cluster": "shop", "launchType": "EC2"}}]  # fmt: skip
    for hour, count in ((8, 1), (20, 0)):
        told = {"Cluster": "shop", "Service": "web", "DesiredCount": count}
        target = {"arn": "arn:aws:scheduler:::aws-sdk:ecs:updateService", "input": json.dumps(told)}
        given = {"scheduleExpression": f"cron(0 {hour} ? * MON-FRI *)", "target": target}
        rows.append({"type": "aws:scheduler/schedule:Schedule", "name": f"at-{hour}", "inputs": given})
    of_all = [{"parent": "", "custom": True, "status": "emulated", "region": "", "outputs": {},
               "urn": f"urn:pulumi:dev::shop::{row['type']}::{row['name']}", **row} for row in rows]  # fmt: skip
    status, said, _ = run(tmp_path, content=report(resources=of_all))
    assert status == 0
    assert "schedules stop" not in said


@pytest.mark.parametrize("wrong", [("--profile", "enormous"), ("--region", "eu-west-1")])
def test_what_is_wrong_in_the_call_is_said_before_a_rehearsal(
    wrong: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def rehearsed(*_: object) -> None:
        raise AssertionError("a rehearsal began")

    monkeypatch.setattr("costs.__main__._rehearsed", rehearsed)
    done = CliRunner().invoke(app, ["dev", *wrong])
    assert done.exit_code == 2
    assert repr(wrong[1]) in done.output


def test_quiet_leaves_the_sum_and_what_must_be_known_of_it(tmp_path: Path) -> None:
    status, said, _ = run(tmp_path, "--quiet")
    assert status == 0
    assert "dev: 52.46 USD a month" in said
    assert "not priced: aws:macie2/account:Account" in said
    assert "the month is above the stack's budget of 40.00 USD" in said
    assert "By component" not in said
    status, said, _ = run(tmp_path, "-q", "-v")
    assert status == 2
    assert "--verbose and --quiet exclude each other" in said
