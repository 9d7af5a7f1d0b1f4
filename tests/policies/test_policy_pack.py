"""The pack as the Pulumi engine runs it: a process of its own that speaks gRPC."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from guardrails.catalogue import FILE, TOPICS, catalogue
from guardrails.kit import PolicyPack, rule
from guardrails.kit.rules import LEVELS
from guardrails.kit.server import Analyzer
from guardrails.kit.stack import Stack
from guardrails.rules import RULES
from pulumi.runtime import proto, rpc
from pulumi.runtime.proto import analyzer_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource, Rule

PACK = Path(__file__).parents[2] / "policies"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
URN = "urn:pulumi:dev::kumiki::"
TAGS = {"Project": "kumiki", "Environment": "dev", "Component": "data", "Owner": "platform"}


@contextmanager
def pack(environment: str = "dev", **config: str) -> Iterator[Any]:
    """Start the pack as the engine does; gives the client's side of the protocol."""
    settings = {"kumiki:environment": environment, "kumiki:product": "kumiki", "kumiki:owner": "platform", **config}
    variables = {
        "PULUMI_PROJECT": "kumiki",
        "PULUMI_STACK": "dev",
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps(settings),
    }
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."],
        cwd=PACK,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def dev() -> Iterator[Any]:
    with pack() as analyzer:
        yield analyzer


