"""The linter: what it finds that the emulator accepts, how inputs become CloudFormation, what is suppressed."""

from __future__ import annotations

import importlib
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from rehearsal import sdk
from rehearsal.lint import cfnlint_patches
from rehearsal.lint.endpoints import doubt
from rehearsal.lint.fragments import Cfn, fragment
from rehearsal.lint.linter import SUPPRESSED, Linter, suppressed
from rehearsal.lint.result import LintInput
from rehearsal.lint.types import NOT_LINTED, TYPES
from rehearsal.runner import Runner
from tests.rehearsal.conftest import SILENT_PACK, Rehearse, Rehearsed, project

# Each of these the emulator makes without a word, and AWS refuses or never runs.
PROGRAM = """
import json

database = dict(engine="postgres", allocated_storage=20, username="app", manage_master_user_password=True, opts=opts)
trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}), opts=opts)
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
zone = aws.route53.Zone("zone", name="example.com", opts=opts)

aws.rds.Instance("class", engine_version="17.6", instance_class="db.t4g.huge", **database)
aws.rds.Instance("version", engine_version="17.99", instance_class="db.t4g.micro", **database)
aws.rds.Instance("backups", engine_version="17", instance_class="db.t4g.micro", backup_retention_period=40, **database)
aws.sqs.Queue("visibility", visibility_timeout_seconds=100_000, opts=opts)
aws.cloudwatch.MetricAlarm(
    "period", comparison_operator="GreaterThanThreshold", evaluation_periods=1, metric_name="m", namespace="n",
    period=45, statistic="Sum", threshold=1, opts=opts,
)
aws.iam.RolePolicy(
    "action",
    role=role.name,
    policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObjects", "Resource": "*"}]}
    ),
    opts=opts,
)
aws.ecs.TaskDefinition(
    "fargate", family="f", requires_compatibilities=["FARGATE"], network_mode="awsvpc", cpu="256", memory="4096",
    container_definitions=json.dumps([{"name": "app", "image": "nginx"}]), opts=opts,
)
aws.cloudwatch.EventRule("schedule", schedule_expression="rate(1 days)", opts=opts)
aws.sfn.StateMachine(
    "machine",
    role_arn=role.arn,
    definition=json.dumps({"StartAt": "Nowhere", "States": {"Here": {"Type": "Succeed"}}}),
    opts=opts,
)
aws.ec2.SecurityGroup("group", description="Größe", vpc_id=vpc.id, opts=opts)
aws.route53.Record(
    "record", zone_id=zone.zone_id, name="a.example.com", type="CNAME", ttl=60, records=["b.com", "c.com"], opts=opts
)
"""

FOUND = {
    "class": ("E3025", "instanceClass: 'db.t4g.huge' is not one of the"),
    "version": ("E3691", "engineVersion: '17.99' is not one of the"),
    "backups": ("E3719", "backupRetentionPeriod: 40 is greater than the maximum of 35"),
    "visibility": ("E3034", "visibilityTimeoutSeconds: 100000 is greater than the maximum of 43200"),
    "period": ("E3615", "period: 45 is not one of [10, 30, 60] or a multiple of 60"),
    "action": ("W3037", "'getobjects' is not one of the"),
    "fargate": ("E3047", "Cpu '256' is not compatible with memory '4096'"),
    "schedule": ("E3027", "scheduleExpression: 'days' is not one of ['minute', 'hour', 'day']"),
    "machine": ("E3601", "Missing 'Next' target 'Nowhere'"),
    "group": ("E3031", "description: 'Größe' does not match"),
    "record": ("E3023", "records: expected maximum item count: 1, found: 2"),
}


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Rehearsed:
    folder = project(tmp_path_factory.mktemp("mistaken"), {"config": {}}, PROGRAM)
    return rehearse(folder, "test", "--policy-pack", str(SILENT_PACK))


@pytest.mark.parametrize("name", FOUND)
def test_what_the_emulator_accepts_and_aws_does_not_is_found(mistaken: Rehearsed, name: str) -> None:
    rule, words = FOUND[name]
    found = [one for one in mistaken.report["problems"] if (one["urn"] or "").endswith(f"::{name}")]

    assert ("lint", rule) in [(one["kind"], one["rule"]) for one in found]
    found = [one for one in found if one["rule"] == rule]
    assert words in found[0]["message"]
    assert rule in found[0]["remedy"]
    assert found[0]["level"] == ("warning" if rule.startswith("W") else "error")


def test_nothing_else_is_accused_and_the_rehearsal_fails(mistaken: Rehearsed) -> None:
    accused = {one["urn"].rpartition("::")[2] for one in mistaken.report["problems"]}

    assert accused == set(FOUND)
    assert mistaken.status == 1
    assert mistaken.report["lint"]["linted"] == len(FOUND) + 3
    assert "linted against AWS's schemas" in mistaken.text


def test_a_long_list_of_allowed_values_is_cut_to_the_nearest(mistaken: Rehearsed) -> None:
    message = next(one["message"] for one in mistaken.report["problems"] if one["rule"] == "E3025")

    assert "such as db.t4g.large" in message
    assert len(message) < 200


