"""What follows from a stack as a whole, and the findings in a form that other tools read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from rehearsal.lines import Line, Source, of_setting
from rehearsal.problems import Problem
from rehearsal.report import Report
from rehearsal.sarif import sarif
from tests.rehearsal.conftest import ROOT, SILENT_PACK, Rehearse, Rehearsed, project

SCHEMA = Draft4Validator(json.loads(Path(__file__).with_name("sarif-2.1.0.json").read_text()))

# A layout that is not ours: a package in a folder of its own, a main file below it, no settings of Kumiki's.
FOREIGN = {
    "Pulumi.yaml": "name: shop\nruntime: {name: python, options: {virtualenv: venv}}\nmain: infra/\n",
    "Pulumi.live.yaml": "config:\n  aws:region: eu-west-1\n  shop:size: 2\n",
    "infra/__main__.py": """
import pulumi
from shop_infra import storage

config = pulumi.Config()
pulumi.export("bucket", storage.make(config.require_int("size")))
""",
    "infra/shop_infra/__init__.py": "",
    "infra/shop_infra/storage.py": """
import pulumi_aws as aws

from shop_infra.scale import Scale


def make(size):
    buckets = [aws.s3.Bucket(f"shop-{number}") for number in range(size)]
    group = aws.ec2.SecurityGroup(
        "shop-db", ingress=[dict(protocol="tcp", from_port=5432, to_port=5432, cidr_blocks=["0.0.0.0/0"])]
    )
    aws.rds.Instance(
        "shop-db", engine="postgres", engine_version="16", instance_class="db.t3.micro", allocated_storage=20,
        username="shop", password="correct horse", skip_final_snapshot=True, vpc_security_group_ids=[group.id],
    )
    Scale("shop-scale")
    return buckets[0].bucket
""",
    "infra/shop_infra/scale.py": """
import pulumi
import pulumi_aws as aws


