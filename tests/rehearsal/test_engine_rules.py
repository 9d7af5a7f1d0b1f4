"""Where the SDK's stock mocks differ from the engine, the rehearsal keeps the engine's rules."""

from __future__ import annotations

from pathlib import Path

from tests.rehearsal.conftest import Rehearse


def test_a_urn_carries_the_whole_chain_of_parent_types(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        class Part(pulumi.ComponentResource):
            def __init__(self, kind, name, parent=None):
                super().__init__(kind, name, None, pulumi.ResourceOptions(parent=parent, providers=[provider]))

        outer = Part("shop:a:Outer", "outer")
        inner = Part("shop:b:Inner", "inner", outer)
        aws.s3.Bucket("bucket", opts=pulumi.ResourceOptions(parent=inner))
    """)
    assert (
        done.resource("bucket")["urn"]
        == "urn:pulumi:test::plain::shop:a:Outer$shop:b:Inner$aws:s3/bucket:Bucket::bucket"
    )


def test_the_same_urn_twice_is_refused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        aws.s3.Bucket("twice", opts=opts)
        aws.s3.Bucket("twice", opts=opts)
    """)
    assert done.status == 1
    assert [one["message"] for one in done.problems()] == [
        "the URN urn:pulumi:test::plain::aws:s3/bucket:Bucket::twice is used twice"
    ]


def test_the_same_name_under_two_parents_is_two_resources(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        for kind in ("shop:a:One", "shop:a:Two"):
            part = pulumi.ComponentResource(kind, "part", None, pulumi.ResourceOptions(providers=[provider]))
            aws.s3.Bucket("bucket", opts=pulumi.ResourceOptions(parent=part))
    """)
    assert done.status == 0
    assert sum(one["name"] == "bucket" for one in done.report["resources"]) == 2


def test_a_secret_is_used_but_never_shown(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        word = pulumi.Output.secret("hunter2-and-more")
        group = aws.cloudwatch.LogGroup("group", tags={"word": word}, opts=opts)
        derived = aws.cloudwatch.LogGroup("derived", tags={"word": pulumi.Output.concat("x-", word)}, opts=opts)
        pulumi.export("tag", group.tags["word"])
        pulumi.export("plain", "visible")
    """)
    assert done.status == 0
    assert "hunter2" not in done.text
    assert "hunter2" not in str(done.report)
    assert done.resource("group")["inputs"]["tags"] == {"word": "[secret]"}
    assert done.report["outputs"] == {"tag": "[secret]", "plain": "visible"}


def test_a_secret_in_a_refusal_is_not_shown(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        word = pulumi.Output.secret("hunter2-and-more")
        aws.iam.Role("role", name=word.apply(lambda w: w + "!"), assume_role_policy="{}", opts=opts)
    """)
    assert done.status == 1
    assert done.problems()
    assert "hunter2" not in done.text
    assert "hunter2" not in str(done.report)


def test_a_secret_of_the_stack_file_stays_secret(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain(
        """
        config = pulumi.Config()
        pulumi.export("token", config.require_secret("token"))
        """,
        config={"plain:token": {"secure": "v1:abc"}},
    )
    assert done.status == 0
    assert done.report["outputs"] == {"token": "[secret]"}


def test_one_failure_is_reported_once_and_what_needs_it_is_not_tried(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/99", opts=opts)
        subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=opts)
        table = vpc.main_route_table_id
        aws.ec2.RouteTableAssociation("association", subnet_id=subnet.id, route_table_id=table, opts=opts)
        aws.s3.Bucket("apart", opts=opts)
    """)
    assert done.status == 1
    assert [one["kind"] for one in done.problems()] == ["aws"]
    assert "10.0.0.0/99" in done.problems()[0]["message"]
    assert done.problems()[0]["urn"].endswith("::vpc")
    assert done.resource("subnet")["status"] == done.resource("association")["status"] == "skipped"
    assert done.resource("apart")["status"] == "emulated"
    assert "Traceback" not in done.text
    assert "Task exception" not in done.text


def test_a_disabled_default_provider_is_refused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain(
        'aws.s3.Bucket("loose")\naws.s3.Bucket("held", opts=opts)',
        config={"pulumi:disable-default-providers": ["aws"]},
    )
    assert done.status == 1
    assert "the default provider for 'aws' is disabled, and loose has no other" in done.text
    assert done.resource("held")["status"] == "emulated"


def test_transforms_run_as_under_the_engine(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        def add_tag(args):
            if args.type_ == "aws:s3/bucket:Bucket":
                return pulumi.ResourceTransformResult({**args.props, "tags": {"Added": "yes"}}, args.opts)

        pulumi.runtime.register_resource_transform(add_tag)
        aws.s3.Bucket("bucket", opts=opts)
    """)
    assert done.status == 0, done.text
    assert done.resource("bucket")["inputs"]["tags"] == {"Added": "yes"}


def test_the_providers_default_tags_reach_every_resource(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        tags = {"tags": {"Owner": "all", "Kind": "default"}}
        tagging = aws.Provider("tagging", region="ap-northeast-1", default_tags=tags)
        aws.s3.Bucket("bucket", tags={"Kind": "own"}, opts=pulumi.ResourceOptions(provider=tagging))
    """)
    assert done.resource("bucket")["outputs"]["tagsAll"] == {"Owner": "all", "Kind": "own"}