def test_the_report_says_what_of_our_own_stacks_is_not_linted(rehearsed: Any) -> None:
    lint = rehearsed("dev").report["lint"]

    assert lint["linted"] > 190
    assert NOT_LINTED["aws:cfg/recorderStatus:RecorderStatus"] in lint["types_not_linted"].values()
    assert "forceDestroy" in lint["inputs_not_linted"]["aws:s3/bucket:Bucket"]
    assert rehearsed("dev").report["seconds"]["lint"] > 0


def test_the_whole_name_of_a_rule_beats_its_beginning() -> None:
    assert suppressed("W2531", "AWS::Lambda::Function") is None, "a runtime is not a parameter of a template"
    assert suppressed("E1150", "AWS::EC2::Instance") is None, "the format of an id is checked"
    assert suppressed("E1010", "AWS::EC2::Instance") is not None
    assert suppressed("W2501", "AWS::RDS::DBInstance") is not None
    assert suppressed("E3030", "AWS::SSM::Parameter") is not None
    assert suppressed("E3030", "AWS::SQS::Queue") is None


def test_each_suppression_says_why() -> None:
    assert all(len(each.reason) > 20 for each in SUPPRESSED)
    assert len({(each.rule, each.type) for each in SUPPRESSED}) == len(SUPPRESSED)


def _schema(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"properties": properties, **more}


_RULE = {"type": "object", "properties": {"Name": {"type": "string"}, "Count": {"type": "integer"}}}
_PAIR = {"type": "object", "properties": {"Name": {"type": "string"}, "Value": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "inputs", "properties"),
    [
        pytest.param(_schema({"KMSKeyId": {"type": "string"}}), {"kmsKeyId": "k"}, {"KMSKeyId": "k"}, id="case"),
        pytest.param(_schema({"ThingName": {"type": "string"}}), {"name": "n"}, {"ThingName": "n"}, id="type in name"),
        pytest.param(
            _schema({"Rules": {"type": "array", "items": _RULE}}),
            {"rule": {"name": "a", "count": "3"}},
            {"Rules": [{"Name": "a", "Count": 3}]},
            id="one where a list is wanted, and a number as a text",
        ),
        pytest.param(
            _schema({"Rule": {"$ref": "#/definitions/Rule"}}, definitions={"Rule": _RULE}),
            {"rules": [{"name": "a"}]},
            {"Rule": {"Name": "a"}},
            id="a list of one where one is wanted",
        ),
        pytest.param(
            _schema({"Dimensions": {"type": "array", "items": _PAIR}}),
            {"dimensions": {"Queue": "q"}},
            {"Dimensions": [{"Name": "Queue", "Value": "q"}]},
            id="a map where pairs are wanted",
        ),
        pytest.param(
            _schema({"PolicyDocument": {"type": ["object", "string"]}}),
            {"policy": '{"Statement": []}'},
            {"PolicyDocument": {"Statement": []}},
            id="a document",
        ),
        pytest.param(
            _schema({"Parameters": {"type": "object", "patternProperties": {".*": {"type": "array", "items": {}}}}}),
            {"parameters": {"extensions": "vector"}},
            {"Parameters": {"extensions": ["vector"]}},
            id="lists in a map",
        ),
        pytest.param(_schema({"Flag": {"type": "string"}}), {"flag": True}, {"Flag": "true"}, id="a text for a truth"),
        pytest.param(
            _schema({"Arn": {"type": "string"}}, readOnlyProperties=["/properties/Arn"]), {"arn": "a"}, {}, id="answers"
        ),
    ],
)
def test_the_schema_leads_from_inputs_to_properties(
    schema: dict[str, Any], inputs: dict[str, Any], properties: dict[str, Any]
) -> None:
    assert fragment(Cfn(type="AWS::Some::Thing"), schema, inputs).properties == properties


def test_an_input_that_cloudformation_lacks_is_named_and_not_guessed() -> None:
    made = fragment(Cfn(type="AWS::Some::Thing"), _schema({"Name": {"type": "string"}}), {"forceDestroy": True})

    assert made.properties == {}
    assert made.untranslated == ["forceDestroy"]


def test_a_type_that_the_region_does_not_have_is_left_alone() -> None:
    result = Linter().lint([LintInput("urn:one", "aws:sqs/queue:Queue", "nowhere-1", {"delaySeconds": 5})])

    assert (result.linted, result.problems) == (0, [])


