"""What a stack's YAML may say, and how each mistake in it is named."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from settings import Settings, SettingsError
from tests.conftest import Recorder

BASE = {"product": "wiki", "environment": "dev", "owner": "platform"}


def config(**keys: Any) -> dict[str, str]:
    """Settings as the engine passes them: everything a string, objects and lists as JSON."""

    def text(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value)

    return {f"kumiki:{key}": text(value) for key, value in {**BASE, **keys}.items() if value is not None}


def mistakes(**keys: Any) -> dict[str, str]:
    with pytest.raises(SettingsError) as refusal:
        Settings.parse(config(**keys))
    return {mistake.key: mistake.message for mistake in refusal.value.mistakes}


def test_the_least_that_a_stack_must_say() -> None:
    settings = Settings.parse(config())
    assert (settings.region, settings.retention, settings.network, settings.log_archive) == (
        "ap-northeast-1",
        "protected",
        None,
        None,
    )
    assert settings.own_keys


def test_values_arrive_as_text_and_become_what_they_mean() -> None:
    settings = Settings.parse(
        config(
            freeTier="true",
            accounts=["123456789012"],
            logs={"retentionDays": 7},
            network={"zones": 3, "flowLogs": {"aggregationSeconds": 60}},
            buckets={"uploads": {"lifecycle": [{"transitions": {"GLACIER": 90}}]}},
        )
    )
    assert settings.free_tier is True
    assert not settings.own_keys
    assert settings.network
    assert settings.network.zones == 3
    assert settings.network.flow_logs.aggregation_seconds == 60
    assert settings.buckets["uploads"].lifecycle[0].transitions == {"GLACIER": 90}


def test_a_stack_is_read_from_pulumis_configuration(recorder: Recorder) -> None:
    del recorder
    pulumi.runtime.set_all_config({**config(), "other:key": "x", "pulumi:disable-default-providers": '["aws"]'})
    assert Settings.load().product == "wiki"


def test_a_stack_is_read_from_what_the_engine_passes(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    del recorder
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config(owner="finance")))
    assert Settings.load().owner == "finance"


def test_a_project_of_another_name_has_a_namespace_of_its_own() -> None:
    renamed = {key.replace("kumiki:", "fork:"): value for key, value in config().items()}
    assert Settings.parse(renamed, project="fork").product == "wiki"
    with pytest.raises(SettingsError, match="fork:product"):
        Settings.parse({}, project="fork")


def test_settings_cannot_change() -> None:
    with pytest.raises(Exception, match="frozen"):
        Settings.parse(config()).product = "other"  # pyright: ignore[reportAttributeAccessIssue]


TABLE: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    ({"product": None}, "kumiki:product", ("is missing", "product: wiki")),
    ({"owner": None}, "kumiki:owner", ("is missing",)),
    ({"owner": ""}, "kumiki:owner", ("an empty value is not allowed",)),
    ({"environment": None}, "kumiki:environment", ("is missing",)),
    (
        {"environment": "production"},
        "kumiki:environment",
        ("production is not allowed; use prod, staging, dev or test",),
    ),
    ({"product": "Wiki"}, "kumiki:product", ("Wiki is not allowed", "lower-case letters")),
    ({"product": "wiki-"}, "kumiki:product", ("not ending with a hyphen",)),
    ({"region": "ap-northeast-11"}, "kumiki:region", ("not an AWS region", "did you mean ap-northeast-1?")),
    ({"retention": "keep"}, "kumiki:retention", ("keep is not allowed; use protected or ephemeral",)),
    ({"freeTier": "maybe"}, "kumiki:freeTier", ("maybe must be a valid boolean",)),
    ({"accounts": ["12"]}, "kumiki:accounts[0]", ("12 digits",)),
    ({"accounts": "123456789012x"}, "kumiki:accounts", ("write a list",)),
    ({"logs": {"retentionDays": 8}}, "kumiki:logs.retentionDays", ("8 is not allowed; use 1, 3, 5, 7",)),
    ({"logs": "7"}, "kumiki:logs", ("write keys and values",)),
    ({"networks": {}}, "kumiki:networks", ("not a known section", "did you mean network?")),
    ({"freetier": "true"}, "kumiki:freetier", ("did you mean freeTier?",)),
    ({"network": "{not json"}, "kumiki:network", ("write keys and values",)),
    ({"network": {"zone": 2}}, "kumiki:network.zone", ("not a known key of kumiki:network", "did you mean zones?")),
    ({"network": {"zones": 0}}, "kumiki:network.zones", ("0 is not allowed; use 1, 2 or 3",)),
    ({"network": {"zones": 9}}, "kumiki:network.zones", ("9 is not allowed; use 1, 2 or 3",)),
    ({"network": {"cidr": "ten"}}, "kumiki:network.cidr", ("ten is not an IPv4 CIDR",)),
    ({"network": {"cidr": "10.0.0.0"}}, "kumiki:network.cidr", ("AWS allows /16 to /28",)),
    ({"network": {"cidr": "10.0.0.0/8"}}, "kumiki:network.cidr", ("AWS allows /16 to /28",)),
    ({"network": {"cidr": "10.0.0.1/16"}}, "kumiki:network.cidr", ("use 10.0.0.0/16",)),
    ({"network": {"nat": "one"}}, "kumiki:network.nat", ("use none, single, perZone or regional",)),
    ({"network": {"tiers": ["pubic"]}}, "kumiki:network.tiers[0]", ("use public, private or isolated",)),
    (
        {"network": {"flowLogs": {"destinaton": "s3"}}},
        "kumiki:network.flowLogs.destinaton",
        ("did you mean destination?",),
    ),
    (
        {"network": {"flowLogs": {"destination": "none"}}},
        "kumiki:network.flowLogs.destination",
        ("use cloudwatch or s3",),
    ),
    ({"network": {"stack": "network"}}, "kumiki:network.stack", ("organization/project/stack",)),
    (
        {"network": {"existing": {"vpcId": "vpc-1", "cidr": "10.0.0.0/16"}}},
        "kumiki:network.existing.vpcId",
        ("an id as AWS gives it",),
    ),
    ({"network": {"existing": {"vpcId": "vpc-12345678"}}}, "kumiki:network.existing.cidr", ("is missing",)),
    ({"buckets": {"Uploads": {}}}, "kumiki:buckets.Uploads", ("lower-case letters",)),
    ({"buckets": {"uploads": {"lifecyle": []}}}, "kumiki:buckets.uploads.lifecyle", ("did you mean lifecycle?",)),
    (
        {"buckets": {"uploads": {"lifecycle": [{"transitions": {"GLACIR": 9}}]}}},
        "kumiki:buckets.uploads.lifecycle[0].transitions.GLACIR",
        ("GLACIR is not allowed; use STANDARD_IA",),
    ),
    (
        {"buckets": {"uploads": {"objectLock": {"mode": "NONE", "days": 1}}}},
        "kumiki:buckets.uploads.objectLock.mode",
        ("use GOVERNANCE or COMPLIANCE",),
    ),
    (
        {"buckets": {"uploads": {"noncurrentDays": 0}}},
        "kumiki:buckets.uploads.noncurrentDays",
        ("0 must be greater than or equal to 1",),
    ),
    ({"keys": {"rotationDays": 30}}, "kumiki:keys.rotationDays", ("greater than or equal to 90",)),
    # What is allowed by itself but not together.
    ({"freeTier": "true", "network": {"nat": "single"}}, "kumiki:network.nat", ("freeTier is true; use none",)),
    ({"freeTier": "true", "network": {"endpoints": ["ecr.api"]}}, "kumiki:network.endpoints", ("ecr.api", "use []")),
    ({"freeTier": "true", "keys": {"own": True}}, "kumiki:keys.own", ("use false",)),
    (
        {"freeTier": "true", "buckets": {"a": {"replicateTo": "ap-northeast-3"}}},
        "kumiki:buckets.a.replicateTo",
        ("costs money",),
    ),
    ({"network": {"stack": "o/p/s", "cidr": "10.0.0.0/16"}}, "kumiki:network.cidr", ("remove this key or stack",)),
    (
        {"network": {"existing": {"vpcId": "vpc-12345678", "cidr": "10.0.0.0/16"}, "flowLogs": {}}},
        "kumiki:network.flowLogs",
        ("remove this key or existing",),
    ),
    (
        {"network": {"existing": {"vpcId": "vpc-12345678", "cidr": "10.0.0.0/16"}, "stack": "o/p/s"}},
        "kumiki:network.stack",
        ("keep one of them",),
    ),
    ({"network": {"nat": "single", "tiers": ["private"]}}, "kumiki:network.nat", ("add public to tiers",)),
    (
        {"network": {"flowLogs": {"destination": "s3"}}},
        "kumiki:network.flowLogs.destination",
        ("add logArchive: {}",),
    ),
    ({"logArchive": {"deleteAfterDays": 90}}, "kumiki:logArchive.deleteAfterDays", ("must come after", "which is 90")),
    (
        {"buckets": {"a": {"replicateTo": "ap-northeast-1"}}},
        "kumiki:buckets.a.replicateTo",
        ("the stack's own region",),
    ),
    (
        {"keys": {"own": False}, "buckets": {"a": {"replicateTo": "ap-northeast-3"}}},
        "kumiki:buckets.a.replicateTo",
        ("set keys.own to true",),
    ),
    ({"buckets": {"network": {}}}, "kumiki:buckets.network", ("choose another",)),
    ({"buckets": {"u" * 60: {}}}, f"kumiki:buckets.{'u' * 60}", ("AWS allows 63", "84 characters", "by 21")),
    ({"product": "p" * 40, "network": {}}, "kumiki:product", ("AWS allows 64", "74 characters", "by 10")),
]


@pytest.mark.parametrize(
    ("keys", "key", "parts"), TABLE, ids=[f"{row[1]}-{number}" for number, row in enumerate(TABLE)]
)
def test_a_mistake_is_named_by_its_key_with_what_is_allowed(
    keys: dict[str, Any], key: str, parts: tuple[str, ...]
) -> None:
    found = mistakes(**keys)
    assert set(found) == {key}
    for part in parts:
        assert part in found[key], found[key]


def test_every_mistake_is_named_at_once() -> None:
    found = mistakes(product=None, environment="live", network={"zones": 9, "cider": "x"}, bucket={})
    assert set(found) == {
        "kumiki:product",
        "kumiki:environment",
        "kumiki:network.zones",
        "kumiki:network.cider",
        "kumiki:bucket",
    }


def test_the_error_reads_as_a_list_and_needs_no_stack_trace() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.parse(config(network={"zones": 9}), stack="prod")
    assert str(refusal.value) == (
        "the settings of stack prod have 1 mistake:\n  kumiki:network.zones: 9 is not allowed; use 1, 2 or 3"
    )
    assert isinstance(refusal.value, pulumi.RunError)


def test_keys_of_the_aws_provider_are_refused_because_nothing_reads_them() -> None:
    with pytest.raises(SettingsError, match=r"aws:region: is not read.*kumiki:region"):
        Settings.parse({**config(), "aws:region": "us-east-1"})


def test_a_secret_is_refused_and_never_shown() -> None:
    values = {**config(environment="hunter2"), "kumiki:network": '{"cidr": "s3cret"}'}
    with pytest.raises(SettingsError) as refusal:
        Settings.parse(values, secrets=["kumiki:environment", "kumiki:network"])
    assert "hunter2" not in str(refusal.value)
    assert "s3cret" not in str(refusal.value)
    assert "is a secret" in str(refusal.value)
