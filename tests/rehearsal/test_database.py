"""The databases of dev and prod as they stand after a rehearsal, and what their settings refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rehearsal.conftest import Refuse, Rehearse, Rehearsed

CLASSES = {"dev": "db.t4g.medium", "prod": "db.r6g.large"}
BACKUP_DAYS = {"dev": 7, "prod": 35}
both = pytest.mark.parametrize("name", CLASSES)


def of_type(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return sorted(
        (one for one in done.report["resources"] if one["type"].endswith(ending)), key=lambda one: one["name"]
    )


def one_of(done: Rehearsed, ending: str) -> dict[str, Any]:
    (found,) = of_type(done, ending)
    return found


@pytest.mark.covers("A8")
@both
def test_writer_and_reader_stand_in_different_zones_in_subnets_without_a_way_out(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    writer, reader = of_type(done, "rds/clusterInstance:ClusterInstance")
    assert writer["inputs"]["availabilityZone"] != reader["inputs"]["availabilityZone"]
    group = one_of(done, "rds/subnetGroup:SubnetGroup")
    assert one_of(done, "rds/cluster:Cluster")["inputs"]["dbSubnetGroupName"] == group["id"]
    subnets = {one["id"]: one for one in of_type(done, ":Subnet")}
    stood_in = [subnets[identifier] for identifier in group["inputs"]["subnetIds"]]
    assert {one["inputs"]["availabilityZone"] for one in stood_in} == {
        instance["inputs"]["availabilityZone"] for instance in (writer, reader)
    }
    tables = {
        one["inputs"]["subnetId"]: one["inputs"]["routeTableId"] for one in of_type(done, ":RouteTableAssociation")
    }
    routed = {one["inputs"]["routeTableId"] for one in of_type(done, "ec2/route:Route")}
    assert not {tables[one["id"]] for one in stood_in} & routed
    for instance in (writer, reader):
        assert instance["inputs"]["publiclyAccessible"] is False


@pytest.mark.covers("A8")
@both
def test_the_instances_are_of_the_stacks_class_and_more_readers_come_by_themselves(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    instances = of_type(done, "rds/clusterInstance:ClusterInstance")
    assert [one["inputs"]["instanceClass"] for one in instances] == [CLASSES[name]] * 2
    cluster = one_of(done, "rds/cluster:Cluster")
    (target,) = [one for one in of_type(done, ":Target") if one["inputs"]["serviceNamespace"] == "rds"]
    assert target["inputs"]["resourceId"] == f"cluster:{cluster['id']}"
    assert target["inputs"]["maxCapacity"] > target["inputs"]["minCapacity"] == 1
    (policy,) = [
        one for one in of_type(done, "appautoscaling/policy:Policy") if one["inputs"]["serviceNamespace"] == "rds"
    ]
    assert policy["inputs"]["resourceId"] == target["inputs"]["resourceId"]
    assert policy["inputs"]["policyType"] == "TargetTrackingScaling"


@pytest.mark.covers("A8")
@both
def test_data_backups_and_password_are_encrypted_with_the_stacks_own_key(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    cluster = one_of(done, "rds/cluster:Cluster")["inputs"]
    (key,) = [one for one in of_type(done, "kms/key:Key") if one["name"].endswith("-data-key")]
    assert cluster["storageEncrypted"] is True
    assert cluster["kmsKeyId"] == cluster["masterUserSecretKmsKeyId"] == key["outputs"]["arn"]
    assert cluster["manageMasterUserPassword"] is True
    for instance in of_type(done, "rds/clusterInstance:ClusterInstance"):
        assert instance["inputs"]["performanceInsightsKmsKeyId"] == key["outputs"]["arn"]
    (rotation,) = [
        one
        for one in of_type(done, ":SecretRotation")
        if one["inputs"]["secretId"] == done.report["outputs"]["databaseSecretArn"]
    ]
    assert rotation["inputs"]["rotationRules"]["automaticallyAfterDays"] <= 30
    assert rotation["status"] == "emulated"


@pytest.mark.covers("A8")
@both
def test_it_is_backed_up_and_in_prod_refuses_to_go(name: str, rehearsed: Any) -> None:
    cluster = one_of(rehearsed(name), "rds/cluster:Cluster")
    assert cluster["inputs"]["backupRetentionPeriod"] == BACKUP_DAYS[name]
    assert cluster["inputs"]["copyTagsToSnapshot"] is True
    protected = name == "prod"
    assert cluster["protect"] is cluster["inputs"]["deletionProtection"] is protected
    assert cluster["inputs"]["skipFinalSnapshot"] is not protected
    if protected:
        assert cluster["inputs"]["finalSnapshotIdentifier"].startswith("kumiki-prod-database-final-0"[:-1])


@pytest.mark.covers("A8")
@both
def test_connections_must_use_tls(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    group = one_of(done, ":ClusterParameterGroup")
    assert one_of(done, "rds/cluster:Cluster")["inputs"]["dbClusterParameterGroupName"] == group["id"]
    assert {one["name"]: one["value"] for one in group["inputs"]["parameters"]}["rds.force_ssl"] == "1"


@pytest.mark.covers("A8")
@both
def test_nothing_reaches_the_database_but_the_groups_that_were_let_in(name: str, rehearsed: Any) -> None:
    """Every rule of every group that the cluster has: only 5432, from a group of this stack, never from addresses."""
    done = rehearsed(name)
    groups = one_of(done, "rds/cluster:Cluster")["inputs"]["vpcSecurityGroupIds"]
    assert groups == [done.report["outputs"]["databaseSecurityGroupId"]]
    known = {one["id"] for one in of_type(done, "ec2/securityGroup:SecurityGroup")}
    for one in of_type(done, "ec2/securityGroup:SecurityGroup"):
        if one["id"] in groups:
            assert not {"ingress", "egress"} & set(one["inputs"])
    assert not of_type(done, "securityGroupRule:SecurityGroupRule")
    for rule in of_type(done, ":SecurityGroupIngressRule"):
        if rule["inputs"]["securityGroupId"] not in groups:
            continue
        assert (rule["inputs"]["fromPort"], rule["inputs"]["toPort"], rule["inputs"]["ipProtocol"]) == (
            5432,
            5432,
            "tcp",
        )
        assert rule["inputs"].get("referencedSecurityGroupId") in known
        assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule["inputs"])
    assert not [one for one in of_type(done, ":SecurityGroupEgressRule") if one["inputs"]["securityGroupId"] in groups]


@both
def test_its_log_group_is_ours_with_the_stacks_days(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (group,) = [one for one in of_type(done, ":LogGroup") if one["id"].startswith("/aws/rds/")]
    assert group["id"] == f"/aws/rds/cluster/kumiki-{name}-database/postgresql"
    assert group["inputs"]["retentionInDays"] == {"dev": 7, "prod": 30}[name]


def test_dev_and_prod_differ_in_size_and_care_only(rehearsed: Any) -> None:
    def shape(name: str) -> dict[str, Any]:
        inputs = one_of(rehearsed(name), "rds/cluster:Cluster")["inputs"]
        return {key: value for key, value in inputs.items() if f"kumiki-{name}" not in str(value)}

    dev, prod = shape("dev"), shape("prod")
    assert {key for key in dev.keys() | prod.keys() if dev.get(key) != prod.get(key)} <= {
        "applyImmediately", "backupRetentionPeriod", "deleteAutomatedBackups", "deletionProtection",
        "skipFinalSnapshot", "tags", "tagsAll", "kmsKeyId", "masterUserSecretKmsKeyId", "vpcSecurityGroupIds",
    }  # fmt: skip


# --- The sibling on RDS ----------------------------------------------------------------------------------------------

AROUND = ("network", "alerts")
RDS: dict[str, Any] = {"engine": "rds", "instanceClass": "db.t4g.micro"}


def database(**changes: Any) -> dict[str, Any]:
    return {"kumiki:database": {"engine": "aurora", "instanceClass": "db.t4g.medium", **changes}}


@pytest.mark.covers("B1")
def test_rds_deploys_with_a_standby_encrypted_backed_up_and_with_forced_tls(rehearse_kumiki: Rehearse) -> None:
    storage = {"gib": 50, "maxGib": 200}
    done = rehearse_kumiki(
        {"kumiki:database": {**RDS, "multiAz": True, "storage": storage, "backupDays": 14}}, only=AROUND
    )
    assert done.status == 0, done.text
    made = one_of(done, "rds/instance:Instance")
    assert made["status"] == "emulated"
    inputs = made["inputs"]
    assert (inputs["multiAz"], inputs["storageEncrypted"], inputs["publiclyAccessible"]) == (True, True, False)
    assert (inputs["storageType"], inputs["allocatedStorage"], inputs["maxAllocatedStorage"]) == ("gp3", 50, 200)
    assert inputs["backupRetentionPeriod"] == 14
    group = one_of(done, "rds/parameterGroup:ParameterGroup")
    assert inputs["parameterGroupName"] == group["id"]
    assert {one["name"]: one["value"] for one in group["inputs"]["parameters"]} == {"rds.force_ssl": "1"}
    assert one_of(done, ":SecretRotation")["inputs"]["secretId"] == done.report["outputs"]["databaseSecretArn"]


@pytest.mark.covers("A8", "B1")
@both
def test_pgvector_is_created_by_a_function_that_the_deployment_calls(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    call = one_of(done, ":Invocation")
    assert (call["status"], json.loads(call["inputs"]["input"])) == ("validated", {"extensions": ["vector"]})
    (function,) = [
        one for one in of_type(done, "lambda/function:Function") if one["name"].startswith(call["name"][:25])
    ]
    assert call["inputs"]["functionName"] == function["id"]
    cluster = one_of(done, "rds/cluster:Cluster")
    told = function["inputs"]["environment"]["variables"]
    assert told["DATABASE_HOST"] == cluster["outputs"]["endpoint"] == call["inputs"]["triggers"]["database"]
    assert told["DATABASE_SECRET_ARN"] == done.report["outputs"]["databaseSecretArn"]
    assert set(told) == {"DATABASE_HOST", "DATABASE_NAME", "DATABASE_PORT", "DATABASE_SECRET_ARN"}
    # It stands where Secrets Manager and the database let it in: see also the rules of reachability.
    (own,) = function["inputs"]["vpcConfig"]["securityGroupIds"]
    (guard,) = cluster["inputs"]["vpcSecurityGroupIds"]
    opened = {
        (one["inputs"]["securityGroupId"], one["inputs"].get("referencedSecurityGroupId"), one["inputs"]["fromPort"])
        for one in (*of_type(done, ":SecurityGroupIngressRule"), *of_type(done, ":SecurityGroupEgressRule"))
    }
    assert {(guard, own, 5432), (own, guard, 5432)} <= opened
    (endpoint,) = [
        one for one in of_type(done, ":VpcEndpoint") if one["inputs"]["serviceName"].endswith(".secretsmanager")
    ]
    (endpoints,) = endpoint["inputs"]["securityGroupIds"]
    assert (own, endpoints, 443) in opened


@pytest.mark.parametrize(
    "settings",
    [
        {"readers": 0},
        {"readers": 3, "readerScaling": {"maxReaders": 5}},
        {"serverless": {"minUnits": 0.5, "maxUnits": 4}},
        {"version": "16.6"},
        {"version": "17", "allowMajorUpgrade": True},
    ],
    ids=str,
)
def test_other_shapes_of_aurora_deploy(settings: dict[str, Any], rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki(database(**settings), only=AROUND)
    assert done.status == 0, done.text


@pytest.mark.covers("A8")
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            {**database(readers=1), "kumiki:network": {"zones": 1}},
            ["kumiki:database.readers: 1 must stand in another zone", "network.zones is 1", "use 2"],
        ),
        (
            {"kumiki:database": RDS, "kumiki:network": {"zones": 1}},
            ["kumiki:database: needs subnets in two zones", "set it to 2"],
        ),
        (database(version="17.99"), ["kumiki:database.version: '17.99' is not a version", "did you mean '17.7'?"]),
        (database(version="99"), ["kumiki:database.version: '99'", "did you mean '17'?"]),
        (
            database(instanceClass="db.r6g.larg"),
            ["kumiki:database.instanceClass: 'db.r6g.larg'", "did you mean 'db.r6g.large'?"],
        ),
        (database(instanceClass="m5.large"), ["kumiki:database.instanceClass: 'm5.large'", "did you mean"]),
        (
            database(extensions=["pgvector"]),
            ["kumiki:database.extensions[0]: 'pgvector' is not an extension", "did you mean 'vector'?"],
        ),
        (
            {"kumiki:database": {**RDS, "extensions": ["vector"]}, "kumiki:network": {"nat": "none", "endpoints": []}},
            ["kumiki:network.endpoints: lacks secretsmanager", "what creates the database's extensions"],
        ),
        (database(readers=99), ["kumiki:database.readers: 99 is not allowed; use 0 to 15"]),
        (database(readerScaling={"maxReaders": 0}), ["kumiki:database.readerScaling.maxReaders: 0", "use 1"]),
        (database(multiAz=True), ["kumiki:database.multiAz: true is for the engine rds"]),
        ({"kumiki:database": {**RDS, "readers": 1}}, ["kumiki:database.readers: 1 is for the engine aurora"]),
        (database(backupDays=0), ["kumiki:database.backupDays: 0 is not allowed; use 1 to 35 days"]),
        ({**database(), "kumiki:network": None}, ["kumiki:database: stands in a network, which is missing"]),
        (
            {"kumiki:database": {"engine": "mysql", "instanceClass": "x"}},
            ["kumiki:database.engine: 'mysql' is not allowed; use aurora or rds"],
        ),
        ({"kumiki:database": {}}, ["kumiki:database.instanceClass: is missing"]),
    ],
)
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said


# --- Cache, secrets and parameters -----------------------------------------------------------------------------------


@pytest.mark.covers("B10")
@both
def test_secrets_and_parameters_are_there_and_encrypted_with_the_stacks_key(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (key,) = [one for one in of_type(done, "kms/key:Key") if one["name"].endswith("-data-key")]
    for one in of_type(done, "secretsmanager/secret:Secret"):
        assert (one["status"], one["inputs"]["kmsKeyId"]) == ("emulated", key["outputs"]["arn"])
    made = {one["id"]: one["inputs"] for one in of_type(done, "ssm/parameter:Parameter")}
    assert all(path.startswith(f"/kumiki/{name}/") for path in made)
    endpoint = made[f"/kumiki/{name}/database/endpoint"]
    assert (endpoint["type"], endpoint["keyId"]) == ("SecureString", key["outputs"]["arn"])
    # Where the password lies is no secret: a report that hid it would help nobody.
    told = made[f"/kumiki/{name}/database/secret-arn"]
    assert told["insecureValue"] == done.report["outputs"]["databaseSecretArn"]
    assert told["insecureValue"].startswith("arn:aws:secretsmanager:")


@pytest.mark.covers("B3")
def test_prod_has_a_cache_that_fails_over_and_only_takes_tls(rehearsed: Any) -> None:
    done = rehearsed("prod")
    made = one_of(done, ":ReplicationGroup")
    assert made["status"] == "emulated"
    inputs = made["inputs"]
    assert (inputs["transitEncryptionMode"], inputs["atRestEncryptionEnabled"]) == ("required", True)
    assert (inputs["automaticFailoverEnabled"], inputs["multiAzEnabled"], inputs["numCacheClusters"]) == (True, True, 2)
    assert inputs["snapshotRetentionLimit"] == 7
    assert made["protect"]
    (alone,) = of_type(rehearsed("dev"), ":ReplicationGroup")
    assert alone["inputs"]["automaticFailoverEnabled"] is False


@pytest.mark.covers("B3")
def test_a_cache_in_cluster_mode_deploys(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki(
        {"kumiki:cache": {"engine": "redis", "nodeType": "cache.r7g.large", "shards": 2}}, only=AROUND
    )
    assert done.status == 0, done.text


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"kumiki:cache": {"nodeType": "cache.t4g.tiny"}}, ["kumiki:cache.nodeType: 'cache.t4g.tiny'", "did you mean"]),
        (
            {"kumiki:cache": {"nodeType": "cache.t4g.micro"}, "kumiki:network": {"zones": 1}},
            ["kumiki:cache.replicas: 1 must stand in another zone, and network.zones is 1; use 2, or replicas: 0"],
        ),
        ({"kumiki:cache": {"nodeType": "cache.t4g.micro", "version": "9.9"}}, ["kumiki:cache.version: '9.9'", "8.0"]),
        (
            {"kumiki:secrets": {"session-key": {"description": "x", "length": 1}}},
            ["kumiki:secrets.session-key.length: 1 is not"],
        ),
        (
            {"kumiki:parameters": {"values": {"api/log-level": "INFO", "/x": "y"}}},
            ["kumiki:parameters.values: '/x' is not a name"],
        ),
    ],
)
def test_a_mistake_in_another_store_is_refused_too(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said
