"""What bad input gets: one message that names the cause and the mend, no stack trace, the right exit status.

Mistakes in a program or in a project's files; mistakes in Kumiki's settings are in test_settings_refused.py.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.rehearsal.conftest import ROOT, Rehearse, Rehearsed, project


def assert_one_clean_error(done: Rehearsed, status: int, *parts: str) -> None:
    errors = [line for line in done.text.splitlines() if line.startswith("error")]
    assert done.status == status, done.text
    assert len(errors) == 1, done.text
    assert "Traceback" not in done.text
    for part in parts:
        assert part in done.text


def test_an_unknown_stack_is_refused_with_the_nearest_and_all_names(tmp_path: Path, rehearse: Rehearse) -> None:
    done = rehearse(project(tmp_path, {"config": {}}, ""), "tset")
    assert_one_clean_error(done, 2, "there is no stack 'tset'", "did you mean 'test'?", "The stacks are: test.")


def test_one_of_several_stacks_is_to_be_named(tmp_path: Path, rehearse: Rehearse) -> None:
    folder = project(tmp_path, {"config": {}}, "")
    (folder / "Pulumi.other.yaml").touch()
    assert_one_clean_error(rehearse(folder), 2, "which stack?", "name one: other, test")


def test_a_folder_without_a_project_is_refused(tmp_path: Path, rehearse: Rehearse) -> None:
    assert_one_clean_error(rehearse(tmp_path, "dev"), 2, "Pulumi.yaml does not exist")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("config:\n  plain:a: [1, 2\n", "line 3"),
        ("config:\n\tplain:a: 1\n", "line 2"),
        ("config:\n  a: b: c\n", "line 2"),
    ],
)
def test_yaml_that_does_not_parse_is_refused_with_its_place(
    tmp_path: Path, text: str, place: str, rehearse: Rehearse
) -> None:
    done = rehearse(project(tmp_path, text, ""), "test")
    assert_one_clean_error(done, 2, f"Pulumi.test.yaml, {place}", "not YAML")


@pytest.mark.parametrize("text", ["- config\n", "config: [a]\n", "just words\n"])
def test_yaml_of_another_shape_is_refused(tmp_path: Path, text: str, rehearse: Rehearse) -> None:
    assert_one_clean_error(rehearse(project(tmp_path, text, ""), "test"), 2, "must be a mapping")


def test_a_run_error_is_the_users_mistake(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain('raise pulumi.RunError("plain:size: 9 is too many; use 1, 2 or 3")')
    assert_one_clean_error(done, 2, "plain:size: 9 is too many; use 1, 2 or 3")


def test_a_missing_setting_is_refused(rehearse_plain: Rehearse) -> None:
    assert_one_clean_error(rehearse_plain('pulumi.Config().require("size")'), 2, "plain:size")


def test_a_component_that_raises_is_named_with_its_place(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        class Shop(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("shop:index:Shop", name)
                self.till = {}["drawer"]

        Shop("corner")
    """)
    assert_one_clean_error(
        done, 1, "KeyError: 'drawer'", "while making corner", '__main__.py, line 10: `self.till = {}["drawer"]`'
    )


