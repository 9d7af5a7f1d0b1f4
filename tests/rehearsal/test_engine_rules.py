"""Where the SDK's stock mocks differ from the engine, the rehearsal keeps the engine's rules."""

from __future__ import annotations

import random
import sys
import uuid
from pathlib import Path
from typing import Any

import pulumi_aws  # noqa: F401 its classes say which outputs a type has
import pytest
from pulumi.runtime import rpc
from pulumi.runtime.proto import resource_pb2

from rehearsal import marks
from rehearsal.cloud.account import Account
from rehearsal.cloud.client import CheckResult
from rehearsal.cloud.moto_patches import DRAW_ON
from rehearsal.cloud.specs import SPECS
from rehearsal.declared import Declared
from rehearsal.marks import NOT_KNOWN
from rehearsal.monitor import Monitor, Previewing
from rehearsal.property_values import UNKNOWN, encode
from tests.rehearsal.conftest import ROOT, Rehearse


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


def test_what_a_resource_was_called_before_is_known_of_its_children_too(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        class Group(pulumi.ComponentResource):
            def __init__(self, name, opts):
                super().__init__("app:index:Group", name, None, opts)
                below = pulumi.ResourceOptions(parent=self)
                aws.s3.Bucket(f"{name}-bucket", opts=below)

        former = [pulumi.Alias(name="old")]
        Group("new", pulumi.ResourceOptions(providers={"aws": provider}, aliases=former))
        aws.sqs.Queue("queue", opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(
            aliases=[pulumi.Alias(name="line", type_="aws:sns/topic:Topic"), "urn:pulumi:a::b::aws:sqs/queue:Queue::q"],
            retain_on_delete=True, delete_before_replace=True, replace_on_changes=["name"],
        )))
    """)
    assert done.problems() == [], done.text
    urn = done.resource("new-bucket")["urn"]
    assert urn.replace("::new-bucket", "::old-bucket") in done.resource("new-bucket")["aliases"]
    queue = done.resource("queue")
    head = queue["urn"].rpartition("::")[0].rpartition("::")[0]
    former = {"urn:pulumi:a::b::aws:sqs/queue:Queue::q", f"{head}::aws:sns/topic:Topic::line"}
    assert former <= set(queue["aliases"])
    assert (queue["retain_on_delete"], queue["delete_before_replace"], queue["replace_on_changes"]) == (
        True,
        True,
        ["name"],
    )


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


def test_an_output_that_the_rehearsal_cannot_give_is_unknown_and_said(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        key = aws.ec2.Eip("address", opts=opts)
        aws.cloudwatch.LogGroup("group", tags={"Carrier": key.carrier_ip}, opts=opts)
    """)
    assert done.status == 0
    (gap,) = done.report["gaps"]
    assert (gap["cause"], gap["subjects"], gap["what"]) == ("unknown inputs", ["group"], ["tags"])


