"""How the rehearsal uses a policy pack: as the engine does, on the preview and on the deployment."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.rehearsal.conftest import ROOT, Rehearse, Rehearsed

BUCKET = 'aws.s3.Bucket("bucket", opts=opts)'


@pytest.fixture
def judge(rehearse_plain: Rehearse, tmp_path: Path) -> Rehearse:
    """Rehearse a plain program under a pack of one policy, given as the source of its arguments and functions."""

    def rehearse(program: str, policy: str, functions: str = "", *arguments: str, **config: object) -> Rehearsed:
        pack = tmp_path / "pack"
        pack.mkdir()
        (pack / "PulumiPolicy.yaml").write_text("runtime: python\n", encoding="utf-8")
        source = (
            "from pulumi_policy import *\n"
            f"{dedent(functions)}\n"
            "PolicyPack(name='trial', enforcement_level=EnforcementLevel.MANDATORY, policies=[\n"
            f"{indent(dedent(policy), '    ')}\n])\n"
        )
        (pack / "__main__.py").write_text(source, encoding="utf-8")
        return rehearse_plain(program, "--policy-pack", str(pack), *arguments, **config)

    return rehearse


def test_a_mandatory_violation_fails_and_an_advisory_one_warns(judge: Rehearse) -> None:
    done = judge(
        BUCKET,
        """
        ResourceValidationPolicy(name="never", description="Nothing may be.", remediation_steps="Give up.",
            validate=lambda args, report: report("it is") if args.resource_type == "aws:s3/bucket:Bucket" else None),
        ResourceValidationPolicy(
            name="rather-not", description="Rather not.", enforcement_level=EnforcementLevel.ADVISORY,
            validate=lambda args, report: report("oh dear") if args.resource_type == "aws:s3/bucket:Bucket" else None),
        """,
    )
    assert done.status == 1
    assert {(one["rule"], one["level"], one["message"], one["remedy"]) for one in done.report["problems"]} == {
        ("never", "error", "it is", "Give up."),
        ("rather-not", "warning", "oh dear", None),
    }
    assert done.resource("bucket")["status"] == "emulated", "one run shows everything"


TWO = """
    ResourceValidationPolicy(name="never", description="Nothing may be.", config_schema=PolicyConfigSchema(
        properties={"word": {"type": "string", "default": "it is"}}),
        validate=lambda args, report: report(args.get_config()["word"]) if "bucket" in args.resource_type else None),
    ResourceValidationPolicy(name="nowhere", description="Nothing may be.",
        validate=lambda args, report: report("it is, too") if "bucket" in args.resource_type else None),
