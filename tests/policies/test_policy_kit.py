"""What the kit promises to those who write rules: three answers, the graph, and no run that ends with one rule."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import struct_pb2
from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, UNKNOWN, NotYetKnown, Props, aws, example, ref, rule
from guardrails.kit.evaluator import Evaluator
from guardrails.kit.examples import output_of
from guardrails.kit.iam import MalformedPolicyError, statements
from guardrails.kit.resources import Graph, Provider, Resource, kind_of
from guardrails.kit.rules import DISABLED, graph_rule
from guardrails.kit.server import combined
from guardrails.kit.stack import Stack
from guardrails.kit.values import Texts, plain
from guardrails.rules import RULES
from guardrails.rules.security_groups import is_world
from pulumi.runtime import rpc

from settings.residency import ResidencySettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Rule

TODAY = date(2026, 7, 1)
SECRET_MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def struct_of(values: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


# Values -----------------------------------------------------------------------------------------------------------


def test_a_value_that_is_set_but_unknown_is_there_and_gives_no_verdict() -> None:
    props = Props({"key": UNKNOWN, "rules": [{"days": 7.0}, UNKNOWN], "block": {"inner": UNKNOWN}})

    assert props.has("key")
    assert props.has("block.inner")
    assert props.has("key.anything.below")
    assert not props.has("nothing")
    assert not props.has("block.other")
    for path in ("key", "key.below", "block.inner", "rules.1.days"):
        with pytest.raises(NotYetKnown):
            props.get(path)
    assert props.get("rules.0.days") == 7
    assert props.get("rules.2.days") is None
    assert props.maybe("key") is UNKNOWN


def test_an_unknown_value_cannot_be_taken_for_true_or_false() -> None:
    with pytest.raises(NotYetKnown):
        bool(UNKNOWN)


def test_a_loop_sees_the_known_elements_before_it_gives_up() -> None:
    seen = []
    with pytest.raises(NotYetKnown):
        seen.extend(Props({"list": [UNKNOWN, "a", "b"]}).items("list"))

    assert "b" in Props({"list": [UNKNOWN, "a", "b"]}).items("list")
    with pytest.raises(NotYetKnown):
        assert "c" not in Props({"list": [UNKNOWN, "a"]}).items("list")


def test_a_block_that_is_no_list_counts_as_a_list_of_one() -> None:
    assert [block.get("a") for block in Props({"one": {"a": 1.0}}).items("one").blocks()] == [1]
    assert list(Props({}).items("none")) == []


def test_the_engine_s_marks_become_unknown_values_and_secrets_plain_ones_that_are_remembered() -> None:
    texts = Texts()
    values = plain(
        struct_of(
            {
                "id": rpc.UNKNOWN,
                "password": {**SECRET_MARK, "value": "hunter2-hunter2"},
                "env": [{**SECRET_MARK, "value": {"TOKEN": "abcdefgh", "PIN": 1234, "LATER": rpc.UNKNOWN}}],
                "output": {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4"},
                "plain": "visible",
                "nothing": None,
            }
        ),
        texts,
    )

    assert values["id"] is UNKNOWN
    assert values["output"] is UNKNOWN
    assert values["password"] == "hunter2-hunter2"  # noqa: S105 - an example
    assert values["env"][0] == {"TOKEN": "abcdefgh", "PIN": 1234, "LATER": UNKNOWN}
    assert texts.hidden == {"hunter2-hunter2", "abcdefgh"}
    assert texts.clear == {"visible"}


def test_beside_a_secret_in_a_list_that_is_secret_as_a_whole_words_stay_words() -> None:
    """The engine marks a whole list where one text in it is secret: CloudFront's origins, a listener's conditions."""
    texts = Texts()
    origin = {"originId": "api", "domainName": "api.example.com", "sslProtocols": ["TLSv1.2"], "header": "k3y-k3y-k3y"}
    plain(struct_of({"origins": {**SECRET_MARK, "value": [origin]}, "alias": "api.example.com"}), texts)

    assert texts.without_what_is_known(texts.hidden) == {"k3y-k3y-k3y"}


def test_what_is_secret_by_itself_stays_so_where_it_is_in_the_clear_too() -> None:
    texts = Texts()
    plain(struct_of({"password": {**SECRET_MARK, "value": "pw"}, "output": "pw"}), texts)

    assert texts.without_what_is_known(texts.hidden) == {"pw"}


def test_what_the_program_wrote_comes_before_what_aws_answered_unless_it_is_unknown() -> None:
    assert combined({"ingress": [], "id": UNKNOWN, "new": UNKNOWN}, {"ingress": ["computed"], "id": "sg-1"}) == {
        "ingress": [],
        "id": "sg-1",
        "new": UNKNOWN,
    }


# Resources and the graph ------------------------------------------------------------------------------------------


def test_a_bucket_s_deprecated_twin_and_the_old_name_of_a_balancer_are_the_same_kinds() -> None:
    assert kind_of("aws:s3/bucketV2:BucketV2") == "aws:s3/bucket:Bucket"
    assert kind_of("aws:s3/bucketAclV2:BucketAclV2") == "aws:s3/bucketAcl:BucketAcl"
    assert kind_of("aws:alb/listener:Listener") == "aws:lb/listener:Listener"
    assert kind_of("aws:wafv2/webAcl:WebAcl") == "aws:wafv2/webAcl:WebAcl"


def resource(props: dict[str, Any] | None = None, provider: dict[str, Any] | None = None, **facts: Any) -> Resource:
    values = Props(props or {})
    facts = {"type": "aws:sns/topic:Topic", "name": "topic", "urn": "urn:topic"} | facts
    made_with = Provider(type="pulumi:providers:aws", props=Props(provider)) if provider is not None else None
    return Resource(props=values, inputs=values, provider=made_with, **facts)


def test_tags_are_those_of_the_resource_of_the_provider_and_of_both_together() -> None:
    defaults = {"defaultTags": json.dumps({"tags": {"Owner": "platform", "Project": "other"}})}
    tags = resource({"tags": {"Project": "kumiki", "Later": UNKNOWN}, "tagsAll": {"Component": "api"}}, defaults).tags

    assert [tags.get(key) for key in ("Owner", "Project", "Component")] == ["platform", "kumiki", "api"]
    assert tags.has("Later")
    assert not tags.has("Nothing")


def test_a_tag_may_still_come_while_some_tags_are_unknown() -> None:
    tags = resource({"tags": {"Project": "kumiki"}, "tagsAll": UNKNOWN}).tags

    assert tags.has("Project")
    with pytest.raises(NotYetKnown):
        tags.has("Owner")


BUCKETS = example(
    aws("s3/bucket:Bucket", name="one"),
    aws("s3/bucketV2:BucketV2", name="two"),
    aws("s3/bucketVersioningV2:BucketVersioningV2", {"bucket": ref("one")}, name="of-one"),
)
BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"


@pytest.mark.parametrize("mode", [{"preview": True}, {"preview": False}, {"linked": False}])
def test_the_graph_finds_children_by_dependency_and_by_name(mode: dict[str, Any]) -> None:
    graph = Graph(BUCKETS.made(**mode))
    one, two = graph.of_kind(BUCKET)
    (of_one,) = graph.of_kind(VERSIONING)

    assert [child.name for child in graph.children(one, VERSIONING, via="bucket")] == ["of-one"]
    assert graph.children(two, VERSIONING, via="bucket") == []
    assert [target.name for target in graph.targets(of_one, BUCKET, via="bucket")] == ["one"]


def test_a_child_of_nobody_knows_whom_leaves_the_question_open() -> None:
    graph = Graph(BUCKETS.made(preview=True, linked=False))
    one, _ = graph.of_kind(BUCKET)

    with pytest.raises(NotYetKnown):
        graph.children(one, VERSIONING, via="bucket")
    assert graph.known_children(one, VERSIONING, via="bucket") == []


def test_a_bucket_is_found_by_its_literal_name() -> None:
    bucket = resource({"bucket": "kumiki-dev-data"}, type="aws:s3/bucket:Bucket", urn="urn:bucket")
    child = resource({"bucket": "kumiki-dev-data"}, type=VERSIONING, urn="urn:versioning")

    assert Graph([bucket, child]).children(bucket, VERSIONING, via="bucket") == [child]


def test_what_is_made_before_follows_references_and_components_and_what_the_program_says() -> None:
    role = resource({}, type="aws:iam/role:Role", urn="urn:role")
    policy = replace(resource({}, type=VERSIONING, urn="urn:policy"), dependencies={"role": ("urn:role",)})
    component = replace(resource({}, type="kumiki:a:B", urn="urn:component"), after=frozenset({"urn:policy"}))
    child = replace(resource({}, type=BUCKET, urn="urn:child"), parent="urn:component")
    graph = Graph([role, policy, component, child])

    assert graph.before(child) == {"urn:component", "urn:policy", "urn:role"}
    assert graph.before(policy) == {"urn:role"}
    assert graph.before(role) == frozenset()


# The evaluator --------------------------------------------------------------------------------------------------------


def rule_of(check: Any, *, decorator: Any = rule, **facts: Any) -> Rule:
    basics = {"id": "a-rule", "title": "T", "types": ("aws:sns/topic:Topic",), "level": MANDATORY, "severity": "low"}
    basics |= {"topics": ("naming",), "remedy": "R.", "compliant": [], "non_compliant": []}
    return decorator(**(basics | facts))(check)


def messages(evaluator: Evaluator, *resources: Resource) -> list[str]:
    return [v.message for each in resources for v in evaluator.analyze(each)] + [
        v.message for v in evaluator.analyze_stack(resources)
    ]


def stack(**facts: Any) -> Stack:
    given: dict[str, Any] = {"environment": "dev", "product": "kumiki"} | facts
    return Stack(**given)


@pytest.mark.parametrize("decorator", [rule, graph_rule])
def test_a_rule_that_fails_is_reported_and_the_others_go_on(decorator: Any) -> None:
    def fails(_resource: Resource, _at: Context) -> Iterator[str]:
        yield "before"
        raise KeyError("the value is hunter2")

    def works(_resource: Resource, _at: Context) -> Iterator[str]:
        yield "found"

    evaluator = Evaluator(
        [rule_of(fails, id="fails", decorator=decorator), rule_of(works, id="works", decorator=decorator)],
        stack(),
        TODAY,
    )
    found = messages(evaluator, resource())

    assert found[0] == "before"
    assert found[1].startswith("the rule itself failed (KeyError at test_policy_kit.py:")
    assert found[2] == "found"
    assert "hunter2" not in " ".join(found)


@pytest.mark.parametrize("decorator", [rule, graph_rule])
def test_no_message_shows_a_secret(decorator: Any) -> None:
    def tells(topic: Resource, _at: Context) -> Iterator[str]:
        yield f"{topic.props.get('password')} and {topic.props.get('pin')} in 20260101"

    secretive = resource({"password": "hunter2", "pin": "2026"}, secrets=frozenset({"hunter2", "2026", ""}))
    evaluator = Evaluator([rule_of(tells, decorator=decorator)], stack(), TODAY)

    assert messages(evaluator, secretive) == ["[secret] and [secret] in 20260101"]


def test_one_unknown_value_stops_one_rule_at_one_resource_only() -> None:
    def reads(topic: Resource, _at: Context) -> Iterator[str]:
        yield f"is {topic.props.get('name')}"

    evaluator = Evaluator([rule_of(reads, decorator=graph_rule)], stack(), TODAY)

    assert messages(evaluator, resource({"name": UNKNOWN}), resource({"name": "b"}, urn="urn:b")) == ["is b"]


def test_levels_follow_the_environment_and_can_be_chosen() -> None:
    strict = rule_of(lambda *_: iter(()), level=MANDATORY_IN_PROD)

    assert Evaluator([strict], stack(environment="prod"), TODAY).levels == {"a-rule": MANDATORY}
    evaluator = Evaluator([strict], stack(environment="dev"), TODAY)
    assert evaluator.levels == {"a-rule": ADVISORY}
    evaluator.choose({"a-rule": DISABLED})
    assert evaluator.levels == {"a-rule": DISABLED}


def test_a_rule_that_is_switched_off_is_not_asked() -> None:
    evaluator = Evaluator([rule_of(lambda *_: iter(["found"]))], stack(), TODAY)
    evaluator.choose({"a-rule": DISABLED})

    assert messages(evaluator, resource()) == []


def test_a_rule_that_needs_a_product_says_so_in_programs_without_one() -> None:
    evaluator = Evaluator([rule_of(lambda *_: iter(["found"]), needs_product=True)], stack(product=None), TODAY)

    assert messages(evaluator, resource()) == []
    assert [(rule.id, why) for rule, why in evaluator.not_applicable(resource())] == [
        ("a-rule", "the stack's configuration has no product")
    ]
    assert list(evaluator.not_applicable(resource(type="aws:sqs/queue:Queue"))) == []


def test_a_rule_for_all_of_aws_judges_nothing_else() -> None:
    evaluator = Evaluator([rule_of(lambda *_: iter(["found"]), types=("aws:*",))], stack(), TODAY)

    assert messages(evaluator, resource()) == ["found"]
    assert (
        messages(evaluator, resource(type="kumiki:data:Bucket"), resource(type="random:index/randomId:RandomId")) == []
    )


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("dev", "dev"),
        ("wiki-prod", "prod"),
        ("production", "prod"),
        ("org/app/stg", "staging"),
        ("main", "main"),
        ("feature-x", "feature-x"),
    ],
)
def test_without_configuration_the_stack_s_name_says_the_environment(name: str, environment: str) -> None:
    assert Stack.of(project="app", name=name, config={}, preview=True).environment == environment


def test_the_configuration_says_environment_product_and_waivers() -> None:
    config = {"app:environment": "prod", "app:product": "shop", "app:owner": "me", "policy:exemptions": "[]"}
    given = Stack.of(project="app", name="dev", config=config, preview=False)

    assert (given.environment, given.product, given.owner, given.exemptions) == ("prod", "shop", "me", "[]")


# Policy documents -------------------------------------------------------------------------------------------------


def test_where_data_may_be_is_for_the_stack_to_say_and_else_what_the_settings_say() -> None:
    def stack_of(**config: str) -> Stack:
        return Stack.of(
            project="app", name="dev", config={f"app:{key}": each for key, each in config.items()}, preview=False
        )

    assert stack_of().regions == stack_of(residency="{").regions == tuple(ResidencySettings().regions)
    abroad = stack_of(residency='{"regions": ["eu-west-1", "ap-northeast-1"]}')
    rules = [each for each in RULES if each.id.startswith("residency-") and each.check]
    topic = aws("sns/topic:Topic", {"region": "eu-west-1"}, name="topic")
    provider = aws("pulumi:providers:aws", {"region": "eu-west-1"}, name="provider")
    secret = aws("secretsmanager/secret:Secret", {"replicas": [{"region": "eu-west-1"}]}, name="secret")
    made = example(topic, provider, secret).made()
    assert [found for one in made for found in Evaluator(rules, abroad, TODAY).analyze(one)] == []
    assert len([found for one in made for found in Evaluator(rules, stack_of(), TODAY).analyze(one)]) == 3


def test_a_policy_document_may_be_text_or_a_mapping_and_its_lists_may_be_single_values() -> None:
    one = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*", "Principal": {"Service": ["a", "b"]}}
    for document in (json.dumps({"Statement": one}), {"Statement": [one]}):
        (found,) = statements(Props({"policy": document}), "policy")
        assert found.actions == ("s3:Get*",)
        assert found.covers(["s3:GetObject", "s3:PutObject"]) == ["s3:GetObject"]
        assert list(found.services()) == ["a", "b"]
        assert not found.is_for_anyone


@pytest.mark.parametrize("document", ["{", "[]", '{"Version": "2012-10-17"}', '"text"'])
def test_what_is_no_policy_document_is_said_to_be_none(document: str) -> None:
    with pytest.raises(MalformedPolicyError, match="policy"):
        statements(Props({"policy": document}), "policy")


def test_a_condition_key_may_hold_dots_and_its_case_does_not_matter() -> None:
    condition = {"StringEquals": {"AWS:SourceAccount": "1", "token.actions.githubusercontent.com:sub": ["a"]}}
    (found,) = statements(Props({"p": json.dumps({"Statement": {"Effect": "Allow", "Condition": condition}})}), "p")

    assert found.narrowed_by == {"aws:sourceaccount", "token.actions.githubusercontent.com:sub"}


@pytest.mark.parametrize(
    ("cidr", "world"),
    [
        ("0.0.0.0/0", True),
        ("::/0", True),
        ("128.0.0.0/1", True),
        ("10.0.0.0/8", False),
        ("2001:db8::/32", False),
        ("", False),
        ("not a range", False),
    ],
)
def test_half_the_internet_counts_as_the_internet(cidr: str, world: bool) -> None:
    assert is_world(cidr) is world


def test_the_outputs_of_examples_differ_by_resource() -> None:
    assert len({output_of(name, key) for name in ("a", "b") for key in ("id", "arn")}) == 4
