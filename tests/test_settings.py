"""What a stack's YAML may say, and how each mistake in it is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from api.requests import PROBES as OF_THE_API

from settings import Settings, SettingsError
from settings.application import PROBES
from settings.free_tier import FreeTierSettings
from settings.network import NetworkSettings
from tests.conftest import Recorder
from tests.stack_files import mistakes as of_config
from tests.stack_files import whole_config

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
    assert settings.free_tier == FreeTierSettings(plan="legacy")
    assert not settings.own_keys
    assert settings.network
    assert settings.network.zones == 3
    assert settings.network.flow_logs.aggregation_seconds == 60
    assert settings.buckets["uploads"].lifecycle[0].transitions == {"GLACIER": 90}


DATABASE = {"engine": "rds", "instanceClass": "db.t3.micro"}


@pytest.mark.covers("E5", "E13")
@pytest.mark.parametrize(
    ("plan", "days", "retention", "refused"),
    [
        ("free", 7, "protected", "database.backupDays: 7 is more than the 1 day"),
        ("free", None, "ephemeral", "database.backupDays: 7, which it is if left out, is more than the 1 day"),
        ("free", 1, "protected", None),
        ("paid", 7, "protected", None),
        ("legacy", 7, "protected", None),
    ],
)
def test_backups_that_rds_refuses_on_the_accounts_plan_are_refused_before(
    plan: str, days: int | None, retention: str, refused: str | None
) -> None:
    given = config(
        freeTier={"plan": plan},
        retention=retention,
        network={"tiers": ["public", "isolated"]},
        database={**DATABASE, **({} if days is None else {"backupDays": days})},
    )
    if refused is None:
        Settings.parse(given)
        return
    with pytest.raises(SettingsError) as error:
        Settings.parse(given)
    assert refused in str(error.value)
    assert "FreeTierRestrictionError" in str(error.value)
    assert "set freeTier.plan to paid" in str(error.value)


@pytest.mark.parametrize(
    ("written", "plan"), [("true", "legacy"), ("false", None), ({"plan": "paid"}, "paid"), ({}, "legacy")]
)
def test_the_accounts_plan_may_be_left_out(written: Any, plan: str | None) -> None:
    found = Settings.parse(config(freeTier=written)).free_tier
    assert (found.plan if found else None) == plan


@pytest.fixture
def fastly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another provider's package, installed."""
    (tmp_path / "pulumi_fastly.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)


def test_a_stack_is_read_from_pulumis_configuration(recorder: Recorder, fastly: None) -> None:
    del recorder, fastly
    pulumi.runtime.set_all_config({**config(), "fastly:host": "x", "pulumi:disable-default-providers": '["aws"]'})
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


def test_a_stack_may_be_where_its_residency_says() -> None:
    regions = ["eu-west-1", "eu-west-3"]
    settings = Settings.parse(
        config(region="eu-west-1", residency={"regions": regions}, buckets={"a": {"replicateTo": "eu-west-3"}})
    )
    assert (settings.region, settings.residency.regions) == ("eu-west-1", regions)


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
        ("'production' is not allowed; did you mean 'prod'? use prod, staging, dev or test",),
    ),
    ({"product": "Wiki"}, "kumiki:product", ("'Wiki' is not allowed", "lower-case letters")),
    ({"product": "wiki-"}, "kumiki:product", ("not ending with a hyphen",)),
    ({"region": "ap-northeast-11"}, "kumiki:region", ("not an AWS region", "did you mean 'ap-northeast-1'?")),
    (
        {"region": "eu-west-1"},
        "kumiki:region",
        ("eu-west-1 is not a region in which", "use ap-northeast-1, ap-northeast-3"),
    ),
    (
        {"residency": {"regions": ["eu-west-1", "eu-west-3"]}, "region": "eu-central-1"},
        "kumiki:region",
        ("use eu-west-1, eu-west-3, or add it to residency.regions",),
    ),
    ({"residency": {"regions": ["eu-west-11"]}}, "kumiki:residency.regions[0]", ("did you mean 'eu-west-1'?",)),
    ({"residency": {"regions": []}}, "kumiki:residency.regions", ("write 1 or more",)),
    (
        {"buckets": {"a": {"replicateTo": "us-west-2"}}},
        "kumiki:buckets.a.replicateTo",
        ("us-west-2 is not a region in",),
    ),
    (
        {"tables": {"a": {"attributes": {"k": "S"}, "hashKey": "k", "replicas": ["us-west-2"]}}},
        "kumiki:tables.a.replicas[0]",
        ("us-west-2 is not a region in",),
    ),
    ({"retention": "keep"}, "kumiki:retention", ("'keep' is not allowed; use protected or ephemeral",)),
    ({"freeTier": "maybe"}, "kumiki:freeTier", ("'maybe' is not allowed", "{plan: free}")),
    ({"freeTier": {"plan": "trial"}}, "kumiki:freeTier.plan", ("'trial' is not allowed; use free, paid or legacy",)),
    ({"accounts": ["12"]}, "kumiki:accounts[0]", ("12 digits",)),
    ({"accounts": "123456789012x"}, "kumiki:accounts", ("write a list",)),
    ({"logs": {"retentionDays": 8}}, "kumiki:logs.retentionDays", ("8 is not allowed; use 1, 3, 5, 7",)),
    ({"logs": "7"}, "kumiki:logs", ("write keys and values",)),
    ({"networks": {}}, "kumiki:networks", ("not a known section", "did you mean 'network'?")),
    ({"freetier": "true"}, "kumiki:freetier", ("did you mean 'freeTier'?",)),
    ({"network": "{not json"}, "kumiki:network", ("write keys and values",)),
    ({"network": {"zone": 2}}, "kumiki:network.zone", ("not a known key", "did you mean 'zones'?")),
    ({"network": {"zones": 0}}, "kumiki:network.zones", ("0 is not allowed; use 1, 2 or 3",)),
    ({"network": {"zones": 9}}, "kumiki:network.zones", ("9 is not allowed; use 1, 2 or 3",)),
    ({"network": {"cidr": "ten"}}, "kumiki:network.cidr", ("'ten' is not an IPv4 CIDR",)),
    ({"network": {"cidr": "10.0.0.0"}}, "kumiki:network.cidr", ("AWS allows /16 to /28",)),
    ({"network": {"cidr": "10.0.0.0/8"}}, "kumiki:network.cidr", ("AWS allows /16 to /28",)),
    ({"network": {"cidr": "10.0.0.1/16"}}, "kumiki:network.cidr", ("use 10.0.0.0/16",)),
    ({"network": {"nat": "one"}}, "kumiki:network.nat", ("use none, single, perZone or regional",)),
    ({"network": {"tiers": ["pubic"]}}, "kumiki:network.tiers[0]", ("use public, private or isolated",)),
    (
        {"network": {"flowLogs": {"destinaton": "s3"}}},
        "kumiki:network.flowLogs.destinaton",
        ("did you mean 'destination'?",),
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
    ({"buckets": {"uploads": {"lifecyle": []}}}, "kumiki:buckets.uploads.lifecyle", ("did you mean 'lifecycle'?",)),
    (
        {"buckets": {"uploads": {"lifecycle": [{"transitions": {"GLACIR": 9}}]}}},
        "kumiki:buckets.uploads.lifecycle[0].transitions.GLACIR",
        ("'GLACIR' is not allowed; did you mean 'GLACIER'?",),
    ),
    (
        {"buckets": {"uploads": {"objectLock": {"mode": "NONE", "days": 1}}}},
        "kumiki:buckets.uploads.objectLock.mode",
        ("use GOVERNANCE or COMPLIANCE",),
    ),
    (
        {"buckets": {"uploads": {"noncurrentDays": 0}}},
        "kumiki:buckets.uploads.noncurrentDays",
        ("0 is not allowed; use 1 to 36500 days",),
    ),
    ({"keys": {"rotationDays": 30}}, "kumiki:keys.rotationDays", ("use 90 to 2560 days",)),
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


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        (
            "kumki:database",
            ("a namespace that nobody reads", "did you mean 'kumiki:database'?", "kumiki, pulumi, policy"),
        ),
        ("awss:region", ("a namespace that nobody reads",)),
        ("a.b:c", ("a namespace that nobody reads",)),
        ("pulumi:disable-default-provider", ("is not read; did you mean 'disable-default-providers'?",)),
        ("policy:exemption", ("is not read; did you mean 'exemptions'?",)),
    ],
)
def test_a_key_that_nobody_reads_is_refused_with_the_nearest_that_somebody_does(
    key: str, parts: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.parse({**config(), key: "{}"})
    (mistake,) = refusal.value.mistakes
    assert mistake.key == key
    for part in parts:
        assert part in mistake.message


def test_keys_of_pulumi_of_policies_and_of_installed_providers_are_theirs(fastly: None) -> None:
    del fastly
    theirs = ("pulumi:autonaming", "pulumi:something-new", "policy:other", "aws-native:region", "fastly:host")
    with pytest.raises(SettingsError) as refusal:
        Settings.parse({**config(), **dict.fromkeys(theirs, "x")})
    assert [mistake.key for mistake in refusal.value.mistakes] == ["aws-native:region"], "not installed here"


@pytest.mark.parametrize(
    ("network", "lacking"),
    [
        ({"endpoints": ["ecsPrivate"]}, ["ssmmessages"]),
        ({"endpoints": ["ecsPrivate", "ssmmessages"]}, []),
        ({"endpoints": ["ecsPrivate", "ecsExec"]}, []),
        # A bundle for something else, which has the service too.
        ({"endpoints": ["ecsPrivate", "ssmSession"]}, []),
        ({"nat": "single"}, []),
    ],
)
def test_a_shell_takes_the_endpoint_that_it_needs_from_any_bundle(network: dict[str, Any], lacking: list[str]) -> None:
    assert NetworkSettings.model_validate(network).lacks("ssmmessages") == lacking
    api = {"tag": "1", "cpu": 256, "memory": 512, "shellAccess": True}
    stack = {"network": network, "logArchive": {}, "services": {"api": api}}
    if lacking:
        assert [*mistakes(**stack)] == ["kumiki:services.api.shellAccess"]
    else:
        assert Settings.parse(config(**stack)).services["api"].shell_access


NETWORK = {"cidr": "10.0.0.0/16"}
JOBS = {"jobs": {"consumerTimeoutSeconds": 30}}
GUARD = {"monthlyLimitUsd": 9, "emails": ["platform@example.com"]}
OTHER = {
    **BASE,
    "network": NETWORK,
    "buckets": {"uploads": {}, "reports": {}},
    "services": {"web": {"tag": "1", "cpu": 256, "memory": 512}},
}


@pytest.mark.parametrize(
    ("changes", "both"),
    [
        ({}, "network, buckets.uploads, a key for data, a key for logs, a cluster, a dashboard"),
        ({"network": {"stack": "o/p/s"}}, "buckets.uploads, a key for data, a cluster, a dashboard"),
        ({"buckets": {"reports": {}}, "network": {"existing": {}}, "services": {}, "keys": {"own": False}}, None),
        ({"environment": "staging"}, None),
        ({"product": "forum"}, None),
        ({"region": "ap-northeast-3"}, None),
        ({"accounts": [210987654321]}, None),
        (
            {"accounts": ["123456789012"]},
            "network, buckets.uploads, a key for data, a key for logs, a cluster, a dashboard",
        ),
        # Budgets have no region.
        ({"region": "ap-northeast-3", "costGuard": GUARD}, "costGuard"),
        ({"buckets": None, "network": None, "services": {}, "logs": {"retentionDays": 7}}, None),
        # Nothing of the same name, and still a key called alias/wiki-dev-data beside ours.
        ({"buckets": {"reports": {}}, "network": None, "services": {}}, "a key for data"),
        ({"buckets": {}, "network": None, "keys": {"own": False}}, "a cluster, a dashboard"),
        ({"buckets": {}, "network": None, "services": {}, "queues": JOBS, "keys": {"own": False}}, "a dashboard"),
        # What cannot be read as settings is compared as it stands.
        ({"network": None, "services": {}, "retention": "sometimes"}, "buckets.uploads"),
    ],
)
def test_two_stacks_do_not_make_the_same_things(changes: dict[str, Any], both: str | None) -> None:
    ours = config(
        network={**NETWORK, "endpoints": ["ecsPrivate"]},
        buckets={"uploads": {}},
        logArchive={},
        services={"api": {"tag": "1", "cpu": 256, "memory": 512}},
        costGuard=GUARD,
        logs={"retentionDays": 7},
        accounts=["123456789012"],
    )
    others = {"copy": {**OTHER, **changes}, "prod": {**OTHER, "environment": "prod"}}
    if both is None:
        assert Settings.parse(ours, others=others).product == "wiki"
        return
    with pytest.raises(SettingsError) as refusal:
        Settings.parse(ours, others=others)
    (mistake,) = refusal.value.mistakes
    assert mistake.key == "kumiki:environment"
    assert f"the stack copy is too (Pulumi.copy.yaml), and both have {both}, under the same names" in mistake.message


def test_the_other_stacks_are_the_files_beside_this_ones(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del recorder
    for name in ("copy", pulumi.get_stack()):
        (tmp_path / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": config(buckets={"uploads": {}})}))
    (tmp_path / "Pulumi.copy.yaml").write_text(
        yaml.safe_dump({"config": {"kumiki:product": "wiki", "environment": "dev", "kumiki:buckets": {"uploads": {}}}})
    )
    (tmp_path / "Pulumi.broken.yaml").write_text("config: [")
    (tmp_path / "Pulumi.empty.yaml").write_text("")
    monkeypatch.setattr(pulumi.runtime, "get_root_directory", lambda: str(tmp_path))
    pulumi.runtime.set_all_config(config(buckets={"uploads": {}}))
    with pytest.raises(SettingsError, match=r"Pulumi\.copy\.yaml\), and both have buckets\.uploads"):
        Settings.load()


def test_a_secret_is_refused_and_never_shown() -> None:
    values = {**config(environment="hunter2"), "kumiki:network": '{"cidr": "s3cret"}'}
    with pytest.raises(SettingsError) as refusal:
        Settings.parse(values, secrets=["kumiki:environment", "kumiki:network"])
    assert "hunter2" not in str(refusal.value)
    assert "s3cret" not in str(refusal.value)
    assert "is a secret" in str(refusal.value)


HOURS = {"days": ["MON"], "from": "09:00", "to": "19:00"}
SMALL: dict[str, Any] = {
    "network": {"zones": 2, "tiers": ["public", "private", "isolated"]},
    "retention": "ephemeral",
    "database": {"engine": "rds", "instanceClass": "db.t4g.micro", "backupWindow": "03:00-04:00"},
}


def test_office_hours_within_which_the_backup_is_made_are_taken() -> None:
    found = Settings.parse(config(**SMALL, officeHours=HOURS)).office_hours
    assert found is not None
    assert (found.start, found.stop, found.closed_days[0]) == (540, 1140, "TUE")


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"database": None}, "officeHours", "has nothing to stop"),
        ({"environment": "prod"}, "officeHours", "would stop production every night"),
        (
            {"database": {**SMALL["database"], "backupWindow": "16:00-17:00"}},
            "database.backupWindow",
            "01:00 in Asia/Tokyo",
        ),
        (
            {"database": {**SMALL["database"], "backupWindow": "09:45-10:15"}},
            "database.backupWindow",
            "19:15 in Asia/Tokyo",
        ),
        (
            {"database": {**SMALL["database"], "backupWindow": "03:00-03:10"}},
            "database.backupWindow",
            "shorter than 30",
        ),
        (
            {"database": {**SMALL["database"], "backupWindow": "17:45-18:15"}, "officeHours": None},
            "database.backupWindow",
            "overlaps the maint",
        ),
        ({"database": {**SMALL["database"], "backupWindow": "3-4"}}, "database.backupWindow", "use two times of day"),
        (
            {"host": {"tag": "1.0.0", "retention": "protected"}, "logArchive": {}},
            "officeHours",
            "cannot stop a protected host",
        ),
        (
            {"databaseCopy": {"expression": "cron(0 4 ? * SUN *)"}},
            "databaseCopy.expression",
            "starts SUN 04:00, outside",
        ),
    ],
)
def test_office_hours_that_would_break_something_are_refused(changes: dict[str, Any], key: str, words: str) -> None:
    assert words in mistakes(**{**SMALL, "officeHours": HOURS, **changes})[f"kumiki:{key}"]


def test_what_nobody_has_judged_the_token_of_is_no_path_on_which_names_are_believed() -> None:
    """The program reads who asks from the token; the load balancer judges none on public paths."""
    dev = whole_config("dev")
    services = dev["kumiki:services"]
    traffic = {**services["api"]["traffic"], "public": {"priority": 90, "paths": ["/health", "/pages/*"]}}
    changed = {**dev, "kumiki:services": {**services, "api": {**services["api"], "traffic": traffic}}}
    found = of_config({key: one if isinstance(one, str) else json.dumps(one) for key, one in changed.items()})

    assert [one.key for one in found] == ["kumiki:services.api.traffic.public.paths"]
    assert found[0].message.startswith("/pages/*: of these nobody has judged the token")


def test_the_paths_without_a_name_are_those_of_the_program() -> None:
    assert PROBES == OF_THE_API