class Scale(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("shop:index:Scale", name)
        self._thing(name)

    def _thing(self, name):
        aws.iot.Thing(name, opts=pulumi.ResourceOptions(parent=self))
""",
}


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Rehearsed:
    folder = tmp_path_factory.mktemp("foreign")
    for name, text in FOREIGN.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # The stack's program names no environment: its name says that it is production.
    return rehearse(folder, "live", "--profile", "house", "--sarif", str(folder / "findings.sarif"), report_in=folder)


def test_a_program_of_others_is_rehearsed_and_judged(foreign: Rehearsed) -> None:
    made = {one["name"]: one["status"] for one in foreign.report["resources"] if one["type"].startswith("aws:")}

    assert made["shop-0"] == made["shop-1"] == made["shop-db"] == "emulated"
    assert foreign.report["region"] == "eu-west-1"
    assert foreign.report["outputs"] == {"bucket": foreign.resource("shop-0")["outputs"]["bucket"]}
    assert not [one for one in foreign.report["problems"] if "itself failed" in one["message"]]


def test_a_type_without_a_spec_is_said_to_be_one(foreign: Rehearsed) -> None:
    thing = foreign.resource("shop-scale")
    said = [one for one in foreign.report["gaps"] if one["type"] == thing["type"]]

    assert thing["status"] == "validated"
    assert [(one["cause"], one["count"], one["subjects"]) for one in said] == [("no spec", 1, ["shop-scale"])]
    assert "aws:iot/thing:Thing" in foreign.report["lint"]["types_not_linted"]


@pytest.mark.parametrize(
    "rule",
    [
        "bucket-encryption",
        "database-backups",
        "database-encrypted",
        "database-managed-password",
        "database-two-zones",
        "group-world-ingress",
        "store-behind-a-program",
    ],
)
def test_the_pack_says_what_is_wrong_with_it(foreign: Rehearsed, rule: str) -> None:
    assert rule in {one["rule"] for one in foreign.problems("policy")}


def test_it_is_not_asked_to_follow_our_names(foreign: Rehearsed) -> None:
    assert not {one["rule"] for one in foreign.report["problems"]} & {"name-pattern", "tags-equal-stack"}


def test_the_findings_are_written_as_sarif(foreign: Rehearsed, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = next(tmp_path_factory.getbasetemp().glob("foreign*/findings.sarif"))
    log = json.loads(path.read_text(encoding="utf-8"))
    run_ = log["runs"][0]

    assert [error.message for error in SCHEMA.iter_errors(log)] == []
    assert len(run_["results"]) == len(foreign.report["problems"])
    for result in run_["results"]:
        assert run_["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    world = next(one for one in run_["results"] if one["ruleId"] == "store-behind-a-program")
    assert world["level"] == "error"
    place = world["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "infra/shop_infra/storage.py"
    assert line_of("infra/shop_infra/storage.py", place["region"]["startLine"]).startswith("aws.rds.Instance(")
    rule = run_["tool"]["driver"]["rules"][world["ruleIndex"]]
    assert rule["shortDescription"]["text"] == (
        "No data store is reached from the internet or a load balancer directly"
    )
    assert world["locations"][0]["logicalLocations"][0]["name"] == "shop-db"
    assert "correct horse" not in path.read_text(encoding="utf-8")


def test_a_resource_is_placed_where_its_component_is_made_and_within_the_component(foreign: Rehearsed) -> None:
    source = next(one["source"] for one in foreign.report["resources"] if one["type"] == "aws:iot/thing:Thing")

    assert line_of(source["file"], source["line"]) == 'Scale("shop-scale")'
    assert [line_of(one["file"], one["line"]) for one in source["within"]] == [
        "self._thing(name)",
        "aws.iot.Thing(name, opts=pulumi.ResourceOptions(parent=self))",
    ]


def line_of(file: str, number: int) -> str:
    return FOREIGN[file].splitlines()[number - 1].strip()


def test_a_waived_finding_is_in_the_log_suppressed_with_its_reason() -> None:
    report = Report(stack="dev", project="", product="", environment="", region="")
    report.waivers = [{"rule": "kms-rotation", "urn": "*", "reason": "It is imported.", "waived": ["urn::key"]}]

    (result,) = sarif(report)["runs"][0]["results"]

    assert not list(SCHEMA.iter_errors(sarif(report)))
    assert result["suppressions"] == [{"kind": "external", "justification": "It is imported."}]
    assert (result["ruleId"], result["locations"][0]["logicalLocations"][0]["name"]) == ("kms-rotation", "key")


def test_a_fault_in_the_log_would_be_noticed() -> None:
    log = sarif(Report(stack="dev", project="", product="", environment="", region=""))
    assert not list(SCHEMA.iter_errors(log))

    log["runs"][0]["results"] = [{"level": "fatal"}]

    assert len(list(SCHEMA.iter_errors(log))) == 2


def test_a_finding_keeps_its_fingerprint_when_a_value_changes() -> None:
    def fingerprint(message: str) -> str:
        report = Report(stack="dev", project="", product="", environment="", region="")
        report.problems = [Problem(kind="policy", rule="kms-rotation", urn="urn:key", message=message)]
        return sarif(report)["runs"][0]["results"][0]["partialFingerprints"]["primaryLocationLineHash"]

    assert fingerprint("30 days") == fingerprint("31 days")


def test_two_findings_of_one_rule_on_one_resource_are_two_alerts() -> None:
    report = Report(stack="dev", project="", product="", environment="", region="")
    report.problems = [Problem(kind="lint", rule="E3030", urn="urn:key", message=name) for name in ("one", "two")]
    results = sarif(report)["runs"][0]["results"]

    assert len({one["partialFingerprints"]["primaryLocationLineHash"] for one in results}) == 2


def test_each_rule_and_place_has_what_github_requires(tmp_path: Path) -> None:
    """https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support."""
    (tmp_path / "__main__.py").write_text("\nimport pulumi\n", encoding="utf-8")
    (tmp_path / "Pulumi.live.yaml").write_text("config:\n", encoding="utf-8")
    report = Report(stack="live", project="", product="", environment="", region="", folder=tmp_path)
    report.problems = [
        Problem(kind="aws", urn="urn:key", message="is refused", source=Source(Line("__main__.py", 2))),
        Problem(kind="policy", rule="long", title="x" * 3000, message="is long", remedy="shorten it"),
    ]
    run_ = sarif(report)["runs"][0]

    for rule in run_["tool"]["driver"]["rules"]:
        for text in ("shortDescription", "fullDescription", "help"):
            assert 0 < len(rule[text]["text"]) <= 1024
    first, unknown = (one["locations"][0]["physicalLocation"]["region"] for one in run_["results"])
    assert first == {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": len("import pulumi") + 1}
    assert unknown == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": len("config:") + 1}


@pytest.mark.parametrize("folder", ["stacks", "../stacks"])
def test_what_nobody_can_place_stands_in_the_stacks_own_file_wherever_that_is(tmp_path: Path, folder: str) -> None:
    program = tmp_path / "program"
    program.mkdir()
    (program / folder).mkdir()
    (program / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\nstackConfigDir: {folder}\n", encoding="utf-8")
    (program / folder / "Pulumi.live.yaml").write_text("config: {shop:size: 1}\n", encoding="utf-8")
    (tmp_path / ".git").mkdir()
    report = Report(stack="live", project="shop", product="", environment="", region="", folder=program)
    report.problems = [Problem(kind="program", message="ended")]
    (result,) = sarif(report)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]

    assert (tmp_path / place["artifactLocation"]["uri"]).resolve() == (program / folder / "Pulumi.live.yaml").resolve()
    assert ".." not in place["artifactLocation"]["uri"]
    assert place["region"]["endColumn"] == len("config: {shop:size: 1}") + 1
    assert of_setting(program, program / folder / "Pulumi.live.yaml", "shop:size") == Line(
        f"{folder}/Pulumi.live.yaml", 1
    )


def test_a_folder_that_does_not_exist_is_refused_before_anything_runs(tmp_path: Path, rehearse: Rehearse) -> None:
    refused = rehearse(
        project(tmp_path, {"config": {}}, ""), "test", "--sarif", str(tmp_path / "no" / "findings.sarif")
    )

    assert refused.status == 2
    assert "--sarif" in refused.text


# Who reaches what in our own stacks.


def declared(stack: str) -> set[str]:
    """The services that the stack's file gives the database to, and what creates its extensions."""
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    services = [name for name, service in config["kumiki:services"].items() if service.get("database")]
    assert config["kumiki:database"]["extensions"]
    return {f"kumiki-{stack}-database-extensions-function", *(f"kumiki-{stack}-{name}-service" for name in services)}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_database_is_reached_by_the_declared_services_and_by_nobody_else(rehearsed: Any, stack: str) -> None:
    insights = rehearsed(stack).report["insights"]
    store = next(each for each in insights["stores"] if each["name"] == f"kumiki-{stack}-database-cluster")

    direct = {who: how for who, how in store["reached_by"].items() if not how.startswith("via ")}
    assert direct == dict.fromkeys(declared(stack), "5432")
    assert store["from_internet"] == [
        "internet",
        f"kumiki-{stack}-web-alb",
        f"kumiki-{stack}-api-service",
        f"kumiki-{stack}-database-cluster",
    ]


def test_the_only_hops_are_those_that_the_page_draws(rehearsed: Any) -> None:
    edges = {(edge["from"], edge["to"], edge["ports"]) for edge in rehearsed("dev").report["insights"]["edges"]}
    network = {edge for edge in edges if not edge[1].endswith("-table")}

    assert ("internet", "kumiki-dev-web-alb", "443") in network
    assert ("kumiki-dev-web-alb", "kumiki-dev-api-service", "8000") in network
    doors = {"web-alb", "site-distribution", "talk-api", "hooks-api"}
    assert {edge[1] for edge in network if edge[0] == "internet"} == {f"kumiki-dev-{door}" for door in doors}
    assert {edge[0] for edge in network if edge[1].endswith("database-cluster")} == declared("dev")


def test_what_keeps_data_is_protected_in_prod_and_says_what_hangs_on_it(rehearsed: Any) -> None:
    risks = {risk["name"]: risk for risk in rehearsed("prod").report["insights"]["deletion_risks"]}

    assert risks["kumiki-prod-database-cluster"]["protected"]
    assert not risks["kumiki-prod-database-cluster"]["emptied"]
    assert risks["kumiki-prod-data-key"]["dependents"] > risks["kumiki-prod-database-cluster"]["dependents"] > 0


def test_what_our_own_keys_do_not_encrypt_is_named(rehearsed: Any) -> None:
    insights = rehearsed("prod").report["insights"]

    # Load balancers deliver their logs to SSE-S3 only; queues have SQS's own encryption.
    assert "kumiki-prod-log-archive-bucket" in insights["aws_managed_keys"]
    assert "kumiki-prod-database-cluster" not in insights["aws_managed_keys"]
    assert insights["customer_managed_keys"] >= 20
    assert "Encrypted with customer-managed keys" in rehearsed("prod").text


def test_a_store_in_one_zone_is_found(tmp_path: Path, rehearse: Rehearse) -> None:
    program = """
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
    subnet = aws.ec2.Subnet(
        "a", vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone="ap-northeast-1a", opts=opts
    )
    aws.elasticache.ReplicationGroup(
        "cache", description="One node", node_type="cache.t4g.micro", engine="valkey", num_cache_clusters=1,
        subnet_group_name=aws.elasticache.SubnetGroup("cache", subnet_ids=[subnet.id], opts=opts).name, opts=opts,
    )
    """
    report = rehearse(project(tmp_path, {"config": {}}, program), "test", "--policy-pack", str(SILENT_PACK)).report

    assert report["insights"]["one_zone"] == ["cache"]
    assert str(ROOT) not in json.dumps(report["insights"])