def test_a_generated_name_has_pulumis_suffix_and_is_the_same_in_every_run(rehearse_plain: Rehearse) -> None:
    program = 'pulumi.export("name", aws.s3.Bucket("bucket", opts=opts).bucket)'
    names = {rehearse_plain(program).report["outputs"]["name"] for _ in range(2)}
    assert len(names) == 1
    name = names.pop()
    assert name.startswith("bucket-")
    assert len(name) == len("bucket-") + 7


def test_a_resource_made_in_apply_is_found(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        vpc.id.apply(lambda _: aws.s3.Bucket("hidden", opts=opts))
    """)
    assert done.status == 1
    (problem,) = done.problems()
    assert problem["urn"].endswith("::hidden")
    assert "made inside `apply`" in problem["message"]


def test_the_truth_of_an_output_is_refused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        if vpc.id:
            aws.s3.Bucket("always", opts=opts)
    """)
    assert done.status == 1
    assert "an Output is neither true nor false" in done.problems()[0]["message"]
    assert "`if vpc.id:`" in done.problems()[0]["message"]


def test_a_lookup_by_the_id_of_a_resource_of_the_same_stack_is_answered(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=opts)
        found = aws.ec2.get_subnet_output(id=subnet.id, opts=pulumi.InvokeOptions(provider=provider))
        pulumi.export("cidr", found.cidr_block)
    """)
    assert done.status == 0, done.text
    assert done.report["outputs"]["cidr"] == "10.0.0.0/24"


def test_an_output_in_a_text_is_refused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        aws.s3.Bucket("bucket", tags={"Vpc": f"in {vpc.id}"}, opts=opts)
    """)
    assert done.status == 1
    assert "__str__" in done.text or "Output" in done.problems()[0]["message"]


def test_an_output_that_the_rehearsal_cannot_give_is_said_not_made_up(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        key = aws.ec2.Eip("address", opts=opts)
        aws.cloudwatch.LogGroup("group", tags={"Carrier": key.carrier_ip}, opts=opts)
    """)
    assert done.status == 1
    (problem,) = done.problems()
    assert "an output of address that the rehearsal does not produce" in problem["message"]


def test_two_runs_give_the_same_report_but_for_times(rehearse_plain: Rehearse) -> None:
    program = """
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        for n in range(6):
            aws.ec2.Subnet(f"subnet-{n}", vpc_id=vpc.id, cidr_block=f"10.0.{n}.0/24", opts=opts)
            aws.kms.Key(f"key-{n}", opts=opts)
    """
    reports = [rehearse_plain(program).report for _ in range(2)]
    for report in reports:
        del report["seconds"]
    assert reports[0] == reports[1]


def test_a_stack_reference_gives_what_that_stack_deploys_in_the_same_account(
    rehearse_plain: Rehearse, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.base.yaml").write_text("config: {}\n", encoding="utf-8")
    done = rehearse_plain("""
        if pulumi.get_stack() == "base":
            pulumi.export("vpcId", aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts).id)
        else:
            base = pulumi.StackReference("organization/plain/base")
            aws.ec2.Subnet("subnet", vpc_id=base.get_output("vpcId"), cidr_block="10.0.3.0/24", opts=opts)
    """)
    assert done.status == 0, done.text
    assert done.resource("subnet")["status"] == "emulated"
    assert done.resource("subnet")["inputs"]["vpcId"].startswith("vpc-")


def test_a_stack_reference_to_nowhere_is_refused(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        base = pulumi.StackReference("organization/plain/nowhere")
        pulumi.export("vpcId", base.get_output("vpcId"))
    """)
    assert done.status == 1
    assert "leads to no stack" in done.problems("reference")[0]["message"]


def test_ids_that_the_stack_file_names_exist_in_the_account(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain(
        """
        config = pulumi.Config()
        aws.ec2.Subnet("subnet", vpc_id=config.require("vpc"), cidr_block="10.0.200.0/24", opts=opts)
        """,
        config={"plain:vpc": "vpc-0123456789abcdef0"},
    )
    assert done.status == 0, done.text
    assert done.report["stand_ins"] == ["vpc-0123456789abcdef0"]
    assert "vpc-0123456789abcdef0" in done.text


def test_a_look_up_by_the_id_of_a_resource_waits_for_it(rehearse_plain: Rehearse) -> None:
    result = rehearse_plain("""
        import pulumi, pulumi_aws as aws
        vpc = aws.ec2.Vpc("v", cidr_block="10.0.0.0/16")
        subnet = aws.ec2.Subnet("s", vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone="us-east-1b")
        pulumi.export("zone", aws.ec2.get_subnet_output(id=subnet.id).availability_zone)
    """)
    assert result.problems("program") == []
    assert result.report["outputs"]["zone"] == "us-east-1b"


def test_a_program_that_fails_while_resources_are_on_their_way_ends(rehearse_plain: Rehearse) -> None:
    result = rehearse_plain("""
        import pulumi, pulumi_aws as aws
        first = aws.sqs.Queue("first")
        for number in range(40):
            aws.sqs.Queue(f"queue-{number}", delay_seconds=first.arn.apply(lambda _: 1))
        def fail(_):
            raise ValueError("on the way")
        pulumi.export("never", first.arn.apply(fail))
    """)
    assert result.status == 1
    assert ["on the way" in problem["message"] for problem in result.problems("program")].count(True) == 1
