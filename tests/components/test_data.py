"""Cache, secrets and parameters: what each promises, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.data.cache import Cache
from components.data.cache_args import CacheArgs
from components.data.parameters import ParameterTree, ParameterTreeArgs
from components.data.secrets import Rotation, Secret, SecretSet, SecretSetArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from tests.conftest import Recorder
from tests.networks import existing_network

KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/data"
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def role() -> aws.iam.Role:
    return aws.iam.Role("caller", assume_role_policy="{}")


# --- Cache -----------------------------------------------------------------------------------------------------------


def cache_args(**changes: Any) -> CacheArgs:
    return CacheArgs(**{"node_type": "cache.t4g.micro", **changes})


def cache(**changes: Any) -> Cache:
    return Cache("wiki-dev-cache", cache_args(**changes), network=existing_network(), key=ExistingKey(arn=KEY))


@pytest.mark.covers("B3")
def test_a_cache_takes_tls_only_and_is_encrypted(recorder: Recorder) -> None:
    made = recorder.run(cache).one(":ReplicationGroup").inputs
    assert (made["transitEncryptionEnabled"], made["transitEncryptionMode"]) == (True, "required")
    assert (made["atRestEncryptionEnabled"], made["kmsKeyId"]) == (True, KEY)
    assert recorder.one(":Secret").inputs["kmsKeyId"] == KEY


@pytest.mark.covers("B3")
@pytest.mark.parametrize(("engine", "version"), [("valkey", "8.0"), ("redis", "7.1")])
def test_one_user_gets_in_by_its_password_and_awss_own_does_not(engine: str, version: str, recorder: Recorder) -> None:
    made = recorder.run(lambda: cache(engine=engine, version=version)).one(":ReplicationGroup").inputs
    group, users = recorder.one(":UserGroup"), {one.inputs["userName"]: one.inputs for one in recorder.of(":User")}
    assert made["userGroupIds"] == [group.inputs["userGroupId"]]
    assert "authToken" not in made, "a token would let in whoever has it as a user who may do everything"
    assert set(users) == {"app", "default"}
    assert sorted(group.inputs["userIds"]) == sorted(one["userId"] for one in users.values())
    assert {group.inputs["engine"], *(one["engine"] for one in users.values())} == {engine}
    words = {name: one["accessString"].split() for name, one in users.items()}
    assert words["default"] == ["off", "~*", "-@all"]
    assert words["app"][0] == "on"
    assert {"-@admin", "-@dangerous"} <= set(words["app"])
    for one in users.values():
        # A secret of the state; and Valkey takes no user without a password.
        assert one["authenticationMode"]["value"] == {"type": "password", "passwords": ["r4nd0m"]}


def test_a_version_that_aws_may_raise_is_left_where_aws_has_taken_it(recorder: Recorder) -> None:
    floating = recorder.run(cache).one(":ReplicationGroup")
    assert (floating.inputs["engineVersion"], floating.inputs["autoMinorVersionUpgrade"]) == ("8.0", True)
    # Read back as 8.1, 8.0 would be a downgrade, for which the provider makes another cache.
    assert floating.ignore_changes == ["engineVersion"]


def test_a_version_that_is_named_is_kept_and_can_be_raised(recorder: Recorder) -> None:
    pinned = recorder.run(lambda: cache(version="8.1")).one(":ReplicationGroup")
    assert (pinned.inputs["engineVersion"], pinned.inputs["autoMinorVersionUpgrade"]) == ("8.1", False)
    assert pinned.ignore_changes == []


@pytest.mark.covers("B3")
def test_the_secret_says_who_signs_in_and_how_and_keeps_its_first_value(recorder: Recorder) -> None:
    version = recorder.run(cache).one(":SecretVersion")
    assert json.loads(version.inputs["secretString"]["value"]) == {"username": "app", "password": "r4nd0m"}
    assert version.ignore_changes == ["secretString"]
    # Its password is not the secret's, so a new one at each run must not reach it.
    (off,) = [one for one in recorder.of(":User") if one.inputs["userName"] == "default"]
    assert off.ignore_changes == ["authenticationMode"]


@pytest.mark.covers("B3")
def test_a_replica_takes_over_and_without_one_nothing_can(recorder: Recorder, request: pytest.FixtureRequest) -> None:
    two = recorder.run(cache).one(":ReplicationGroup").inputs
    assert (two["numCacheClusters"], two["automaticFailoverEnabled"], two["multiAzEnabled"]) == (2, True, True)
    other: Recorder = request.getfixturevalue("previewer")
    one = other.run(lambda: cache(replicas=0)).one(":ReplicationGroup").inputs
    assert (one["numCacheClusters"], one["automaticFailoverEnabled"], one["multiAzEnabled"]) == (1, False, False)


@pytest.mark.covers("B3")
def test_cluster_mode_spreads_the_keys_and_fails_over(recorder: Recorder) -> None:
    made = recorder.run(lambda: cache(engine="redis", version="7.1", shards=2)).one(":ReplicationGroup").inputs
    assert (made["numNodeGroups"], made["replicasPerNodeGroup"]) == (2, 1)
    assert "numCacheClusters" not in made
    assert made["automaticFailoverEnabled"] is True
    assert made["parameterGroupName"] == "default.redis7.cluster.on"


def test_only_the_port_is_open_and_only_to_the_group_that_was_let_in(recorder: Recorder) -> None:
    recorder.run(lambda: cache().allow_from("sg-api", "api"))
    rule = recorder.one("gressRule").inputs
    assert (rule["fromPort"], rule["toPort"], rule["referencedSecurityGroupId"]) == (6379, 6379, "sg-api")
    assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule)


def test_every_node_is_watched(recorder: Recorder) -> None:
    recorder.run(lambda: cache(shards=2).alarms(TOPICS))
    watched = {one.inputs["dimensions"]["CacheClusterId"] for one in recorder.of(":MetricAlarm")}
    assert watched == {f"wiki-dev-cache-{shard}-{node}" for shard in ("0001", "0002") for node in ("001", "002")}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"engine": "memcached"}, "engine", "use valkey or redis"),
        ({"version": "7.1"}, "version", "use 7.2, 8.0"),
        ({"version": 8.0}, "version", "needs quotation marks"),
        ({"node_type": "cache.t4g.tiny"}, "node_type", "did you mean 'cache.t4g.micro'?"),
        ({"replicas": 6}, "replicas", "use 0 to 5"),
        ({"shards": 50}, "shards", "makes 100 nodes; use 1 to 90"),
        ({"shards": 1, "replicas": 0}, "replicas", "whose failover has nothing to go to"),
        ({"snapshot_days": 0}, "snapshot_days", "use 1 to 35 days"),
    ],
)
def test_a_cache_refuses_what_aws_would(changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ArgumentError) as refusal:
        cache_args(**changes)
    assert refusal.value.field == field
    assert words in refusal.value.reason


# --- Secrets ---------------------------------------------------------------------------------------------------------


def secrets(**changes: Any) -> SecretSet:
    rotation = Rotation(function_arn="arn:aws:lambda:ap-northeast-1:123456789012:function:rotate", days=30)
    of = {
        "session-key": Secret(description="Signs cookies", length=64),
        "token": Secret(description="Of somebody else", generate=False),
        "password": Secret(description="Changes", rotation=rotation),
    }
    args = SecretSetArgs(**{"secrets": of, **changes})
    return SecretSet("wiki-dev-secrets", args, key=ExistingKey(arn=KEY))


@pytest.mark.covers("B10")
def test_secrets_are_encrypted_made_at_random_and_named_anew_each_time(recorder: Recorder) -> None:
    recorder.run(secrets)
    for one in recorder.of(":Secret"):
        assert one.inputs["kmsKeyId"] == KEY
        assert "name" not in one.inputs
        assert one.inputs["recoveryWindowInDays"] == 30
    values = recorder.of(":SecretVersion")
    assert [one.name for one in values] == ["wiki-dev-secrets-password-version", "wiki-dev-secrets-session-key-version"]
    assert all(one.ignore_changes == ["secretString"] for one in values)


@pytest.mark.covers("B10")
def test_a_secret_is_rotated_by_its_function_once_it_has_a_value(recorder: Recorder) -> None:
    rotation = recorder.run(secrets).one(":SecretRotation")
    assert rotation.inputs["rotationLambdaArn"].endswith(":function:rotate")
    assert rotation.inputs["rotationRules"] == {"automaticallyAfterDays": 30}
    assert recorder.named("wiki-dev-secrets-password-version").urn in rotation.dependencies


def test_an_ephemeral_secret_is_gone_at_once(recorder: Recorder) -> None:
    recorder.run(lambda: secrets(retention="ephemeral"))
    assert {one.inputs["recoveryWindowInDays"] for one in recorder.of(":Secret")} == {0}


def test_a_role_reads_the_secrets_it_was_given_and_no_other(recorder: Recorder) -> None:
    recorder.run(lambda: secrets().grant_read(role(), "session-key"))
    decrypt, read = sorted(recorder.one(":RolePolicy").policy()["Statement"], key=lambda one: one["Sid"])
    assert len(read["Resource"]) == 1
    assert "session-key" in read["Resource"][0]
    assert decrypt["Condition"]["StringEquals"]["kms:EncryptionContext:SecretARN"] == read["Resource"]


def test_a_secret_that_is_not_there_cannot_be_granted(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="did you mean 'session-key'"):
        recorder.run(lambda: secrets().grant_read(role(), "session-kye"))


def test_secrets_refuse_what_aws_would() -> None:
    for make in (
        lambda: Secret(description="x", length=7),
        lambda: Rotation(function_arn="arn:aws:lambda:ap-northeast-1:123456789012:function:x", days=0),
        lambda: Rotation(function_arn="x"),
        lambda: SecretSetArgs(secrets={"Not-This": Secret(description="x")}),
    ):
        with pytest.raises(ArgumentError):
            make()
    assert SecretSetArgs(secrets={"a": Secret(description="x")}).secrets, "one letter is a name"


# --- Parameters ------------------------------------------------------------------------------------------------------


def parameters(path: str = "/wiki/dev", values: Any = None, secure: Any = None) -> ParameterTree:
    args = ParameterTreeArgs(values=values or {"api/log-level": "INFO"})
    secure = secure or {"db/host": "h"}
    return ParameterTree("wiki-dev-parameters", args, path=path, secure=secure, key=ExistingKey(arn=KEY))


@pytest.mark.covers("B10")
def test_parameters_stand_in_one_tree_the_secure_ones_under_the_own_key(recorder: Recorder) -> None:
    recorder.run(parameters)
    made = {one.inputs["name"]: one.inputs for one in recorder.of(":Parameter")}
    assert set(made) == {"/wiki/dev/api/log-level", "/wiki/dev/db/host"}
    plain = made["/wiki/dev/api/log-level"]
    assert (plain["type"], plain["insecureValue"]) == ("String", "INFO")
    assert (made["/wiki/dev/db/host"]["type"], made["/wiki/dev/db/host"]["keyId"]) == ("SecureString", KEY)


def test_a_role_reads_its_branch_and_nothing_more(recorder: Recorder) -> None:
    recorder.run(lambda: parameters().grant_read(role(), "api"))
    here = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/wiki/dev/api"
    decrypt, read = sorted(recorder.one(":RolePolicy").policy()["Statement"], key=lambda one: one["Sid"])
    assert read["Resource"] == [here, f"{here}/*"]
    assert set(read["Action"]) == {"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"}
    assert decrypt["Condition"] == {"StringLike": {"kms:EncryptionContext:PARAMETER_ARN": [here, f"{here}/*"]}}


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "wiki"},
        {"path": "/aws/wiki"},
        {"values": {"/a": "b"}},
        {"values": {"a": ""}},
        {"values": {"a": "b" * 4097}},
        {"values": {"/".join("a" * 14): "b"}},
        {"values": {"a": "b"}, "secure": {"a": "b"}},
        {"secure": {"/a": "b"}},
    ],
    ids=str,
)
def test_parameters_refuse_what_aws_would(changes: dict[str, Any], recorder: Recorder) -> None:
    with pytest.raises(ArgumentError):
        recorder.run(lambda: parameters(**changes))
    assert not recorder.of(":Parameter")


def test_parameters_may_be_as_deep_as_aws_lets_them(recorder: Recorder) -> None:
    recorder.run(lambda: parameters(values={"/".join("a" * 13): "b"}))
    assert "/wiki/dev/" + "/".join("a" * 13) in {one.inputs["name"] for one in recorder.of(":Parameter")}