@pytest.mark.parametrize(
    ("service", "near"),
    [
        ("com.amazonaws.ap-northeast-1.logz", "logs"),
        ("com.amazonaws.ap-northeast-1.secretmanager", "secretsmanager"),
        ("com.amazonaws.ap-northeast-1.ecs-telemtry", "ecs-telemetry"),
        ("com.amazonaws.us-east-1.logs", "us-east-1"),
        ("com.amazonaws.ap-northeast-1.logs", None),
        ("com.amazonaws.ap-northeast-1.ecr.dkr", None),
        ("com.amazonaws.ap-northeast-1.codebuild-fips", None),
        ("com.amazonaws.ap-northeast-1.s3-global.accesspoint", None),
        # What is like nothing that is known may be new.
        ("com.amazonaws.ap-northeast-1.brandnew", None),
        ("com.amazonaws.vpce.ap-northeast-1.vpce-svc-0123456789abcdef0", None),
        (None, None),
    ],
)
def test_a_misspelt_endpoint_is_doubted(service: str | None, near: str | None) -> None:
    candidate = LintInput("urn", "aws:ec2/vpcEndpoint:VpcEndpoint", "ap-northeast-1", {"serviceName": service})
    found = doubt(candidate)

    assert (found is None) == (near is None)
    if found is not None:
        assert (found.level, found.urn) == ("warning", "urn")
        assert f"did you mean {near}?" in str(found.remedy)


def test_a_users_own_configuration_of_cfn_lint_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".cfnlintrc").write_text("ignore_checks: [E]\n")
    monkeypatch.chdir(tmp_path)

    result = Linter().lint([LintInput("urn:one", "aws:sqs/queue:Queue", "ap-northeast-1", {"delaySeconds": 5000})])

    assert [problem.rule for problem in result.problems] == ["E3034"]


def _findings(patched: bool) -> list[str]:
    """What the linter says of inputs of several kinds, in a process that has not loaded cfn-lint yet."""
    if not patched:
        cfnlint_patches.apply = lambda: None
    statement = {"Effect": "Allow", "Action": "s3:GetObjects", "Resource": "*"}
    machine = {"StartAt": "Nowhere", "States": {"Here": {"Type": "Succeed"}}}
    wrong = [
        ("aws:rds/instance:Instance", {"engine": "postgres", "engineVersion": "17.99", "instanceClass": "db.t4g.huge"}),
        ("aws:sqs/queue:Queue", {"visibilityTimeoutSeconds": 100_000, "name": "two words"}),
        ("aws:iam/policy:Policy", {"policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}),
        ("aws:sfn/stateMachine:StateMachine", {"definition": json.dumps(machine), "roleArn": "role"}),
        ("aws:lambda/function:Function", {"runtime": "python2.7", "memorySize": 1, "timeout": 1_000, "role": "role"}),
        ("aws:ec2/securityGroup:SecurityGroup", {"description": "Größe", "vpcId": "vpc"}),
    ]
    inputs = [LintInput(f"urn:{type_}", type_, "ap-northeast-1", given) for type_, given in wrong]
    return sorted(str(problem) for problem in Linter().lint([*inputs, *inputs]).problems)


def test_the_patches_change_nothing_of_what_is_found() -> None:
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        patched, unpatched = processes.map(_findings, [True, False], chunksize=1)

    assert patched == unpatched
    assert {found.partition("urn='urn:aws:")[2].partition("/")[0] for found in patched} >= {"rds", "sqs", "iam", "sfn"}


def test_a_linter_that_dies_is_reported_as_an_error() -> None:
    runner = Runner.__new__(Runner)
    runner.progress = lambda _now: None
    for end in ("_lint_inputs", "_lint_result"):
        ours, theirs = multiprocessing.Pipe()
        theirs.close()
        setattr(runner, end, ours)

    result = runner._linted()  # noqa: SLF001 as if its process had just gone

    assert [(one.kind, one.level) for one in result.problems] == [("lint", "error")]


@pytest.mark.parametrize("token", TYPES)
def test_the_table_names_inputs_and_properties_that_exist(token: str) -> None:
    """A misspelt name in it would silently leave an input unlinted."""
    module = token.split(":")[1].partition("/")[0]
    importlib.import_module(f"pulumi_aws.{'lambda_' if module == 'lambda' else module}")
    assert sdk.resource_class(token) is not None, f"{token} is no type of the SDK's"
    cfn = TYPES[token]
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("ap-northeast-1", cfn.type).schema

    if cfn.reshape is None:
        for path in [*cfn.renames, *cfn.left_out]:
            found = sdk.wrong_inputs(token, _nested(path.split(".")))
            assert [str(wrong) for wrong in found if isinstance(wrong, sdk.WrongName)] == []
    for step in filter(None, cfn.inside.split(".")[:1]):
        assert step in schema["properties"]
    for name, property_ in cfn.renames.items():
        if "." not in name and not cfn.inside and property_.partition(".")[0] not in schema["properties"]:
            pytest.fail(f"{cfn.type} has no property {property_}")


def _nested(steps: list[str]) -> dict[str, Any]:
    return {steps[0]: _nested(steps[1:]) if steps[1:] else "a value"}


def test_an_emoji_does_not_end_the_linter() -> None:
    given = {"delaySeconds": 5000, "kmsMasterKeyId": "🎉\ud800\x7f\x1b ü"}

    result = Linter().lint([LintInput("urn:one", "aws:sqs/queue:Queue", "ap-northeast-1", given)])

    assert result.linted == 1
    assert "E3034" in {problem.rule for problem in result.problems}
