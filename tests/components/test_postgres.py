"""PostgreSQL on Aurora and on RDS: what each promises, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.data.aurora import AuroraPostgres
from components.data.aurora_args import AuroraPostgresArgs, ReaderScaling, Serverless
from components.data.postgres import Postgres, PostgresArgs, Storage
from components.data.postgres_offer import MEMORY_GIB, class_mistakes, max_connections, version_mistakes
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from tests.conftest import Recorder
from tests.networks import existing_network

NAME = "wiki-dev-database"
KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/data"
LOG_KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/logs"
KEYS: dict[str, Any] = {"key": ExistingKey(arn=KEY), "log_key": ExistingKey(arn=LOG_KEY)}
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def aurora_args(**changes: Any) -> AuroraPostgresArgs:
    return AuroraPostgresArgs(**{"instance_class": "db.t4g.medium", **changes})


def rds_args(**changes: Any) -> PostgresArgs:
    return PostgresArgs(**{"instance_class": "db.t4g.micro", **changes})


def aurora(*subnet_ids: str, **changes: Any) -> AuroraPostgres:
    return AuroraPostgres(NAME, aurora_args(**changes), network=existing_network(*subnet_ids), **KEYS)


def rds(**changes: Any) -> Postgres:
    return Postgres(NAME, rds_args(**changes), network=existing_network(), **KEYS)


MAKERS: dict[str, tuple[Callable[..., Any], str]] = {"aurora": (aurora, ":Cluster"), "rds": (rds, ":Instance")}
either = pytest.mark.parametrize(("make", "type_"), MAKERS.values(), ids=MAKERS)


# --- Both ------------------------------------------------------------------------------------------------------------


@either
def test_it_is_encrypted_backed_up_and_its_password_is_seen_by_nobody(
    make: Callable[..., Any], type_: str, recorder: Recorder
) -> None:
    made = recorder.run(make).one(type_).inputs
    assert made["storageEncrypted"] is True
    assert made["kmsKeyId"] == made["masterUserSecretKmsKeyId"] == KEY
    assert made["manageMasterUserPassword"] is True
    assert not {"password", "masterPassword"} & set(made)
    assert made["backupRetentionPeriod"] >= 14
    assert made["copyTagsToSnapshot"] is True
    assert made["iamDatabaseAuthenticationEnabled"] is True
    assert made["applyImmediately"] is False
    assert not made.get("publiclyAccessible")


@either
def test_every_connection_must_use_tls(make: Callable[..., Any], type_: str, recorder: Recorder) -> None:
    recorder.run(make)
    group = recorder.one("ParameterGroup")
    assert "name" not in group.inputs, "Pulumi names it, because another family replaces it"
    assert {one["name"]: one["value"] for one in group.inputs["parameters"]}["rds.force_ssl"] == "1"
    used = recorder.one(type_).inputs
    assert used.get("dbClusterParameterGroupName", used.get("parameterGroupName")) == group.name


@either
def test_nobody_gets_in_until_one_group_does_and_then_only_to_the_port(
    make: Callable[..., Any], type_: str, recorder: Recorder
) -> None:
    recorder.run(lambda: make().allow_from("sg-api", "api"))
    group = recorder.one(":SecurityGroup")
    assert recorder.one(type_).inputs["vpcSecurityGroupIds"] == [f"{group.name}-id"]
    rule = recorder.one("gressRule").inputs
    assert rule == {
        "securityGroupId": f"{group.name}-id",
        "referencedSecurityGroupId": "sg-api",
        "ipProtocol": "tcp",
        "fromPort": 5432,
        "toPort": 5432,
        "description": "PostgreSQL from api",
    }


@either
def test_without_allow_from_there_is_no_rule_at_all(make: Callable[..., Any], type_: str, recorder: Recorder) -> None:
    del type_
    assert recorder.run(make).of("gressRule") == []


@either
def test_a_role_may_read_this_password_and_nothing_more(
    make: Callable[..., Any], type_: str, recorder: Recorder
) -> None:
    del type_

    def program() -> None:
        make().grant_connect(aws.iam.Role("caller", assume_role_policy="{}"))

    policy = recorder.run(program).one(":RolePolicy").policy()
    decrypt, read = sorted(policy["Statement"], key=lambda one: one["Sid"])
    assert read["Action"] == ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    assert ":secret:rds!" in read["Resource"]
    assert (decrypt["Action"], decrypt["Resource"]) == ("kms:Decrypt", KEY)
    assert decrypt["Condition"] == {"StringEquals": {"kms:EncryptionContext:SecretARN": read["Resource"]}}


@either
def test_the_password_changes_every_month_without_a_function(
    make: Callable[..., Any], type_: str, recorder: Recorder
) -> None:
    del type_
    rotation = recorder.run(make).one(":SecretRotation").inputs
    assert rotation["rotationRules"] == {"automaticallyAfterDays": 30}
    assert "rotationLambdaArn" not in rotation


@either
def test_protected_leaves_a_snapshot_whose_name_is_its_own_and_ephemeral_leaves_nothing(
    make: Callable[..., Any], type_: str, recorder: Recorder, request: pytest.FixtureRequest
) -> None:
    made = recorder.run(make).one(type_)
    assert made.protect
    assert made.inputs["deletionProtection"] is True
    assert made.inputs["skipFinalSnapshot"] is made.inputs["deleteAutomatedBackups"] is False
    assert made.inputs["finalSnapshotIdentifier"] == f"{NAME}-final-{NAME}-security-group-id"
    second: Recorder = request.getfixturevalue("previewer")
    gone = second.run(lambda: make(retention="ephemeral")).one(type_)
    assert not gone.protect
    assert gone.inputs["deletionProtection"] is False
    assert gone.inputs["skipFinalSnapshot"] is gone.inputs["deleteAutomatedBackups"] is True
    assert "finalSnapshotIdentifier" not in gone.inputs


@either
@pytest.mark.parametrize(
    ("changes", "ignored"),
    [({"version": "17"}, True), ({"version": "17.5"}, False), ({"version": "17", "allow_major_upgrade": True}, False)],
)
def test_a_version_is_ours_only_if_pinned(
    make: Callable[..., Any], type_: str, changes: dict[str, Any], *, ignored: bool, recorder: Recorder
) -> None:
    made = recorder.run(lambda: make(**changes)).one(type_)
    assert ("engineVersion" in made.ignore_changes) is ignored
    assert made.inputs["engineVersion"] == changes["version"]
    every = [made, *recorder.of(":ClusterInstance")]
    assert {one.inputs["autoMinorVersionUpgrade"] for one in every if "autoMinorVersionUpgrade" in one.inputs} == {
        "." not in changes["version"]
    }


@either
def test_its_log_groups_exist_before_it_with_a_limit_of_days(
    make: Callable[..., Any], type_: str, recorder: Recorder
) -> None:
    recorder.run(lambda: make(log_retention_days=7))
    made = recorder.one(type_)
    kind = "cluster" if type_ == ":Cluster" else "instance"
    groups = recorder.of(":LogGroup")
    logs = made.inputs["enabledCloudwatchLogsExports"]
    assert {one.inputs["name"] for one in groups} == {f"/aws/rds/{kind}/{NAME}/{log}" for log in logs}
    for one in groups:
        assert (one.inputs["retentionInDays"], one.inputs["kmsKeyId"]) == (7, LOG_KEY)
        assert one.urn in made.dependencies


@either
def test_its_alarms_know_how_many_connections_it_takes(
    make: Callable[..., Any], type_: str, recorder: Recorder
) -> None:
    del type_
    recorder.run(lambda: make(instance_class="db.t4g.medium").alarms(TOPICS))
    alarm = recorder.named(f"{NAME}-connections-alarm").inputs
    assert alarm["threshold"] == round(450 * 0.8)
    assert alarm["alarmActions"] == [TOPICS.critical]
    assert {one.inputs["metricName"] for one in recorder.of(":MetricAlarm")} >= {"CPUUtilization"}


# --- Aurora ----------------------------------------------------------------------------------------------------------


def test_writer_and_readers_stand_in_the_zones_of_the_subnets_in_turn(recorder: Recorder) -> None:
    recorder.run(lambda: aurora(readers=2))
    first, second, third = recorder.of(":ClusterInstance")
    zones = [one.inputs["availabilityZone"] for one in (first, second, third)]
    assert zones == ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1a"]
    assert [one.inputs["promotionTier"] for one in (first, second, third)] == [0, 1, 2]
    assert first.urn in second.dependencies, "what is there first becomes the writer"
    for one in (first, second, third):
        assert one.inputs["publiclyAccessible"] is False
        assert one.inputs["performanceInsightsEnabled"] is True
        assert one.inputs["performanceInsightsKmsKeyId"] == KEY
        assert one.inputs["engineVersion"] == recorder.one(":Cluster").inputs["engineVersion"]


def test_a_reader_in_the_only_zone_is_refused_even_if_only_aws_knows_the_zones(recorder: Recorder) -> None:
    with pytest.raises(pulumi.RunError, match="the subnets are all in ap-northeast-1a; use readers: 0"):
        recorder.run(lambda: aurora("subnet-1", "subnet-1"))


def test_aurora_adds_readers_by_their_load_and_removes_them_slowly(recorder: Recorder) -> None:
    recorder.run(lambda: aurora(reader_scaling=ReaderScaling(max_readers=4)))
    target, policy = recorder.one(":Target").inputs, recorder.one("appautoscaling/policy:Policy").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (1, 4)
    assert target["resourceId"] == policy["resourceId"] == f"cluster:{NAME}"
    assert target["scalableDimension"] == policy["scalableDimension"] == "rds:cluster:ReadReplicaCount"
    tracking = policy["targetTrackingScalingPolicyConfiguration"]
    assert tracking["predefinedMetricSpecification"] == {"predefinedMetricType": "RDSReaderAverageCPUUtilization"}
    assert tracking["scaleInCooldown"] > tracking["scaleOutCooldown"]
    assert {one.urn for one in recorder.of(":ClusterInstance")} <= set(recorder.one(":Target").dependencies)


def test_serverless_changes_the_class_of_every_instance(recorder: Recorder) -> None:
    recorder.run(lambda: aurora(serverless=Serverless(min_units=0.5, max_units=4)))
    assert {one.inputs["instanceClass"] for one in recorder.of(":ClusterInstance")} == {"db.serverless"}
    capacity = recorder.one(":Cluster").inputs["serverlessv2ScalingConfiguration"]
    assert capacity == {"minCapacity": 0.5, "maxCapacity": 4}


@pytest.mark.parametrize("readers", [0, 1])
def test_lag_is_watched_where_there_is_a_reader(readers: int, recorder: Recorder) -> None:
    recorder.run(lambda: aurora(readers=readers).alarms(TOPICS))
    watched = {one.inputs["metricName"] for one in recorder.of(":MetricAlarm")}
    assert {"DatabaseConnections", "FreeLocalStorage", "CPUUtilization"} <= watched
    assert ("AuroraReplicaLagMaximum" in watched) is bool(readers)


# --- RDS -------------------------------------------------------------------------------------------------------------


def test_on_rds_standby_and_growth_are_off_until_asked_for(recorder: Recorder, request: pytest.FixtureRequest) -> None:
    made = recorder.run(rds).one(":Instance").inputs
    assert (made["storageType"], made["allocatedStorage"], made["multiAz"]) == ("gp3", 20, False)
    assert "maxAllocatedStorage" not in made
    second: Recorder = request.getfixturevalue("previewer")
    larger = second.run(lambda: rds(multi_az=True, storage=Storage(max_gib=100))).one(":Instance").inputs
    assert (larger["multiAz"], larger["maxAllocatedStorage"]) == (True, 100)


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "changes", "field", "words"),
    [
        (aurora_args, {"version": "17.99"}, "version", "did you mean '17.7'?"),
        (aurora_args, {"version": "99"}, "version", "did you mean '17'?"),
        (aurora_args, {"version": "sixteen"}, "version", "did you mean '"),
        (aurora_args, {"version": "18.1"}, "version", "did you mean '17."),
        (rds_args, {"version": "16.7"}, "version", "did you mean '16."),
        (aurora_args, {"instance_class": "db.r6g.larg"}, "instance_class", "did you mean 'db.r6g.large'?"),
        (aurora_args, {"instance_class": "db.m6g.large"}, "instance_class", "did you mean 'db."),
        (aurora_args, {"instance_class": "db.t4g.micro"}, "instance_class", "did you mean 'db."),
        (aurora_args, {"instance_class": "db.serverless"}, "instance_class", "add serverless"),
        (rds_args, {"instance_class": "db.serverless"}, "instance_class", "is not an instance class of postgres"),
        (aurora_args, {"readers": 16}, "readers", "use 0 to 15"),
        (aurora_args, {"readers": 2, "reader_scaling": ReaderScaling(max_readers=1)}, "reader_scaling.max_readers",
         "use 2 (readers) to 15"),
        (aurora_args, {"readers": 0, "reader_scaling": ReaderScaling(max_readers=2)}, "readers", "use 1"),
        (aurora_args, {"user": "rdsadmin"}, "user", "is reserved"),
        (aurora_args, {"database": "my-app"}, "database", "letters, digits and _"),
        (aurora_args, {"backup_days": 0}, "backup_days", "use 1 to 35 days"),
        (aurora_args, {"backup_days": 36}, "backup_days", "use 1 to 35 days"),
        (rds_args, {"rotation_days": 0}, "rotation_days", "use 1 to 1000 days"),
        (rds_args, {"storage": {"gib": 19}}, "storage.gib", "use 20 to 65536 GiB"),
        (rds_args, {"storage": {"gib": 100, "max_gib": 105}}, "storage.max_gib", "a tenth more"),
    ],
)  # fmt: skip
def test_what_aws_would_refuse_is_refused_first(
    make: Callable[..., Any], changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(ArgumentError) as refusal:
        make(**changes)
    assert refusal.value.field == field
    assert words in refusal.value.reason


def test_serverless_capacity_is_in_halves() -> None:
    for least, most in ((0.4, 1), (0.5, 0.75), (2, 1), (1, 300)):
        with pytest.raises(ArgumentError):
            Serverless(min_units=least, max_units=most)


def test_known_versions_and_classes_pass() -> None:
    for version in ("17", "17.5", "16.6", "15"):
        assert not list(version_mistakes("aurora-postgresql", version))
    assert not list(version_mistakes("postgres", "18"))
    for class_ in ("db.t4g.medium", "db.r6g.large", "db.serverless"):
        assert not list(class_mistakes("aurora-postgresql", class_))
    for class_ in ("db.t3.micro", "db.t3.small", "db.m7g.xlarge"):
        assert not list(class_mistakes("postgres", class_))


def test_a_network_without_a_group_for_databases_is_refused(recorder: Recorder) -> None:
    def program() -> None:
        Postgres(NAME, rds_args(), network=existing_network(database_subnet_group_name=None))

    with pytest.raises(ArgumentError, match="give its name, or two zones"):
        recorder.run(program)


@pytest.mark.parametrize(("retention", "days"), [("protected", 35), ("ephemeral", 7)])
def test_how_long_backups_are_kept_depends_on_what_the_database_is_worth(retention: Any, days: int) -> None:
    assert rds_args(retention=retention).kept_days == days
    assert aurora_args(retention=retention, backup_days=1).kept_days == 1


def test_memory_and_connections_are_those_that_aws_documents() -> None:
    memory = MEMORY_GIB["aurora-postgresql"]
    assert (memory["db.t4g.medium"], memory["db.r6g.large"], memory["db.r6g.4xlarge"]) == (4, 16, 128)
    assert (max_connections(1), max_connections(16), max_connections(512)) == (112, 1802, 5000)