def test_a_component_that_raises_shows_its_stack_trace_on_request(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain('raise ValueError("on purpose")', "--debug")
    assert done.status == 1
    assert "Traceback (most recent call last)" in done.text


HALF_A_STACK = """
    role = aws.iam.Role("role", assume_role_policy=json.dumps({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
        ],
    }), opts=opts)
    later = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/later"
    aws.iam.RolePolicy("policy", role=role.id, policy=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": later}],
    }), opts=opts)
    aws.s3.Bucket("bucket", opts=opts)
"""


def test_what_a_program_did_not_come_to_make_is_not_missed(rehearse_plain: Rehearse) -> None:
    pack = ("--policy-pack", str(ROOT / "policies"))
    program = f"import json\n{dedent(HALF_A_STACK)}"
    whole = rehearse_plain(program, *pack)
    assert "bucket-access-block" in {one["rule"] for one in whole.report["problems"]}, "its companion is missing"
    assert [one for one in whole.problems("reference") if "later" in one["message"]]
    half = rehearse_plain(program + "raise ValueError('no bucket for you')\n", *pack)
    (only,) = half.problems("program")
    assert only["message"].startswith("ValueError: no bucket for you (__main__.py, line ")
    assert half.problems("reference") == []
    assert "bucket-access-block" not in {one["rule"] for one in half.report["problems"]}


def test_an_exception_in_an_apply_is_one_error(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        for n in range(20):
            aws.ec2.Subnet(f"s{n}", vpc_id=vpc.id.apply(lambda i: i["x"]), cidr_block=f"10.0.{n}.0/24", opts=opts)
    """)
    assert_one_clean_error(done, 1, "TypeError: string indices must be integers")


def test_a_misspelt_argument_is_refused_with_the_nearest(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain('aws.ec2.Vpc("vpc", cidr_blok="10.0.0.0/16", opts=opts)')
    assert_one_clean_error(done, 1, "Vpc has no argument 'cidr_blok'", "did you mean 'cidr_block'?", "line 6")


def test_a_misspelt_argument_of_an_args_class_is_refused_with_the_nearest(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        switched_on = aws.s3.BucketVersioningVersioningConfigurationArgs(state="Enabled")
        aws.s3.BucketVersioning("v", bucket="b", versioning_configuration=switched_on, opts=opts)
    """)
    assert_one_clean_error(done, 1, "has no argument 'state'", "did you mean 'status'?")


def test_a_misspelt_key_in_a_nested_dict_is_refused_with_the_nearest(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        bucket = aws.s3.Bucket("bucket", opts=opts)
        aws.s3.BucketLifecycleConfiguration("rules", bucket=bucket.bucket, opts=opts, rules=[
            {"id": "all", "status": "Enabled", "expiration": {"dais": 30}}])
    """)
    assert_one_clean_error(done, 1, "has no input 'rules[0].expiration.dais'", "did you mean 'days'?")


def test_a_reference_to_an_id_that_nobody_made_is_refused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain(
        'aws.ec2.Subnet("subnet", vpc_id="vpc-" + "0123456789abcdef0", cidr_block="10.0.0.0/24", opts=opts)'
    )
    assert_one_clean_error(done, 1, "refers to vpc-0123456789abcdef0, which nothing in this stack has made")


def test_an_arn_in_a_policy_that_nobody_made_is_refused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        import json
        def policy(**statement):
            return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})

        trust = policy(Action="sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})
        send = policy(Action="sqs:SendMessage", Resource="arn:aws:sqs:ap-northeast-1:123456789012:jobz")
        role = aws.iam.Role("role", assume_role_policy=trust, opts=opts)
        aws.iam.RolePolicy("send", role=role.name, policy=send, opts=opts)
    """)
    assert done.status == 1
    (problem,) = done.problems("reference")
    assert "arn:aws:sqs:ap-northeast-1:123456789012:jobz, which nothing in this stack has made" in problem["message"]


def test_an_arn_in_a_policy_may_name_what_is_made_later(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        import json
        later = {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:ap-northeast-1:123456789012:log-group:/later"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
             "Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
            {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
             "Principal": {"Service": "logs.amazonaws.com"}, "Condition": {"ArnEquals": later}}]})
        key = aws.kms.Key("key", policy=policy, opts=opts)
        aws.cloudwatch.LogGroup("group", name="/later", kms_key_id=key.arn, opts=opts)
    """)
    assert not done.problems("reference"), done.text


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ('aws.cloudwatch.LogGroup("g", retention_in_days=8, opts=opts)', "retentionInDays: 8 is not a retention"),
        ('aws.ec2.Vpc("v", cidr_block="10.0.0.0/99", opts=opts)', "10.0.0.0/99"),
        ('aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", instance_tenancy="shared", opts=opts)', "'shared' is not allowed"),
        ('aws.s3.Bucket("b", bucket="UPPER_case", opts=opts)', "'UPPER_case' is not a name that S3 allows"),
        ('aws.iam.Role("r", name="x" * 65, assume_role_policy="{}", opts=opts)', "65 characters, more than the 64"),
        ('aws.kms.Alias("a", name="no-prefix", target_key_id="k", opts=opts)', "CreateAlias: "),
    ],
)
def test_a_value_that_aws_refuses_is_refused(rehearse_plain: Rehearse, program: str, words: str) -> None:
    done = rehearse_plain(program)
    assert_one_clean_error(done, 1, words)
    assert done.problems()[0]["kind"] in ("aws", "request")


def test_a_type_without_spec_is_validated_only_and_said(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain('aws.synthetics.Group("g", name="g", opts=opts)')
    assert done.status == 0
    assert done.resource("g")["status"] == "validated"
    assert "the rehearsal has no spec for aws:synthetics/group:Group" in done.text
    assert "1 validated only" in done.text


def test_a_program_that_ends_its_process_is_reported(rehearse_plain: Rehearse) -> None:
    assert_one_clean_error(rehearse_plain("import os\nos._exit(3)"), 1, "ended its own process (exit status 3)")


def test_a_package_that_is_not_installed_is_named_with_the_way_to_it(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("import pulumi_nowhere")
    assert_one_clean_error(done, 1, "No module named 'pulumi_nowhere'", "pip install -r requirements.txt")


def test_a_program_that_does_not_parse_is_reported_with_its_line(rehearse_plain: Rehearse) -> None:
    assert_one_clean_error(rehearse_plain("if True\n    pass"), 1, "__main__.py, line 6", "expected ':'")


def test_a_policy_pack_that_fails_to_import_is_one_error(rehearse_plain: Rehearse, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n", encoding="utf-8")
    (pack / "__main__.py").write_text("import guardrail_rules_that_are_not_here\n", encoding="utf-8")
    done = rehearse_plain('aws.s3.Bucket("b", opts=opts)', "--policy-pack", str(pack))
    assert_one_clean_error(done, 1, "does not start", "No module named 'guardrail_rules_that_are_not_here'")
    assert done.resource("b")["status"] == "emulated"


def test_a_folder_that_is_no_policy_pack_is_refused(rehearse_plain: Rehearse, tmp_path: Path) -> None:
    done = rehearse_plain("", "--policy-pack", str(tmp_path / "nowhere"))
    assert_one_clean_error(done, 2, "is no policy pack")
