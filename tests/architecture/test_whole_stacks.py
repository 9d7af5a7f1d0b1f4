"""The stacks as their files describe them: what exists, what it is called, what differs between dev and prod."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pulumi
import pytest
from guardrails.rules import RULES
from guardrails.rules.aws_names import NAMES as OF_THE_PACK
from guardrails.rules.aws_names import SUFFIX_LENGTH as SUFFIX_OF_THE_PACK
from pulumi import _types

from architecture.aws_names import check_name, python_name
from architecture.transformation import KEEPS, keeps
from components.errors import ArgumentError
from components.operations.trail_alarms import WATCHED
from settings import Settings, SettingsError
from settings.aws_names import NAMES, SUFFIX_LENGTH
from tests.conftest import ACCOUNT, REGION, ROOT, Recorder, Registered, run
from tests.policies.sdk_schema import args_class
from tests.stack_files import whole_config

Config = dict[str, Any]
BASE: Config = {"product": "wiki", "environment": "dev", "owner": "platform"}


def deploy(recorder: Recorder, config: Mapping[str, Any]) -> Recorder:
    """Run the whole program with these settings."""
    texts = {
        key if ":" in key else f"kumiki:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in config.items()
    }
    pulumi.runtime.set_all_config(texts)
    return recorder.run(lambda: runpy.run_path(str(ROOT / "__main__.py")) and None)


def stack(name: str) -> Config:
    return whole_config(name)


@cache
def deployed(name: str) -> Recorder:
    """One of our stacks as its file describes it, deployed once for all tests of a process that only look at it."""
    with run(preview=False) as recorder:
        return deploy(recorder, stack(name))


@pytest.mark.covers("A1", "A2")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_dev_and_prod_have_two_zones_and_reach_aws_through_endpoints_only(name: str) -> None:
    recorder = deployed(name)
    zones = {subnet.inputs["availabilityZone"] for subnet in recorder.of(":Subnet")}
    assert zones == {f"{REGION}a", f"{REGION}c"}
    assert not recorder.of(":NatGateway")
    services = {
        each.inputs["serviceName"].removeprefix(f"com.amazonaws.{REGION}.") for each in recorder.of(":VpcEndpoint")
    }
    design, free, worker = {"s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager"}, {"dynamodb"}, {"sqs", "states"}
    assert services == design | free | worker
    assert recorder.one("pulumi:providers:aws").inputs["region"] == REGION


def test_a_service_without_shares_of_its_own_writes_those_of_the_cluster(recorder: Recorder) -> None:
    shares = {"fargateWeight": 1, "fargateBase": 1, "spotWeight": 3}
    deploy(recorder, {**stack("dev"), "kumiki:cluster": shares})
    written = {
        each.inputs["name"]: each.inputs["capacityProviderStrategies"] for each in recorder.of("ecs/service:Service")
    }
    assert written == {
        "kumiki-dev-api": recorder.one(":ClusterCapacityProviders").inputs["defaultCapacityProviderStrategies"],
        # It has a share of its own in the stack's file.
        "kumiki-dev-worker": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    }


@pytest.mark.parametrize("name", ["prod", "standard", "analytics", "free-tier"])
def test_an_update_does_not_take_back_the_version_to_which_aws_has_upgraded(name: str) -> None:
    recorder = deployed(name)
    kinds = ("rds/cluster:Cluster", "rds/instance:Instance", "elasticache/replicationGroup:ReplicationGroup")
    stores = [each for kind in kinds for each in recorder.of(kind)]
    assert stores
    for store in stores:
        upgraded = store.inputs.get("autoMinorVersionUpgrade", True)
        assert not upgraded or "engineVersion" in store.ignore_changes, store.name


@pytest.mark.covers("B22", "A13")
@pytest.mark.parametrize(("name", "days"), [("dev", 7), ("prod", 30)])
def test_hot_logs_are_kept_a_week_in_dev_and_a_month_in_prod(name: str, days: int) -> None:
    recorder = deployed(name)
    assert {group.inputs["retentionInDays"] for group in recorder.of(":LogGroup")} == {days}


@pytest.mark.covers("A9")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_log_archive_moves_to_glacier_and_ends_after_a_year(name: str) -> None:
    recorder = deployed(name)
    rules = recorder.named(f"kumiki-{name}-log-archive-lifecycle").inputs["rules"]
    assert [rule["transitions"] for rule in rules if "transitions" in rule] == [
        [{"storageClass": "GLACIER", "days": 90}]
    ]
    assert {"days": 365} in [rule.get("expiration") for rule in rules]


KEPT_BY_THE_STACK = {type_.rsplit(":", 1)[-1] for type_ in KEEPS}
HOLDS_DATA = KEPT_BY_THE_STACK | {
    "Key",
    "Bucket",
    "Vpc",
    "Cluster",
    # One of each cluster.
    "ClusterInstance",
    "ReplicationGroup",
    "Repository",
    "Table",
    "UserPool",
    "Vault",
    "Zone",
}


@pytest.mark.parametrize(("name", "protected"), [("dev", set()), ("prod", HOLDS_DATA)])
def test_what_holds_data_is_protected_in_prod_only(name: str, protected: set[str]) -> None:
    recorder = deployed(name)
    assert {each.type.rsplit(":", 1)[-1] for each in recorder.resources if each.protect} == protected


@pytest.mark.parametrize("name", ["prod", "serverless", "study-prod", "personal"])
def test_without_its_preview_a_destroy_loses_neither_logs_nor_secrets_nor_messages(name: str) -> None:
    """`pulumi destroy --skip-preview` deletes what is not protected before it fails at what is."""
    recorder = deployed(name)
    kept = [each for each in recorder.resources if keeps(each.type, each.inputs)]
    assert kept
    assert {each.name for each in kept if not each.protect} == set()
    clusters = recorder.of(":ClusterInstance")
    assert [each.name for each in clusters if each.protect] == [each.name for each in clusters[:1]]


def test_the_password_of_a_database_that_stays_stays_where_there_is_no_secret() -> None:
    """A free-tier stack keeps it in an encrypted parameter."""
    recorder = deployed("personal")
    assert recorder.named("kabu-personal-dev-database-password-parameter").protect


def test_a_plain_parameter_says_what_the_settings_say_and_may_go() -> None:
    recorder = deployed("prod")
    plain = [each for each in recorder.of("ssm/parameter:Parameter") if each.inputs["type"] == "String"]
    assert plain
    assert not [each.name for each in plain if each.protect]


def test_the_pack_and_the_program_agree_on_what_keeps_evidence() -> None:
    (rule,) = [rule for rule in RULES if rule.id == "evidence-protected"]
    assert set(rule.types) == KEEPS.keys()


TRAIL_ALARMS = "|".join(each.name for each in WATCHED)
ONLY_IN_PROD = re.compile(
    rf"-(cache|backup|data-replica|trail-(log-group|role|policy|silent)|({TRAIL_ALARMS})-(metric-filter|alarm))-"
)


ONLY_IN_DEV = re.compile(r"-office-hours-")


def test_dev_and_prod_differ_in_sizes_only_and_never_in_shape() -> None:
    dev = {each.name.replace("-dev-", "-") for each in deployed("dev").resources}
    prod = {each.name.replace("-prod-", "-") for each in deployed("prod").resources}
    # The second cache, the backups and alarms on what the trail records are the parts that prod has and dev does
    # without; the office hours are dev's alone.
    assert {name for name in dev - prod if not ONLY_IN_DEV.search(f"{name}-")} == set()
    assert {name for name in prod - dev if not ONLY_IN_PROD.search(f"{name}-")} == set()


@pytest.mark.covers("D9")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_every_name_begins_with_product_and_environment(name: str) -> None:
    recorder = deployed(name)
    assert all(each.name.startswith(f"kumiki-{name}-") for each in recorder.resources)


def test_every_taggable_resource_says_whose_it_is_and_what_it_belongs_to(recorder: Recorder) -> None:
    deploy(recorder, {**BASE, "network": {"endpoints": ["kms"]}, "logArchive": {}, "buckets": {"uploads": {}}})
    tagged = [each for each in recorder.resources if "tags" in each.inputs]
    assert {each.type.rsplit(":", 1)[-1] for each in tagged} >= {"Vpc", "Subnet", "Bucket", "Key", "Role", "LogGroup"}
    for each in tagged:
        tags = {key: value for key, value in each.inputs["tags"].items() if key != "Name"}
        service = recorder.outermost(each).name.removeprefix("wiki-dev-")
        assert tags == {"Project": "wiki", "Environment": "dev", "Owner": "platform", "Component": service}
    assert {each.inputs["tags"]["Component"] for each in tagged} == {
        "network",
        "log-archive",
        "uploads",
        "logs",
        "data",
    }
    provider = recorder.one("pulumi:providers:aws")
    assert json.loads(provider.inputs["defaultTags"])["tags"] == {
        "Project": "wiki",
        "Environment": "dev",
        "Owner": "platform",
    }


def test_every_resource_goes_to_the_one_provider() -> None:
    recorder = deployed("dev")
    provider = recorder.one("pulumi:providers:aws")
    custom = [each for each in recorder.resources if each.custom and each is not provider]
    assert len(custom) > 40
    assert {each.provider.rsplit("::", 1)[0] for each in custom} == {provider.urn}


def test_the_wrong_account_is_refused_by_the_provider(recorder: Recorder) -> None:
    deploy(recorder, {**BASE, "accounts": [ACCOUNT]})
    assert json.loads(recorder.one("pulumi:providers:aws").inputs["allowedAccountIds"]) == [ACCOUNT]


def test_an_absent_section_makes_nothing(recorder: Recorder) -> None:
    deploy(recorder, BASE)
    assert [each.type for each in recorder.resources] == ["pulumi:providers:aws"]


def test_the_archive_takes_the_flow_logs_where_the_stack_says_so(recorder: Recorder) -> None:
    deploy(recorder, {**BASE, "network": {"flowLogs": {"destination": "s3"}}, "logArchive": {}})
    flow_log = recorder.one(":FlowLog")
    assert flow_log.inputs["logDestination"] == "arn:aws:s3:::wiki-dev-log-archive-bucket-1234567/vpc-flow-logs/"
    assert recorder.named("wiki-dev-log-archive-policy").urn in flow_log.dependencies
    assert not recorder.of("key:Key")


def test_flow_logs_in_cloudwatch_are_encrypted_with_a_key_for_this_stacks_groups_only(recorder: Recorder) -> None:
    deploy(recorder, {**BASE, "network": {}})
    group = recorder.one(":LogGroup").inputs
    assert group["kmsKeyId"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:Key/wiki-dev-logs-key"
    use = next(each for each in recorder.one("key:Key").policy()["Statement"] if "Condition" in each)
    patterns = use["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
    assert any(fnmatchcase(arn + group["name"], pattern) for pattern in patterns)
    for other in (group["name"].replace("wiki-dev", "wiki-prod"), "aws-waf-logs-shop-dev-firewall", "somebody-elses"):
        assert not any(fnmatchcase(arn + other, pattern) for pattern in patterns)


def test_buckets_share_a_key_and_send_their_access_logs_to_the_archive(recorder: Recorder) -> None:
    deploy(recorder, {**BASE, "logArchive": {}, "buckets": {"uploads": {}, "backups": {"versioning": False}}})
    assert [key.name for key in recorder.of("key:Key")] == ["wiki-dev-data-key"]
    targets = {each.name: each.inputs["targetBucket"] for each in recorder.of(":BucketLogging")}
    assert targets == {
        f"wiki-dev-{service}-logging": "wiki-dev-log-archive-bucket-1234567" for service in ("backups", "uploads")
    }
    assert recorder.outputs["buckets"] == {s: f"wiki-dev-{s}-bucket-1234567" for s in ("backups", "uploads")}


def test_replicas_have_a_key_in_their_region(recorder: Recorder) -> None:
    deploy(recorder, {**BASE, "buckets": {"wiki": {"replicateTo": "ap-northeast-3"}}})
    key = recorder.named("wiki-dev-data-replica-key")
    assert key.inputs["region"] == "ap-northeast-3"
    [rule] = recorder.one(":BucketReplicationConfig").inputs["rules"]
    assert rule["destination"]["encryptionConfiguration"]["replicaKmsKeyId"].endswith(key.name)


def test_a_free_tier_stack_has_nothing_that_bills_by_the_hour_or_month(recorder: Recorder) -> None:
    deploy(recorder, {**BASE, "freeTier": "true", "network": {}, "logArchive": {}, "buckets": {"uploads": {}}})
    assert not recorder.of(":NatGateway")
    assert not recorder.of("key:Key")
    assert {each.inputs["vpcEndpointType"] for each in recorder.of(":VpcEndpoint")} == {"Gateway"}


def test_the_network_is_exported_for_other_stacks(recorder: Recorder) -> None:
    deploy(recorder, {**BASE, "network": {"endpoints": ["kms"]}})
    assert recorder.outputs["vpcId"] == "wiki-dev-network-vpc-id"
    assert recorder.outputs["privateSubnetIds"] == [f"wiki-dev-network-private-subnet-{n}-id" for n in (1, 2)]
    assert recorder.outputs["interfaceEndpointIds"] == {"kms": "wiki-dev-network-kms-endpoint-id"}


def test_a_stack_can_use_the_network_of_another_and_exports_it_on(recorder: Recorder) -> None:
    exported = {
        "vpcId": "vpc-7",
        "vpcCidr": "10.7.0.0/16",
        "publicSubnetIds": ["subnet-1"],
        "privateSubnetIds": ["subnet-2"],
        "isolatedSubnetIds": [],
    }
    recorder.stacks = {"o/kumiki/network": exported}
    deploy(recorder, {**BASE, "network": {"stack": "o/kumiki/network"}})
    assert not [each for each in recorder.resources if each.type.startswith("aws:")]
    assert {key: recorder.outputs[key] for key in exported} == exported


def test_an_existing_network_is_handed_on_and_not_touched(recorder: Recorder) -> None:
    ids = {"vpcId": "vpc-12345678", "cidr": "10.0.0.0/16", "privateSubnetIds": ["subnet-12345678"]}
    deploy(recorder, {**BASE, "network": {"existing": ids}})
    assert not [each for each in recorder.resources if each.type.startswith("aws:")]
    assert recorder.outputs["privateSubnetIds"] == ["subnet-12345678"]


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"network": {"cidr": "10.0.0.0/26"}}, "kumiki:network.cidr: '10.0.0.0/26' is too small"),
        (
            {"network": {"endpoints": ["ecsPrivat"]}},
            "kumiki:network.endpoints[0]: 'ecsPrivat' is not an endpoint; did you mean 'ecsPrivate'?",
        ),
        (
            {"network": {"tiers": ["public"], "zones": 2, "subnets": {"public": ["10.0.0.0/24", "10.0.0.0/25"]}}},
            "kumiki:network.subnets.public[1]: '10.0.0.0/25' overlaps 10.0.0.0/24",
        ),
        (
            {"buckets": {"uploads": {"lifecycle": [{"transitions": {"GLACIER": 90}, "deleteAfterDays": 30}]}}},
            "kumiki:buckets.uploads.lifecycle[0].deleteAfterDays: 30 must come after",
        ),
    ],
)
def test_a_value_that_only_a_component_can_judge_is_refused_by_its_key_before_anything_exists(
    keys: Config, message: str, recorder: Recorder
) -> None:
    with pytest.raises(SettingsError) as refusal:
        deploy(recorder, {**BASE, "logArchive": {}, **keys})
    [mistake] = refusal.value.mistakes
    assert str(mistake).startswith(message)
    assert recorder.resources == []


def test_what_several_components_refuse_is_named_at_once(recorder: Recorder) -> None:
    lock = {"objectLock": {"mode": "GOVERNANCE", "days": 1}, "versioning": False}
    with pytest.raises(SettingsError) as refusal:
        deploy(recorder, {**BASE, "network": {"endpoints": ["ecs2"]}, "buckets": {"one": lock, "two": lock}})
    assert [mistake.key for mistake in refusal.value.mistakes] == [
        "kumiki:network.endpoints[0]",
        "kumiki:buckets.one.versioning",
        "kumiki:buckets.two.versioning",
    ]


# --- Names -----------------------------------------------------------------------------------------------------------

EVERYTHING: Config = {
    "owner": "platform",
    "network": {
        "endpoints": ["codeartifact.repositories", "sagemaker.featurestore-runtime"],
        "nat": "perZone",
        "zones": 3,
    },
    "logArchive": {},
}


def longest(settings_keys: Config, replicate: bool) -> Config:
    bucket = {"replicateTo": "ap-northeast-3"} if replicate else {}
    return {**EVERYTHING, **settings_keys, "buckets": {"b": bucket}}


@pytest.mark.parametrize("replicate", [False, True])
def test_the_longest_product_that_the_settings_accept_overflows_no_name_and_one_more_is_refused(
    replicate: bool, recorder: Recorder
) -> None:
    def fits(length: int) -> bool:
        try:
            parse(longest({"product": "p" * length, "environment": "staging"}, replicate))
        except SettingsError:
            return False
        return True

    accepted = max(length for length in range(1, 64) if fits(length))
    with pytest.raises(SettingsError, match="AWS allows") as refusal:
        parse(longest({"product": "p" * (accepted + 1), "environment": "staging"}, replicate))
    assert {mistake.key for mistake in refusal.value.mistakes} <= {"kumiki:product", "kumiki:buckets.b"}
    assert accepted >= 20
    deploy(recorder, longest({"product": "p" * accepted, "environment": "staging"}, replicate))
    lengths = [(len(each.name) + 8, NAMES[each.type][1]) for each in recorder.resources if takes_suffix(each)]
    assert all(length <= limit for length, limit in lengths)
    assert any(length == limit for length, limit in lengths), "the settings are stricter than AWS is"


def takes_suffix(resource: Registered) -> bool:
    return resource.type in NAMES and NAMES[resource.type][0] not in resource.inputs


def parse(config: Config) -> None:
    Settings.parse(
        {f"kumiki:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    )


def test_every_argument_that_holds_a_name_is_one_of_the_sdks() -> None:
    unknown = [
        (type_, key)
        for type_, (key, _longest) in NAMES.items()
        if key not in _types.input_type_py_to_pulumi_names(args_class(type_)).values()
        or python_name(key) not in _types.input_type_py_to_pulumi_names(args_class(type_))
    ]
    assert unknown == []


@pytest.mark.parametrize("type_", NAMES)
def test_a_name_of_ones_own_is_checked_by_the_name_that_python_gives_it(type_: str) -> None:
    key, limit = NAMES[type_]
    check_name(type_, "a", {python_name(key): "n" * limit})
    with pytest.raises(ArgumentError, match=f"AWS allows {limit}"):
        check_name(type_, "a", {python_name(key): "n" * (limit + 1)})


def test_the_program_and_the_pack_know_the_same_limits() -> None:
    assert OF_THE_PACK == NAMES
    assert SUFFIX_OF_THE_PACK == SUFFIX_LENGTH


def test_a_name_that_aws_would_refuse_is_refused_with_its_length_and_the_limit() -> None:
    check_name("aws:iam/role:Role", "r" * 56, {})
    with pytest.raises(ArgumentError, match=r"would be 65 characters long, and AWS allows 64; shorten .* by 1"):
        check_name("aws:iam/role:Role", "r" * 57, {})
    check_name("aws:s3/bucket:Bucket", "b" * 90, {"bucket": "short"})
    with pytest.raises(ArgumentError, match="AWS allows 256"):
        check_name("aws:kms/alias:Alias", "a", {"name": "a" * 257})


@pytest.mark.covers("D4")
def test_a_copy_that_lags_is_told_in_its_own_region(recorder: Recorder) -> None:
    wiki = {"buckets": {"wiki": {"replicateTo": "ap-northeast-3"}}, "alerts": {"emails": ["ops@example.com"]}}
    deploy(recorder, {**BASE, **wiki})
    topic = recorder.named("wiki-dev-replica-alerts-warning-topic")
    assert topic.inputs["region"] == recorder.named("wiki-dev-replica-alerts-encryption-key").inputs["region"]
    late = recorder.named("wiki-dev-wiki-replication-late-alarm").inputs
    assert late["region"] == topic.inputs["region"] == "ap-northeast-3"
    assert late["alarmActions"][0].endswith(topic.name)