def struct_of(values: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def asked(type_: str, props: dict[str, Any], name: str = "kumiki-dev-data-it", **options: Any) -> Any:
    return proto.AnalyzeRequest(
        type=type_,
        urn=f"{URN}{type_}::{name}",
        name=name,
        properties=struct_of(props),
        options=proto.AnalyzerResourceOptions(**options),
        provider=proto.AnalyzerProviderResource(
            type="pulumi:providers:aws",
            properties=struct_of({"region": "ap-northeast-1", "defaultTags": json.dumps({"tags": TAGS})}),
        ),
    )


def in_stack(request: Any, outputs: dict[str, Any] | None = None, **dependencies: str) -> Any:
    return proto.AnalyzerResource(
        type=request.type,
        urn=request.urn,
        name=request.name,
        properties=struct_of(outputs) if outputs else request.properties,
        propertyDependencies={key: proto.AnalyzerPropertyDependencies(urns=[urn]) for key, urn in dependencies.items()},
    )


def found(response: Any) -> dict[str, Any]:
    return {diagnostic.policyName: diagnostic for diagnostic in response.diagnostics}


KEY = asked("aws:kms/key:Key", {"description": "data"}, "kumiki-dev-data-key")
BUCKET = asked("aws:s3/bucket:Bucket", {}, "kumiki-dev-data-bucket")


def test_every_rule_is_a_policy_with_all_that_the_engine_wants_to_know(dev: Any) -> None:
    info = dev.GetAnalyzerInfo(empty_pb2.Empty())
    policies = {policy.name: policy for policy in info.policies}

    assert info.name == "kumiki-guardrails"
    assert list(policies) == [rule.id for rule in RULES]
    rotation = policies["kms-rotation"]
    assert rotation.description == "Customer-managed keys rotate automatically"
    assert rotation.remediation_steps == "Set enableKeyRotation to true."
    assert rotation.enforcementLevel == proto.MANDATORY
    assert rotation.severity == proto.POLICY_SEVERITY_MEDIUM
    assert rotation.policy_type == proto.POLICY_TYPE_RESOURCE
    assert policies["bucket-tls"].policy_type == proto.POLICY_TYPE_STACK
    assert policies["log-group-key"].enforcementLevel == proto.ADVISORY
    assert dev.GetPluginInfo(empty_pb2.Empty()).version == info.version


def test_the_version_is_that_of_the_pack_s_file(dev: Any) -> None:
    info = dev.GetAnalyzerInfo(empty_pb2.Empty())

    assert f"version: {info.version}\n" in (PACK / "PulumiPolicy.yaml").read_text(encoding="utf-8")
    assert info.version in (PACK / "CHANGELOG.md").read_text(encoding="utf-8")


def test_loading_the_pack_prints_nothing_and_imports_nothing_large() -> None:
    """A line on standard output would be taken for the port; pulumi_aws alone would cost seconds at every start."""
    code = "import sys, guardrails.rules; print(*{'pulumi_aws', 'pydantic', 'pulumi_policy', 'boto3'} & {*sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], cwd=PACK, capture_output=True, text=True, check=True)

    assert result.stdout == "\n"
    assert result.stderr == ""


def test_in_production_more_is_mandatory() -> None:
    with pack("prod") as analyzer:
        levels = {each.name: each.enforcementLevel for each in analyzer.GetAnalyzerInfo(empty_pb2.Empty()).policies}
        found_there = found(analyzer.Analyze(asked("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 7})))

    assert levels["log-group-key"] == proto.MANDATORY
    assert levels["endpoint-policy"] == proto.ADVISORY
    assert found_there["log-group-key"].enforcementLevel == proto.MANDATORY
    assert "log-group-retention" in found_there


def test_a_finding_says_what_where_and_how_to_mend_it(dev: Any) -> None:
    diagnostic = found(dev.Analyze(KEY))["kms-rotation"]

    assert diagnostic.message.splitlines() == [
        "Customer-managed keys rotate automatically",
        "automatic rotation is off",
        "Fix: Set enableKeyRotation to true.",
    ]
    assert diagnostic.urn == KEY.urn
    assert diagnostic.enforcementLevel == proto.MANDATORY


def test_a_good_resource_has_no_findings(dev: Any) -> None:
    good = asked("aws:kms/key:Key", {"enableKeyRotation": True, "policy": rpc.UNKNOWN}, "kumiki-dev-data-key")

    assert found(dev.Analyze(good)) == {}


def test_secrets_are_judged_and_not_shown(dev: Any) -> None:
    name = {**SECRET, "value": "hunter2-Hunter2"}
    response = dev.Analyze(asked("aws:sns/topic:Topic", {"name": name}, "kumiki-dev-data-topic"))

    assert "the name in AWS, [secret]," in found(response)["name-pattern"].message
    assert "hunter2" not in str(response)


def test_a_secret_in_a_list_garbles_no_message_about_its_neighbours(dev: Any) -> None:
    conditions = {**SECRET, "value": [{"name": "kumiki-web", "key": "a-long-enough-secret"}]}
    topic = asked("aws:sns/topic:Topic", {"displayName": "kumiki-web", "conditions": conditions, "name": "kumiki-web"})
    response = dev.Analyze(topic)

    assert "the name in AWS, kumiki-web," in found(response)["name-pattern"].message


def test_between_resources_the_first_preview_is_judged_by_dependencies(dev: Any) -> None:
    policy_text = json.dumps(
        {
            "Statement": {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        }
    )
    policy = asked(
        "aws:s3/bucketPolicy:BucketPolicy", {"bucket": rpc.UNKNOWN, "policy": policy_text}, "kumiki-dev-data-p"
    )
    versions = asked("aws:s3/bucketVersioning:BucketVersioning", {"bucket": rpc.UNKNOWN}, "kumiki-dev-data-versions")
    for request in (BUCKET, policy, versions):
        dev.Analyze(request)
    children = [in_stack(policy, bucket=BUCKET.urn), in_stack(versions, bucket=BUCKET.urn)]
    rules = set(found(dev.AnalyzeStack(proto.AnalyzeStackRequest(resources=[in_stack(BUCKET), *children]))))

    assert {"bucket-versioning", "bucket-encryption", "bucket-access-block"} <= rules
    assert "bucket-tls" not in rules


def test_what_the_program_wrote_is_remembered_when_the_outputs_repeat_the_rules_of_others(dev: Any) -> None:
    group = asked("aws:ec2/securityGroup:SecurityGroup", {"description": "API"}, "kumiki-dev-api-group")
    ingress = asked(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"securityGroupId": "sg-1", "description": "Clients", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443},
        "kumiki-dev-api-ingress",
    )
    inline = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "description": "Clients"}
    for request in (group, ingress):
        dev.Analyze(request)
    outputs = {"id": "sg-1", "description": "API", "ingress": [inline]}
    resources = [in_stack(group, outputs), in_stack(ingress, {"securityGroupId": "sg-1"})]

    assert found(dev.AnalyzeStack(proto.AnalyzeStackRequest(resources=resources))) == {}


def test_without_a_product_naming_does_not_apply_and_the_rest_does() -> None:
    with pack(**{"kumiki:product": ""}) as analyzer:
        response = analyzer.Analyze(KEY)

    assert "kms-rotation" in found(response)
    assert {each.policy_name for each in response.not_applicable} >= {"name-pattern", "tags-equal-stack"}


def configured(analyzer: Any, **levels: Any) -> None:
    """Give every rule its level, as the engine does."""
    info = analyzer.GetAnalyzerInfo(empty_pb2.Empty())
    chosen = {name.replace("_", "-"): level for name, level in levels.items()}
    config = {
        p.name: proto.PolicyConfig(enforcementLevel=chosen.get(p.name, p.enforcementLevel)) for p in info.policies
    }
    analyzer.Configure(proto.ConfigureAnalyzerRequest(policyConfig=config))


def test_levels_can_be_configured() -> None:
    with pack() as analyzer:
        configured(analyzer, kms_rotation=proto.ADVISORY, tags_required=proto.DISABLED)
        response = found(analyzer.Analyze(KEY))
        configured(analyzer, kms_rotation=proto.DISABLED)
        later = found(analyzer.Analyze(KEY))

    assert response["kms-rotation"].enforcementLevel == proto.ADVISORY
    assert "kms-rotation" not in later


def test_a_remediation_changes_what_is_wrong_and_nothing_else() -> None:
    secret = {**SECRET, "value": "hunter2-hunter2"}
    block = asked(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {"bucket": rpc.UNKNOWN, "blockPublicAcls": True, "expectedBucketOwner": secret},
        "kumiki-dev-data-block",
    )
    with pack() as analyzer:
        assert list(analyzer.Remediate(block).remediations) == []
        configured(analyzer, bucket_access_block_whole=proto.REMEDIATE, kms_rotation=proto.REMEDIATE)
        (remediation,) = analyzer.Remediate(block).remediations
        block.properties.CopyFrom(remediation.properties)
        after = analyzer.Analyze(block)
        still_wrong = found(analyzer.Analyze(KEY))["kms-rotation"]

    assert remediation.policyName == "bucket-access-block-whole"
    assert json_format.MessageToDict(remediation.properties) == {
        "bucket": rpc.UNKNOWN,
        "expectedBucketOwner": secret,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert found(after) == {}
    assert still_wrong.enforcementLevel == proto.MANDATORY


def test_several_remediations_build_on_each_other() -> None:
    group = asked("aws:cloudwatch/logGroup:LogGroup", {"tags": {"Owner": "me"}}, "kumiki-dev-data-log-group")
    group.provider.properties.CopyFrom(struct_of({"region": "ap-northeast-1"}))
    with pack() as analyzer:
        configured(analyzer, tags_required=proto.REMEDIATE, log_group_retention=proto.REMEDIATE)
        remediations = analyzer.Remediate(group).remediations

    assert [each.policyName for each in remediations] == ["log-group-retention", "tags-required"]
    assert json_format.MessageToDict(remediations[-1].properties) == {
        "tags": {**TAGS, "Owner": "me"},
        "retentionInDays": 7,
    }


def test_a_remediation_sees_what_the_one_before_it_changed() -> None:
    def counts(number: int) -> Rule:
        @rule(
            id=f"count-{number}",
            title="T",
            types=("aws:sns/topic:Topic",),
            level="mandatory",
            severity="low",
            topics=("naming",),
            remedy="R.",
            remediate=lambda topic, _at: {"displayName": f"{topic.props.text('displayName')}{number}"},
        )
        def check(_topic: Resource, _at: Context) -> Iterator[str]:
            yield "found"

        return check

    rules = [counts(1), counts(2)]
    analyzer = Analyzer(PolicyPack("test", version="1", rules=rules), Stack(environment="dev"))
    configuration = {each.id: proto.PolicyConfig(enforcementLevel=proto.REMEDIATE) for each in rules}
    analyzer.Configure(proto.ConfigureAnalyzerRequest(policyConfig=configuration), None)
    remediations = analyzer.Remediate(asked("aws:sns/topic:Topic", {"displayName": "0"}), None).remediations

    assert [each.properties["displayName"] for each in remediations] == ["01", "012"]


def test_a_stack_that_comes_with_a_call_counts() -> None:
    with pack() as analyzer:
        configured(analyzer)
        config = {"kumiki:environment": "prod", "kumiki:product": "kumiki"}
        analyzer.ConfigureStack(proto.AnalyzerStackConfigureRequest(project="kumiki", stack="prod", config=config))
        response = found(analyzer.Analyze(asked("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 30})))

    assert response["log-group-key"].enforcementLevel == proto.MANDATORY


# `pulumi policy analyze` (CLI 3.274) starts the pack without a word about the stack -----------------------------


@contextmanager
def told_nothing(monkeypatch: pytest.MonkeyPatch, config: str | None = None) -> Iterator[Any]:
    """The pack as `pulumi policy analyze` starts it: only what is in the shell's environment."""
    for name in ("PULUMI_PROJECT", "PULUMI_STACK", "PULUMI_DRY_RUN", "PULUMI_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    if config is not None:
        monkeypatch.setenv("PULUMI_CONFIG", config)
    analyzer = Analyzer(PolicyPack("test", version="1", rules=RULES), Stack.from_environment())
    # The engine asks for the levels and gives all of them back before the first resource.
    levels = {each.name: each.enforcementLevel for each in analyzer.GetAnalyzerInfo(empty_pb2.Empty(), None).policies}
    configuration = {name: proto.PolicyConfig(enforcementLevel=level) for name, level in levels.items()}
    analyzer.Configure(proto.ConfigureAnalyzerRequest(policyConfig=configuration), None)
    yield analyzer


def of_prod(type_: str, props: dict[str, Any], name: str) -> Any:
    request = asked(type_, props, name)
    request.urn = request.urn.replace("urn:pulumi:dev::", "urn:pulumi:prod::")
    return request


GROUP = of_prod("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 30}, "kumiki-prod-data-group")


def test_the_first_urn_names_the_stack_where_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with told_nothing(monkeypatch) as analyzer:
        response = found(analyzer.Analyze(GROUP, None))

    assert response["log-group-key"].enforcementLevel == proto.MANDATORY


def test_without_a_configuration_the_pack_says_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    with told_nothing(monkeypatch) as analyzer:
        analyzer.Analyze(GROUP, None)
        response = found(analyzer.AnalyzeStack(proto.AnalyzeStackRequest(resources=[in_stack(GROUP)]), None))

    assert response["stack-configuration"].enforcementLevel == proto.ADVISORY
    assert "the environment, prod, is guessed" in response["stack-configuration"].message
    assert "pulumi config --stack <stack> --json" in response["stack-configuration"].message


def test_a_configuration_as_the_cli_prints_it_brings_environment_product_and_waivers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiver = {"rule": "kms-rotation", "urn": "*-data-key", "reason": "Imported key material.", "until": "2000-01-01"}
    printed = {
        "kumiki:environment": {"value": "staging", "secret": False},
        "kumiki:product": {"value": "kumiki", "secret": False},
        "kumiki:token": {"secret": True},
        "policy:exemptions": {"value": json.dumps([waiver]), "objectValue": [waiver], "secret": False},
    }
    with told_nothing(monkeypatch, json.dumps(printed)) as analyzer:
        answer = analyzer.Analyze(GROUP, None)
        group = found(answer)
        whole = found(analyzer.AnalyzeStack(proto.AnalyzeStackRequest(resources=[in_stack(GROUP)]), None))

    # The configuration has the last word, not the name.
    assert group["log-group-key"].enforcementLevel == proto.ADVISORY
    assert "the stack's configuration has no product" not in {each.reason for each in answer.not_applicable}
    assert "it expired on 2000-01-01" in whole["waiver-ledger"].message
    assert "stack-configuration" not in whole


def test_a_configuration_that_is_none_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", "kumiki:environment=prod")
    with pytest.raises(SystemExit, match="pulumi config --json"):
        Stack.from_environment()


def test_waivers_come_from_the_stack_s_configuration() -> None:
    waiver = {"rule": "kms-rotation", "urn": "*-data-key", "reason": "Imported key material.", "until": "2000-01-01"}
    with pack(**{"policy:exemptions": json.dumps([waiver])}) as analyzer:
        assert "kms-rotation" in found(analyzer.Analyze(KEY))
        response = found(analyzer.AnalyzeStack(proto.AnalyzeStackRequest(resources=[in_stack(KEY)])))

    assert "it expired on 2000-01-01" in response["waiver-ledger"].message
    assert response["waiver-ledger"].urn == ""


def test_the_catalogue_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == catalogue(), "run `python -m guardrails.catalogue` in policies/"


def test_every_rule_stands_in_the_catalogue() -> None:
    text = catalogue()

    assert [rule.id for rule in RULES if f"### `{rule.id}`\n" not in text] == []
    assert {rule.topics[0] for rule in RULES} <= set(TOPICS)
    assert {rule.level for rule in RULES} == set(LEVELS)


def test_the_catalogue_leads_to_the_source_of_each_rule() -> None:
    entries = re.findall(r"^### `([\w-]+)`.*?^- Source: \[[^]]*\]\((\S+)\)$", catalogue(), re.MULTILINE | re.DOTALL)

    assert {rule_id for rule_id, _ in entries} == {rule.id for rule in RULES}
    assert [rule_id for rule_id, link in entries if f'"{rule_id}"' not in (FILE.parent / link).read_text()] == []
