"""The testing kit behaves as the engine does, where the SDK's own mocks do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from kumiki.testing import AssertRule, Recorder


class _Part(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shop:index:Part", name, None, opts)
        self.topic = aws.sns.Topic(f"{name}-topic", opts=pulumi.ResourceOptions(parent=self))


def test_urns_are_those_of_the_engine(recorder: Recorder) -> None:
    recorder.run(lambda: _Part("news") and None)
    assert [one.urn for one in recorder.resources] == [
        "urn:pulumi:dev::kumiki::shop:index:Part::news",
        "urn:pulumi:dev::kumiki::shop:index:Part$aws:sns/topic:Topic::news-topic",
    ]


def test_transforms_of_resource_parent_and_stack_run_in_the_engines_order(recorder: Recorder) -> None:
    def adds(word: str) -> pulumi.ResourceTransform:
        def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
            if not args.custom:
                return None
            so_far = args.props.get("displayName") or ""
            return pulumi.ResourceTransformResult({**args.props, "displayName": f"{so_far}{word} "}, args.opts)

        return transform

    def protects(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
        return pulumi.ResourceTransformResult(args.props, pulumi.ResourceOptions.merge(args.opts, protected))

    protected = pulumi.ResourceOptions(protect=True)

    def program() -> None:
        pulumi.runtime.register_resource_transform(adds("stack"))
        _Part("news", pulumi.ResourceOptions(transforms=[adds("parent")]))
        aws.sns.Topic("alone", opts=pulumi.ResourceOptions(transforms=[adds("own"), protects]))

    recorder.run(program)
    assert recorder.named("news-topic").inputs["displayName"] == "parent stack "
    assert recorder.named("alone").inputs["displayName"] == "own stack "
    assert (recorder.named("alone").protect, recorder.named("news-topic").protect) == (True, False)


def test_hooks_run_around_a_creation(recorder: Recorder) -> None:
    seen: list[tuple[str, Any]] = []

    def before(args: pulumi.ResourceHookArgs) -> None:
        seen.append(("before", (args.new_inputs or {}).get("displayName")))

    def after(args: pulumi.ResourceHookArgs) -> None:
        seen.append(("after", (args.new_outputs or {})["arn"]))

    hooks = pulumi.ResourceHookBinding(before_create=[before], after_create=[after])
    recorder.run(lambda: aws.sns.Topic("news", display_name="News", opts=pulumi.ResourceOptions(hooks=hooks)) and None)
    assert [what for what, _ in seen] == ["before", "after"]
    assert seen[0][1] == "News"
    assert str(seen[1][1]).startswith("arn:aws:sns:")


def test_a_hook_that_raises_ends_the_program(recorder: Recorder) -> None:
    def refuse(args: pulumi.ResourceHookArgs) -> None:
        raise ValueError(f"{args.name} may not be")

    hooks = pulumi.ResourceHookBinding(before_create=[refuse])
    with pytest.raises(Exception, match="news may not be"):
        recorder.run(lambda: aws.sns.Topic("news", opts=pulumi.ResourceOptions(hooks=hooks)) and None)


def test_secrets_stay_secret_on_their_way(recorder: Recorder, resolved: Callable[[Any], Any]) -> None:
    secret: list[pulumi.Output[bool]] = []

    def program() -> None:
        config = pulumi.Config("shop")
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["arn"])
        first = aws.ssm.Parameter("first", type="SecureString", value=config.require_secret("token"), opts=hidden)
        aws.ssm.Parameter("second", type="String", value=first.value, description=first.arn, tags={"a": "b"})
        secret.append(pulumi.Output.from_input(first.arn.is_secret()))

    recorder.configure({"shop:token": "s3cr3t", "shop:size": 3}, secrets=["shop:token"])
    recorder.run(program)
    assert recorder.named("first").secrets == {"value"}
    assert recorder.named("second").secrets == {"value", "description"}
    assert recorder.named("second").value("value") == "s3cr3t"
    assert resolved(secret[0]) is True


def test_in_a_preview_what_aws_computes_is_unknown(previewer: Recorder) -> None:
    seen: list[str] = []

    def program() -> None:
        topic = aws.sns.Topic("news", display_name="News")
        topic.arn.apply(seen.append)
        pulumi.export("arn", topic.arn)
        pulumi.export("title", topic.display_name)

    previewer.run(program)
    assert seen == []
    assert previewer.outputs["title"] == "News"
    assert not isinstance(previewer.outputs["arn"], str)


def test_other_stacks_and_look_ups_say_what_the_test_gives_them(recorder: Recorder) -> None:
    def program() -> None:
        network = pulumi.StackReference("acme/network/dev").require_output("vpcId")
        found = aws.ec2.get_subnets_output(tags=network.apply(lambda one: {"of": one}))
        aws.ec2.SecurityGroup("web", vpc_id=network, description=found.ids[0])

    recorder.stacks["acme/network/dev"] = {"vpcId": "vpc-1"}
    recorder.answers["aws:ec2/getSubnets:getSubnets"] = lambda args: {"ids": [f"in-{args['tags']['of']}"]}
    recorder.run(program)
    web = recorder.one("ec2/securityGroup:SecurityGroup")
    assert (web.inputs["vpcId"], web.inputs["description"]) == ("vpc-1", "in-vpc-1")


def test_what_nobody_has_given_is_asked_for_by_name(recorder: Recorder) -> None:
    with pytest.raises(Exception, match=r"recorder\.answers\['aws:ec2/getVpc:getVpc'\]"):
        recorder.run(lambda: aws.ec2.get_vpc(default=True) and None)


def test_resources_are_asked_for_by_what_they_are_connected_with(recorder: Recorder) -> None:
    def program() -> None:
        topic, queue = aws.sns.Topic("news"), aws.sqs.Queue("readers")
        aws.sns.TopicSubscription("all", topic=topic.arn, protocol="sqs", endpoint=queue.arn)

    recorder.run(program)
    subscription = recorder.one("TopicSubscription")
    assert [one.name for one in recorder.behind(subscription)] == ["news", "readers"]
    assert [one.name for one in recorder.behind(subscription, "endpoint")] == ["readers"]
    assert recorder.users_of(recorder.named("news")) == [subscription]


def _queue(name: str) -> Callable[[], Any]:
    return lambda: aws.sqs.Queue(name)


def _denied() -> None:
    queue = aws.sqs.Queue("jobs")
    plain = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue.arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [plain]})
    aws.sqs.QueuePolicy("jobs", queue_url=queue.url, policy=policy)


def test_a_rule_is_asked_through_the_protocol(assert_rule: AssertRule) -> None:
    assert assert_rule("queue-tls", bad=_queue("jobs"), good=_denied) == ["jobs: plain HTTP is not denied"]
    with pytest.raises(AssertionError, match="accuses the good program: jobs: plain HTTP"):
        assert_rule("queue-tls", bad=_queue("x"), good=_queue("jobs"))
    with pytest.raises(AssertionError, match="finds nothing wrong with the bad program"):
        assert_rule("queue-tls", bad=_denied)


OTHER_PACK = """
from pulumi_policy import EnforcementLevel, PolicyConfigSchema, PolicyPack, ResourceValidationPolicy


def short(args, report):
    if args.resource_type == "aws:sns/topic:Topic" and len(args.name) > args.get_config()["most"]:
        report(f"{args.name} is long")


PolicyPack(
    "others",
    policies=[
        ResourceValidationPolicy(
            name="short-names",
            description="Names are short.",
            validate=short,
            config_schema=PolicyConfigSchema(properties={"most": {"type": "integer", "default": 5}}),
            enforcement_level=EnforcementLevel.ADVISORY,
        )
    ],
)
"""


def test_rules_of_any_pack_can_be_asked(assert_rule: AssertRule, tmp_path: Path) -> None:
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (tmp_path / "__main__.py").write_text(OTHER_PACK)

    def topic(name: str) -> Callable[[], Any]:
        return lambda: aws.sns.Topic(name)

    assert_rule("short-names", bad=topic("announcements"), good=topic("news"), pack=tmp_path)
    assert_rule("short-names", bad=topic("news"), good=topic("new"), pack=tmp_path, properties={"most": 3})