"""


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ("{}", {("never", "error", "it is"), ("nowhere", "error", "it is, too")}),
        ('{"all": "advisory"}', {("never", "warning", "it is"), ("nowhere", "warning", "it is, too")}),
        (
            '{"all": {"enforcementLevel": "disabled"}, "never": {"enforcementLevel": "advisory", "word": "oh dear"}}',
            {("never", "warning", "oh dear")},
        ),
    ],
)
def test_levels_and_settings_of_policies_are_those_of_a_file_as_in_an_update(
    judge: Rehearse, tmp_path: Path, config: str, found: set[tuple[str, str, str]]
) -> None:
    (tmp_path / "levels.json").write_text(config)
    done = judge(BUCKET, TWO, "", "--policy-pack-config", str(tmp_path / "levels.json"))
    assert {(one["rule"], one["level"], one["message"]) for one in done.report["problems"]} == found


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"nevr": "advisory"}', "the pack trial has no policy 'nevr'"),
        (
            '{"never": "strict"}',
            "'never' has the level 'strict', which is none of advisory, mandatory, disabled, remediate",
        ),
        ("[]", "is not an object"),
        ("{", "--policy-pack-config"),
    ],
)
def test_a_file_of_levels_that_would_change_nothing_is_refused(
    judge: Rehearse, tmp_path: Path, config: str, said: str
) -> None:
    (tmp_path / "levels.json").write_text(config)
    done = judge(BUCKET, TWO, "", "--policy-pack-config", str(tmp_path / "levels.json"))
    assert done.status != 0
    assert said in done.text
    assert "Traceback" not in done.text


def test_a_remediation_changes_what_is_created(judge: Rehearse) -> None:
    done = judge(
        BUCKET + '\npulumi.export("tags", pulumi.Output.from_input(1))',
        """
        ResourceValidationPolicy(name="fix-tags", description="Tags are fixed.",
            enforcement_level=EnforcementLevel.REMEDIATE, validate=untagged, remediate=tag),
        """,
        """
        def untagged(args, report):
            if args.resource_type == "aws:s3/bucket:Bucket" and "tags" not in args.props:
                report("no tags")

        def tag(args):
            if args.resource_type == "aws:s3/bucket:Bucket":
                return {**args.props, "tags": {"Fixed": "yes"}, "tagsAll": {"Fixed": "yes"}}
        """,
    )
    assert done.status == 0, done.text
    assert done.resource("bucket")["inputs"]["tags"] == {"Fixed": "yes"}
    assert done.resource("bucket")["remediated"] == ["fix-tags"]


def test_the_whole_stack_is_judged_with_its_dependencies(judge: Rehearse) -> None:
    done = judge(
        """
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=opts)
        """,
        """StackValidationPolicy(name="graph", description="The graph.", validate=graph),""",
        """
        def graph(args, report):
            subnet = next(r for r in args.resources if r.name == "subnet")
            report("via " + subnet.property_dependencies["vpcId"][0].name, subnet.urn)
        """,
    )
    assert [one["message"] for one in done.problems("policy")] == ["via vpc"]
    assert done.problems()[0]["urn"].endswith("::subnet")


def test_a_rule_that_accuses_an_unknown_value_is_found_by_the_preview(judge: Rehearse) -> None:
    done = judge(
        """
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=opts)
        """,
        """ResourceValidationPolicy(name="ids", description="Ids are ids.", validate=ids),""",
        """
        from pulumi_policy.proxy import UnknownValueError

        def ids(args, report):
            if args.resource_type == "aws:ec2/subnet:Subnet":
                try:
                    args.props["vpcId"]
                except UnknownValueError:
                    report("has no VPC")
        """,
    )
    assert done.status == 1
    assert done.problems()[0]["message"] == "has no VPC (only in a preview, while values are unknown)"


def test_a_rule_that_cannot_judge_unknown_values_is_no_news(judge: Rehearse) -> None:
    done = judge(
        """
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=opts)
        """,
        """
        ResourceValidationPolicy(name="ids", description="Ids are ids.",
            validate=lambda args, report: args.props.get("vpcId") and None),
        """,
    )
    assert done.status == 0
    assert done.report["problems"] == []


def test_a_rule_that_raises_is_one_problem(judge: Rehearse) -> None:
    done = judge(
        BUCKET,
        """ResourceValidationPolicy(name="broken", description="Broken.", validate=lambda args, report: 1 / 0),""",
    )
    assert done.status == 1
    assert len(done.problems()) == 1
    assert "the policy pack failed" in done.problems()[0]["message"]
    assert done.resource("bucket")["status"] == "emulated"


def test_a_policys_settings_have_their_defaults_filled_in(judge: Rehearse) -> None:
    done = judge(
        BUCKET,
        """
        ResourceValidationPolicy(name="sized", description="Sized.",
            config_schema=PolicyConfigSchema(properties={"size": {"type": "number", "default": 7}}),
            validate=lambda args, report: report(str(args.get_config()["size"])) if args.name == "bucket" else None),
        """,
    )
    assert [one["message"] for one in done.problems()] == ["7.0"]


def test_a_secret_reaches_the_pack_and_its_echo_is_not_shown(judge: Rehearse) -> None:
    done = judge(
        'aws.cloudwatch.LogGroup("group", tags={"word": pulumi.Output.secret("hunter2-and-more")}, opts=opts)',
        """
        ResourceValidationPolicy(name="echo", description="Echo.",
            validate=lambda args, report: report(str(args.props["tags"]["word"])) if args.name == "group" else None),
        """,
    )
    assert done.status == 1
    assert [one["message"] for one in done.problems()] == ["[secret]"]
    assert "hunter2" not in done.text


def test_the_stack_files_waivers_are_reported_with_what_they_waived(
    rehearse_plain: Rehearse, rehearse: Rehearse, tmp_path: Path
) -> None:
    reason = "the trial bucket holds generated data that can be made again at any time"
    waiver = {"rule": "bucket-versioning", "urn": "*::bucket", "reason": reason, "until": "2027-06-30"}
    house = ("--policy-pack", str(ROOT / "policies"), "--profile", "house")
    done = rehearse_plain(BUCKET, *house, config={"policy:exemptions": [waiver]})
    assert "bucket-versioning" not in {one["rule"] for one in done.problems()}
    (found,) = done.report["waivers"]
    assert (found["rule"], found["reason"], found["until"]) == ("bucket-versioning", reason, "2027-06-30")
    assert [urn.rpartition("::")[2] for urn in found["waived"]] == ["bucket"]
    assert done.report["counts"]["waived"] == 1
    assert reason in done.text
    # Without the waiver the same rule objects.
    (tmp_path / "Pulumi.test.yaml").write_text("config: {}\n", encoding="utf-8")
    without_it = rehearse(tmp_path, "test", *house)
    assert "bucket-versioning" in {one["rule"] for one in without_it.problems()}