def test_two_runs_give_the_same_report_but_for_times(rehearse_plain: Rehearse) -> None:
    program = """
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        for n in range(6):
            aws.ec2.Subnet(f"subnet-{n}", vpc_id=vpc.id, cidr_block=f"10.0.{n}.0/24", opts=opts)
            aws.kms.Key(f"key-{n}", opts=opts)
        application = aws.codedeploy.Application("works", compute_platform="Lambda", opts=opts)
        pulumi.export("id", application.application_id)
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


def test_what_a_stack_reference_to_nowhere_gives_is_unknown(rehearse_plain: Rehearse) -> None:
    done = rehearse_plain("""
        base = pulumi.StackReference("organization/plain/nowhere")
        pulumi.export("vpcId", base.get_output("vpcId"))
    """)
    assert done.status == 0
    assert done.report["outputs"] == {"vpcId": NOT_KNOWN}
    (gap,) = done.report["gaps"]
    assert (gap["cause"], gap["subjects"]) == ("stack not known", ["organization/plain/nowhere"])


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


def test_no_service_of_the_emulator_draws_what_a_second_run_would_not() -> None:
    account = Account()
    try:
        services = {spec.service for spec in SPECS.values()}
        for service in services:
            account.client(service, "ap-northeast-1")
    finally:
        account.close()
    own = {
        f"{name}.{attribute}"
        for name, module in list(sys.modules.items())
        for attribute, source in (("uuid", uuid), ("uuid4", uuid.uuid4), ("random", random))
        if name.startswith("moto.") and not name.startswith(DRAW_ON) and vars(module).get(attribute) is source
    }
    assert own == set()


class Names:
    """A cloud that makes a name, as the provider does before anything is created."""

    def check(self, urn: str, type_: str, name: str, given: list[str]) -> CheckResult:  # noqa: ARG002 the protocol's
        return CheckResult({"bucket": f"{name}-0123456"}, known_type=True)


class Listening:
    """A policy pack that keeps what it is asked."""

    def __init__(self) -> None:
        self.alone: list[Any] = []
        self.together: list[Any] = []

    def remediate(self, judged: Any) -> Any:
        return judged.properties, []

    def analyze(self, judged: Any) -> list[Any]:
        self.alone.append(judged)
        return []

    def analyze_stack(self, judged: list[Any]) -> list[Any]:
        self.together = judged
        return []

    count = 0


def previewed() -> tuple[Listening, Any]:
    """What a pack hears at the preview of one bucket, and what the program hears."""
    cloud: Any = Names()
    heard: Any = Listening()
    monitor = Monitor(
        project="plain",
        stack="test",
        folder=ROOT,
        provider=Previewing(cloud),
        analyzer=lambda: heard,
        disabled_defaults=[],
        default_region="ap-northeast-1",
        stack_outputs=lambda _name: None,
        declared=Declared(),
        stack_tags=None,
        progress=lambda _count, _name: None,
        made=lambda *_: None,
    )
    stack = resource_pb2.RegisterResourceRequest(type="pulumi:pulumi:Stack", name="plain-test")
    parent = monitor.RegisterResource(stack).urn
    bucket = resource_pb2.RegisterResourceRequest(
        type="aws:s3/bucket:Bucket", name="data", parent=parent, custom=True, object=encode({"forceDestroy": True})
    )
    response = monitor.RegisterResource(bucket)
    monitor.analyze_stack(whole=True)
    return heard, response


@pytest.mark.covers("B22")
def test_a_preview_knows_the_names_that_the_provider_makes() -> None:
    heard, response = previewed()
    assert response.object["bucket"] == "data-0123456"
    assert heard.alone[-1].properties["bucket"] == "data-0123456"


def test_a_pack_is_told_at_a_preview_of_every_output_that_there_will_be() -> None:
    heard, _ = previewed()
    (bucket,) = [each for each in heard.together if each.name == "data"]
    assert bucket.properties["arn"] is UNKNOWN
    assert bucket.properties["forceDestroy"] is True


def test_a_pack_judges_the_stack_itself_too() -> None:
    heard, _ = previewed()
    assert [each.type for each in heard.alone] == ["pulumi:pulumi:Stack", "aws:s3/bucket:Bucket"]


def test_two_rehearsals_make_the_same_ids_also_of_deployments_and_streams(rehearse_plain: Rehearse) -> None:
    program = """
        aws.dynamodb.Table(
            "t", name="t", hash_key="id", billing_mode="PAY_PER_REQUEST", stream_enabled=True,
            stream_view_type="NEW_IMAGE", attributes=[{"name": "id", "type": "S"}], opts=opts,
        )
        shifts = aws.codedeploy.Application("shifts", name="shifts", compute_platform="Lambda", opts=opts)
        role = aws.iam.Role("role", assume_role_policy="{}", opts=opts)
        aws.codedeploy.DeploymentGroup(
            "group", app_name=shifts.name, deployment_group_name="group", service_role_arn=role.arn, opts=opts
        )
    """
    first, second = (rehearse_plain(program).report["resources"] for _ in range(2))
    assert {one["name"] for one in first} >= {"t", "shifts", "group"}
    assert first == second


def test_the_marks_are_the_sdks() -> None:
    names = ("_special_sig_key", "_special_secret_sig", "_special_asset_sig", "_special_archive_sig")
    assert [getattr(rpc, name) for name in names] == [marks.SIGNATURE, marks.SECRET, marks.ASSET, marks.ARCHIVE]
