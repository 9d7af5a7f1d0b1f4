"""What holds for every component at once; a new component is judged as soon as it is written."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pulumi
import pulumi_aws as aws
import pytest

import components
from components.alarms import AlarmTopics
from components.analytics.data_lake import DataLake, DataLakeArgs, LakeTable
from components.analytics.job_code import JobCode, JobCodeArgs
from components.analytics.lake_formation import LakeFormation, LakeFormationArgs
from components.analytics.log_export import LogExport, LogExportArgs
from components.analytics.log_table import LogTable, LogTableArgs
from components.analytics.spark_job import DatabaseConnection, DatabaseConnectionArgs, SparkJob, SparkJobArgs
from components.analytics.table_export import TableExport, TableExportArgs
from components.analytics.workgroup import Results
from components.compute.cluster import Cluster, ClusterArgs
from components.compute.free_tier_host import FreeTierHost, FreeTierHostArgs, HostDatabase
from components.compute.function import Function, FunctionArgs
from components.compute.log_router import LogRouter, LogRouterArgs
from components.compute.package import Package
from components.compute.repository import Repository, RepositoryArgs
from components.compute.scaling import Scaling
from components.compute.service import Image, Service, ServiceArgs
from components.compute.traffic import Traffic
from components.data.aurora import AuroraPostgres, AuroraPostgresArgs, ReaderScaling
from components.data.bucket import Bucket, BucketArgs, ObjectLock, Replica
from components.data.cache import Cache, CacheArgs
from components.data.lifecycle import LifecycleRule
from components.data.master_password import MasterPassword, MasterPasswordArgs
from components.data.parameters import ParameterTree, ParameterTreeArgs
from components.data.postgres import Postgres, PostgresArgs
from components.data.secrets import Rotation, Secret, SecretSet, SecretSetArgs
from components.data.table import Replica as TableReplica
from components.data.table import Table, TableArgs
from components.data.table_keys import Index, LocalIndex
from components.data.table_scaling import CapacityRange, Provisioned
from components.delivery.amplify_app import AmplifyApp, AmplifyAppArgs
from components.delivery.build import Build, BuildArgs
from components.delivery.deploy_role import DeployedService, DeployRole, DeployRoleArgs
from components.edge.api import ApiDomain, Cors
from components.edge.api_log_role import ApiLogRole, ApiLogRoleArgs
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.http_api import HttpApi, HttpApiArgs, JwtAuthorizer
from components.edge.load_balancer import LoadBalancer, LoadBalancerArgs
from components.edge.rest_api import CognitoAuthorizer, RestApi, RestApiArgs
from components.edge.routes import ApiRoute
from components.edge.site_args import StaticSiteArgs
from components.edge.site_routes import ApiOrigin
from components.edge.static_site import StaticSite
from components.edge.web_acl import WebAcl, WebAclArgs
from components.edge.web_socket_api import WebSocketApi, WebSocketApiArgs
from components.identity.key import Key, KeyArgs, ServiceUse
from components.identity.user_pool import Client, GitHub, Google, UserPool, UserPoolArgs
from components.messaging.event_bus import EventBus, EventBusArgs
from components.messaging.event_route import EventRoute, EventRouteArgs
from components.messaging.queue import Queue, QueueArgs, Sender
from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.target import Target
from components.messaging.workflow import Workflow, WorkflowArgs
from components.network.network import ExistingNetwork
from components.network.vpc import Vpc, VpcArgs
from components.operations.account_baseline import AccountBaseline, AccountBaselineArgs
from components.operations.backup import Backup, BackupArgs, Copy
from components.operations.cost_guard import CostGuard, CostGuardArgs
from components.operations.dashboard import Dashboard, DashboardArgs
from components.operations.database_copy import DatabaseDump, DatabaseDumpArgs, SnapshotExport, SnapshotExportArgs
from components.operations.database_extensions import DatabaseExtensions, DatabaseExtensionsArgs
from components.operations.error_log_alarm import ErrorLogAlarm, ErrorLogAlarmArgs
from components.operations.topics import Slack, Topics, TopicsArgs
from tests.conftest import Recorder
from tests.functions import tiny_package, zipped

ROOT = Path(__file__).resolve().parent.parent
NAME = "wiki-dev-part"


def _role() -> aws.iam.Role:
    return aws.iam.Role("wiki-dev-caller-role", assume_role_policy="{}")


def _key(transform: Any) -> None:
    args = KeyArgs(
        description="x",
        log_groups=["/x"],
        services=[ServiceUse(principal="sns.amazonaws.com", source_arn="arn:aws:sns:::x")],
        transform=transform,
    )
    Key(NAME, args).grant_encrypt(_role())


def _bucket(transform: Any) -> None:
    args = BucketArgs(
        key_arn="arn:aws:kms:::key/1",
        intelligent_tiering=True,
        object_lock=ObjectLock(mode="GOVERNANCE", days=1),
        replica=Replica(region="ap-northeast-3", key_arn="arn:aws:kms:::key/2"),
        access_log_bucket="logs",
        lifecycle=[LifecycleRule(prefix="tmp/", delete_after_days=1)],
        transform=transform,
    )
    Bucket(NAME, args).grant_read(_role())


def _vpc(transform: Any) -> None:
    Vpc(NAME, VpcArgs(nat="single", endpoints=["kms"], transform=transform))


TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def _aurora(transform: Any) -> None:
    args = AuroraPostgresArgs(
        vpc_id="vpc-1",
        subnet_ids=["subnet-1", "subnet-2"],
        subnet_group_name="databases",
        reader_scaling=ReaderScaling(max_readers=3),
        instance_class="db.r6g.large",
        key_arn="arn:aws:kms:::key/1",
        transform=transform,
    )
    made = AuroraPostgres(NAME, args)
    made.allow_from("sg-1", "api")
    made.grant_connect(_role())
    made.alarms(TOPICS)


def _postgres(transform: Any) -> None:
    args = PostgresArgs(vpc_id="vpc-1", subnet_group_name="databases", transform=transform)
    made = Postgres(NAME, args)
    made.allow_from("sg-1", "api")
    made.grant_connect(_role())
    made.alarms(TOPICS)


def _master_password(transform: Any) -> None:
    args = MasterPasswordArgs(parameter="/wiki/dev/master", key_arn="arn:aws:kms:::key/1", transform=transform)
    MasterPassword(NAME, args).grant_read(_role())


def _snapshot_export(transform: Any) -> None:
    args = SnapshotExportArgs(
        bucket_name="copies",
        bucket_arn="arn:aws:s3:::copies",
        key_arn="arn:aws:kms:::key/1",
        database_identifier="wiki-dev-database",
        database_arn="arn:aws:rds:::db:wiki-dev-database",
        transform=transform,
    )
    SnapshotExport(NAME, args).grant_run(_role())


def _database_dump(transform: Any) -> None:
    args = DatabaseDumpArgs(
        bucket_name="copies",
        bucket_arn="arn:aws:s3:::copies",
        instance_id="i-1",
        host_role=_role(),
        transform=transform,
    )
    made = DatabaseDump(NAME, args)
    made.grant_run(args.host_role)


def _topics(transform: Any) -> None:
    slack = Slack(workspace_id="T1", channel_id="C1")
    Topics(NAME, TopicsArgs(stem="wiki-dev", emails=["a@example.com"], slack=slack, transform=transform))


def _cache(transform: Any) -> None:
    made = Cache(NAME, CacheArgs(vpc_id="vpc-1", subnet_ids=["subnet-1", "subnet-2"], transform=transform))
    made.allow_from("sg-1", "api")
    made.grant_connect(_role())
    made.alarms(TOPICS)


def _secrets(transform: Any) -> None:
    rotation = Rotation(function_arn="arn:aws:lambda:::function:rotate")
    args = SecretSetArgs(secrets={"key": Secret(description="x", rotation=rotation)}, transform=transform)
    SecretSet(NAME, args).grant_read(_role(), "key")


def _parameters(transform: Any) -> None:
    args = ParameterTreeArgs(path="/wiki/dev", values={"a": "b"}, secure={"c/d": "e"}, transform=transform)
    ParameterTree(NAME, args).grant_read(_role())


def _table(transform: Any) -> None:
    # A table with capacity that scales has no replicas: one of each.
    units = CapacityRange(minimum=1, maximum=10)
    scaled = TableArgs(
        attributes={"id": "S", "order": "N"},
        hash_key="id",
        indexes={"by-order": Index(hash_key="order")},
        provisioned=Provisioned(read=units, write=units),
        key_arn="arn:aws:kms:::key/1",
        transform=transform,
    )
    copied = TableArgs(
        attributes={"id": "S", "kind": "S", "order": "N"},
        hash_key="id",
        range_key="kind",
        local_indexes={"by-order": LocalIndex(range_key="order")},
        replicas=[TableReplica(region="ap-northeast-3")],
        transform=transform,
    )
    role = _role()
    for made in (Table(NAME, scaled), Table(f"{NAME}-copied", copied)):
        made.grant_read_write(role)
        made.alarms(TOPICS)


def _load_balancer(transform: Any) -> None:
    args = LoadBalancerArgs(
        vpc_id="vpc-1",
        subnet_ids=["subnet-1", "subnet-2"],
        certificate_arn="arn:aws:acm:ap-northeast-1:123456789012:certificate/1",
        access_log_bucket="logs",
        web_acl_arn="arn:aws:wafv2:::x",
        allow_from="cloudfront",
        origin_secret_path="/wiki/dev/web/origin-secret",
        transform=transform,
    )
    balancer = LoadBalancer(NAME, args)
    balancer.allow_to("sg-1", port=8000, name="api")
    balancer.alarms(TOPICS)


def _web_acl(transform: Any) -> None:
    WebAcl(NAME, WebAclArgs(log_retention_days=7, counted_rules={"common": ["x"]}, transform=transform))


def _zone(transform: Any) -> None:
    zone = Zone(NAME, ZoneArgs(domain="example.com", transform=transform))
    zone.alias("api", "web.example.org", "Z1")
    zone.name_for("database", "db.example.org")


def _certificate(transform: Any) -> None:
    args = CertificateArgs(
        domains=["example.com", "*.example.com"], zone_domain="example.com", zone_id="Z1", transform=transform
    )
    Certificate(NAME, args).alarms(TOPICS)


TARGET = Target(arn="arn:aws:states:::x", action="states:StartExecution", key_arn="arn:aws:kms:::key/1")


def _queue(transform: Any) -> None:
    sender = Sender(principal="events.amazonaws.com", source_arn="arn:aws:events:::rule/x")
    args = QueueArgs(consumer_timeout_seconds=60, key_arn="arn:aws:kms:::key/1", senders=[sender], transform=transform)
    queue = Queue(NAME, args)
    queue.grant_send(_role())
    queue.alarms(TOPICS)


def _bus(transform: Any) -> None:
    EventBus(NAME, EventBusArgs(transform=transform)).grant_put(_role())


def _workflow(transform: Any) -> None:
    definition = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
    workflow = Workflow(NAME, WorkflowArgs(definition=definition, transform=transform))
    workflow.grant_start(_role())
    workflow.alarms(TOPICS)


def _schedule(transform: Any) -> None:
    Schedule(NAME, ScheduleArgs(expression="rate(1 hour)", target=TARGET, transform=transform)).alarms(TOPICS)


def _event_route(transform: Any) -> None:
    EventRoute(NAME, EventRouteArgs(pattern={"source": ["x"]}, target=TARGET, transform=transform)).alarms(TOPICS)


def _deploy_role(transform: Any) -> None:
    service = DeployedService(service_arn="arn:aws:ecs:::service/x", family="x", roles=["arn:aws:iam:::role/x"])
    args = DeployRoleArgs(
        repository="acme/wiki",
        environment="dev",
        image_repositories=["arn:aws:ecr:::repository/x"],
        services=[service],
        transform=transform,
    )
    DeployRole(NAME, args)


def _build(transform: Any) -> None:
    args = BuildArgs(
        repository="acme/wiki",
        connection_arn="arn:aws:codeconnections:ap-northeast-1:123456789012:connection/1",
        spec="{version: 0.2, phases: {build: {commands: [make]}}, artifacts: {files: [x]}}",
        bucket_name="builds",
        bucket_arn="arn:aws:s3:::builds",
        key_arn="arn:aws:kms:::key/1",
        transform=transform,
    )
    Build(NAME, args).alarms(TOPICS)


def _amplify_app(transform: Any) -> None:
    kept = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:github"
    args = AmplifyAppArgs(
        repository="acme/wiki", branch="main", token_secret_arn=kept, domain="example.com", transform=transform
    )
    AmplifyApp(NAME, args)


def _backup(transform: Any) -> None:
    args = BackupArgs(
        tags={"Project": "wiki"}, stores=["aurora", "dynamodb"], copy=Copy(region="ap-northeast-3"), transform=transform
    )
    Backup(NAME, args).alarms(TOPICS)


def _user_pool(transform: Any) -> None:
    kept = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:sign-in"
    args = UserPoolArgs(
        domain_prefix="wiki",
        clients={"web": Client(callback_urls=["https://wiki.example.com/"])},
        google=Google(client_id="1", secret_arn=kept),
        github=GitHub(issuer="https://sign-in.example.com", client_id="1", secret_arn=kept),
        groups={"admins": "x"},
        transform=transform,
    )
    UserPool(NAME, args)


def _error_log_alarm(transform: Any) -> None:
    topics = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")
    ErrorLogAlarm(NAME, ErrorLogAlarmArgs(log_group="/ecs/wiki-dev-api/errors", topics=topics, transform=transform))


def _account_baseline(transform: Any) -> None:
    args = AccountBaselineArgs(config_bucket="logs", trail_bucket="audit", transform=transform)
    AccountBaseline(NAME, args).alarms(TOPICS)


def _log_table(transform: Any) -> None:
    args = LogTableArgs(
        log_bucket="logs",
        log_bucket_arn="arn:aws:s3:::logs",
        services=["api"],
        results_bucket="results",
        results_bucket_arn="arn:aws:s3:::results",
        results_key_arn="arn:aws:kms:::key/1",
        queries={"all": "-- Everything\nSELECT 1"},
        transform=transform,
    )
    LogTable(NAME, args).grant_query(_role())


def _formation(name: str, transform: Any) -> LakeFormation:
    zones = {"clean": Bucket("wiki-dev-caller-governed", BucketArgs())}
    admins = ["arn:aws:iam::123456789012:role/deployer"]
    return LakeFormation(name, LakeFormationArgs(administrators=admins, zones=zones, transform=transform))


def _lake(name: str, transform: Any) -> DataLake:
    zones = {zone: Bucket(f"wiki-dev-caller-{zone}", BucketArgs()) for zone in ("raw", "clean")}
    table = LakeTable(zone="clean", description="x", columns={"id": "bigint"}, partitions={"day": "date"})
    args = DataLakeArgs(
        zones=zones,
        tables={"things": table},
        results=Results(bucket="results", bucket_arn="arn:aws:s3:::results", key_arn="arn:aws:kms:::key/1"),
        queries={"all": "-- Everything\nSELECT 1"},
        crawled=["exports"],
        key_arn="arn:aws:kms:::key/1",
        formation=_formation("wiki-dev-caller-formation", {}),
        transform=transform,
    )
    return DataLake(name, args)


def _data_lake(transform: Any) -> None:
    _lake(NAME, transform).grant_query(_role())


def _lake_formation(transform: Any) -> None:
    _formation(NAME, transform)


def _code(name: str, transform: Any) -> JobCode:
    bucket = Bucket("wiki-dev-caller-code", BucketArgs())
    folder = ROOT / "workloads" / "jobs"
    args = JobCodeArgs(
        folder=folder, scripts=["logs.py"], bucket=bucket, key_arn="arn:aws:kms:::key/1", transform=transform
    )
    return JobCode(name, args)


def _spark_job(transform: Any) -> None:
    lake, code = _lake("wiki-dev-caller-lake", {}), _code("wiki-dev-caller-files", {})
    SparkJob(NAME, SparkJobArgs(lake=lake, code=code, script="logs.py", transform=transform)).grant_run(_role())


def _database_connection(transform: Any) -> None:
    ids = pulumi.Output.from_input(["subnet-1"])
    network = ExistingNetwork(
        vpc_id=pulumi.Output.from_input("vpc-1"),
        cidr=pulumi.Output.from_input("10.0.0.0/16"),
        public_subnet_ids=ids,
        private_subnet_ids=ids,
        isolated_subnet_ids=ids,
    )
    database = Postgres("wiki-dev-caller-database", PostgresArgs(vpc_id="vpc-1", subnet_group_name="databases"))
    args = DatabaseConnectionArgs(database=database, network=network, transform=transform)
    DatabaseConnection(NAME, args).grant_use(_role())


def _log_export(transform: Any) -> None:
    bucket = Bucket("wiki-dev-caller-raw", BucketArgs())
    args = LogExportArgs(
        log_groups={"database": "/x"}, bucket=bucket, key_arn="arn:aws:kms:::key/1", transform=transform
    )
    LogExport(NAME, args).alarms(TOPICS)


def _table_export(transform: Any) -> None:
    bucket = Bucket("wiki-dev-caller-raw", BucketArgs())
    args = TableExportArgs(
        table_arns=["arn:aws:dynamodb:::table/x"], bucket=bucket, key_arn="arn:aws:kms:::key/1", transform=transform
    )
    TableExport(NAME, args).grant_run(_role())


def _cost_guard(transform: Any) -> None:
    args = CostGuardArgs(
        monthly_limit_usd=10,
        counted_tags={"Environment": "dev", "Project": "wiki"},
        emails=["a@example.com"],
        topics=TOPICS,
        billing_topics=TOPICS,
        allocation_tags=["Project"],
        transform=transform,
    )
    CostGuard(NAME, args)


def _dashboard(transform: Any) -> None:
    args = DashboardArgs(
        load_balancer="app/x/1",
        cluster="wiki-dev-cluster",
        services=["wiki-dev-api"],
        functions=["wiki-dev-hook"],
        database_cluster="wiki-dev-database",
        workflows={"nightly": "arn:aws:states:::x"},
        errors={"api": ("Kumiki/Logs", "wiki-dev-api-errors")},
        transform=transform,
    )
    Dashboard(NAME, args)


def _repository(transform: Any) -> None:
    repository = Repository(NAME, RepositoryArgs(key_arn="arn:aws:kms:::key/1", transform=transform))
    repository.grant_push(_role())


def _log_router(transform: Any) -> LogRouter:
    args = LogRouterArgs(
        configuration=ROOT / "workloads" / "log-router",
        bucket_name="config",
        bucket_arn="arn:aws:s3:::config",
        archive_name="archive",
        archive_arn="arn:aws:s3:::archive",
        transform=transform,
    )
    return LogRouter(NAME, args)


def _service(transform: Any) -> None:
    ids = pulumi.Output.from_input(["subnet-1"])
    network = ExistingNetwork(
        vpc_id=pulumi.Output.from_input("vpc-1"),
        cidr=pulumi.Output.from_input("10.0.0.0/16"),
        public_subnet_ids=ids,
        private_subnet_ids=ids,
        isolated_subnet_ids=ids,
        endpoint_security_group_id=pulumi.Output.from_input("sg-1"),
    )
    traffic = Traffic(
        listener_arn="arn:listener",
        load_balancer_security_group_id="sg-2",
        load_balancer_arn_suffix="app/web/1",
        priority=1,
        origin_secret="x",
    )
    args = ServiceArgs(
        cluster_name="cluster",
        cluster_arn="arn:cluster",
        network=network,
        image=Image(uri="shop:1"),
        cpu=256,
        memory=512,
        port=80,
        traffic=traffic,
        deployment="canary",
        scaling=Scaling(minimum=1, maximum=2),
        shell_access=True,
        transform=transform,
    )
    service = Service(NAME, args)
    service.alarms(AlarmTopics(critical="arn:critical", warning="arn:warning"))


def _private_network() -> ExistingNetwork:
    ids = pulumi.Output.from_input(["subnet-1"])
    return ExistingNetwork(
        vpc_id=pulumi.Output.from_input("vpc-1"),
        cidr=pulumi.Output.from_input("10.0.0.0/16"),
        public_subnet_ids=ids,
        private_subnet_ids=ids,
        isolated_subnet_ids=ids,
        endpoint_security_group_id=pulumi.Output.from_input("sg-1"),
    )


class _Database:
    """A database that makes nothing of its own."""

    port, name = 5432, "app"
    endpoint = reader_endpoint = property(lambda _self: pulumi.Output.from_input("database.internal"))
    secret_arn = property(lambda _self: pulumi.Output.from_input("arn:aws:secretsmanager:::secret:x"))
    security_group_id = property(lambda _self: pulumi.Output.from_input("sg-2"))
    metric_dimensions: ClassVar[dict[str, Any]] = {}

    def allow_from(self, security_group_id: Any, name: str) -> None:
        del security_group_id, name

    def grant_connect(self, role: aws.iam.Role) -> None:
        del role

    def alarms(self, topics: AlarmTopics) -> None:
        del topics


def _database_extensions(transform: Any) -> None:
    database: Any = _Database()
    code = zipped("extensions", extensions__create="def handler(event, context): ...")
    args = DatabaseExtensionsArgs(
        extensions=["vector"],
        database=database,
        network=_private_network(),
        package=Package(code=code, runtime="python3.13", architecture="arm64"),
        transform=transform,
    )
    DatabaseExtensions(NAME, args)


def _function(transform: Any) -> None:
    args = FunctionArgs(
        package=tiny_package(layer=True),
        handler="tiny.handler.handle",
        environment={"WORD": "x"},
        secrets={"TOKEN_ARN": "arn:aws:secretsmanager:::secret:x"},
        key_arn="arn:aws:kms:::key/1",
        provisioned_concurrency=1,
        tracing=True,
        network=_private_network(),
        shift="canary10Percent5Minutes",
        transform=transform,
    )
    function = Function(NAME, args)
    function.allow_invocation("gateway", principal="apigateway.amazonaws.com", source_arn="arn:aws:execute-api:::x")
    function.grant_invoke(_role())
    function.consume(Queue("wiki-dev-caller-queue", QueueArgs(consumer_timeout_seconds=30)))
    table = TableArgs(attributes={"id": "S"}, hash_key="id", stream="new")
    function.follow(Table("wiki-dev-caller-table", table), "items")
    function.alarms(TOPICS)


def _static_site(transform: Any) -> None:
    api = ApiOrigin(domain="api.example.com", path_patterns=["/api/*"], cached_patterns=["/news"], strip_prefix="/api")
    args = StaticSiteArgs(
        content=ROOT / "workloads" / "site",
        cache="day",
        origins={"api": api},
        request_log_bucket_arn="arn:aws:s3:::logs",
        transform=transform,
    )
    site = StaticSite(NAME, args)
    site.grant_upload(_role())
    site.alarms(TOPICS)


class _Callable:
    """A function that makes nothing of its own."""

    invoke_arn = property(lambda _self: pulumi.Output.from_input("arn:aws:apigateway:::lambda:path/x"))

    def allow_invocation(self, name: str, *, principal: str, source_arn: Any) -> None:
        del name, principal, source_arn


_API: dict[str, Any] = {
    "functions": {"api": _Callable()},
    "domain": ApiDomain(name="api.example.com", certificate_arn="arn:certificate"),
    "log_retention_days": 7,
}
_TOPICS = AlarmTopics(critical="arn:critical", warning="arn:warning")


def _http_api(transform: Any) -> None:
    args = HttpApiArgs(
        routes={"ANY /{proxy+}": ApiRoute(function="api")},
        authorizer=JwtAuthorizer(issuer="https://issuer", audiences=["web"]),
        cors=Cors(origins=["https://app.example.com"]),
        transform=transform,
        **_API,
    )
    HttpApi(NAME, args).alarms(_TOPICS)


def _rest_api(transform: Any) -> None:
    args = RestApiArgs(
        routes={"POST /items/{id}": ApiRoute(function="api", body={"type": "object"})},
        authorizer=CognitoAuthorizer(user_pool_arn="arn:pool"),
        preflight=True,
        web_acl_arn="arn:acl",
        transform=transform,
        **_API,
    )
    RestApi(NAME, args).alarms(_TOPICS)


def _web_socket_api(transform: Any) -> None:
    args = WebSocketApiArgs(routes={"$connect": "api"}, authorizer="api", transform=transform, **_API)
    chat = WebSocketApi(NAME, args)
    chat.grant_manage_connections(_role())
    chat.alarms(_TOPICS)


def _host(transform: Any) -> None:
    args = FreeTierHostArgs(
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        availability_zone="ap-northeast-1a",
        files=ROOT / "workloads" / "host",
        repository_url="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/api",
        first_tag="1.0.0",
        environment="dev",
        database=HostDatabase(endpoint="db", port=5432, name="app", secret_arn="arn:aws:ssm:::parameter/x"),
        ssh_from=["203.0.113.7/32"],
        key_arn="arn:aws:kms:::key/1",
        parameter_path="/wiki/dev",
        transform=transform,
    )
    host = FreeTierHost(NAME, args)
    host.allow_to("sg-1", 5432, "database")
    host.alarms(TOPICS)


WHOLE: dict[type[pulumi.ComponentResource], Callable[[Any], None]] = {
    AccountBaseline: _account_baseline,
    AmplifyApp: _amplify_app,
    ApiLogRole: lambda transform: ApiLogRole(NAME, ApiLogRoleArgs(transform=transform)) and None,
    AuroraPostgres: _aurora,
    Backup: _backup,
    Bucket: _bucket,
    Build: _build,
    Cache: _cache,
    Certificate: _certificate,
    Cluster: lambda transform: Cluster(NAME, ClusterArgs(transform=transform)) and None,
    CostGuard: _cost_guard,
    Dashboard: _dashboard,
    DataLake: _data_lake,
    LakeFormation: _lake_formation,
    DatabaseConnection: _database_connection,
    DatabaseDump: _database_dump,
    DeployRole: _deploy_role,
    FreeTierHost: _host,
    ErrorLogAlarm: _error_log_alarm,
    EventBus: _bus,
    EventRoute: _event_route,
    DatabaseExtensions: _database_extensions,
    Function: _function,
    HttpApi: _http_api,
    JobCode: lambda transform: _code(NAME, transform) and None,
    Key: _key,
    LoadBalancer: _load_balancer,
    LogExport: _log_export,
    LogRouter: lambda transform: _log_router(transform) and None,
    LogTable: _log_table,
    MasterPassword: _master_password,
    ParameterTree: _parameters,
    Postgres: _postgres,
    Queue: _queue,
    Repository: _repository,
    RestApi: _rest_api,
    Schedule: _schedule,
    SecretSet: _secrets,
    SnapshotExport: _snapshot_export,
    Service: _service,
    SparkJob: _spark_job,
    StaticSite: _static_site,
    Table: _table,
    TableExport: _table_export,
    Topics: _topics,
    UserPool: _user_pool,
    Vpc: _vpc,
    WebAcl: _web_acl,
    WebSocketApi: _web_socket_api,
    Workflow: _workflow,
    Zone: _zone,
}
"""Each component with everything it can have."""

WITHOUT_POLICIES: set[type[pulumi.ComponentResource]] = {
    AccountBaseline, AmplifyApp, Certificate, Cluster, CostGuard, Dashboard, ErrorLogAlarm, HttpApi, JobCode,
    LoadBalancer, LogRouter, RestApi, UserPool, WebAcl, Zone,
}  # fmt: skip
"""Components that grant nothing to anybody."""


def found() -> Iterator[type[pulumi.ComponentResource]]:
    for module in pkgutil.walk_packages(components.__path__, "components."):
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(member, pulumi.ComponentResource) and member.__module__ == module.name:
                yield member


every_component = pytest.mark.parametrize("component", list(WHOLE), ids=lambda component: component.__name__)


def children(recorder: Recorder) -> list[Any]:
    return [each for each in recorder.resources if each.custom and not each.name.startswith("wiki-dev-caller-")]


def test_every_component_is_judged_here() -> None:
    assert set(found()) == set(WHOLE)


@every_component
def test_children_belong_to_their_component_and_carry_its_name(
    component: type[pulumi.ComponentResource], recorder: Recorder
) -> None:
    recorder.run(lambda: WHOLE[component]({}))
    assert children(recorder)
    for child in children(recorder):
        assert child.parent, child.name
        parent = recorder.by_urn(child.parent)
        # A component may be made of others.
        outermost = recorder.outermost(child)
        assert outermost.type == f"kumiki:{component.__module__.split('.')[1]}:{component.__name__}"
        assert outermost.name.startswith(NAME)
        assert child.name.startswith(f"{parent.name}-"), child.name


@every_component
def test_components_set_no_tag_but_the_name(component: type[pulumi.ComponentResource], recorder: Recorder) -> None:
    recorder.run(lambda: WHOLE[component]({}))
    for child in children(recorder):
        assert set(child.inputs.get("tags", {})) <= {"Name"}, child.name
        assert child.inputs.get("tags", {}).get("Name", child.name) == child.name


@every_component
def test_rules_of_security_groups_stand_alone_and_say_why(
    component: type[pulumi.ComponentResource], recorder: Recorder
) -> None:
    recorder.run(lambda: WHOLE[component]({}))
    for group in recorder.of("SecurityGroup"):
        assert not {"ingress", "egress"} & set(group.inputs), group.name
    for rule in recorder.of("gressRule"):
        assert rule.inputs["description"]
    assert not recorder.of("securityGroupRule:SecurityGroupRule")


@every_component
def test_every_named_child_can_be_changed(component: type[pulumi.ComponentResource], recorder: Recorder) -> None:
    seen: set[str] = set()

    def watch(child: str) -> Callable[[Any], Any]:
        return lambda properties: seen.add(child) or properties

    names: tuple[str, ...] = component.CHILDREN  # pyright: ignore[reportAttributeAccessIssue] each component lists its own
    recorder.run(lambda: WHOLE[component]({child: watch(child) for child in names}))
    assert seen == set(names)


@every_component
def test_policies_are_stable_text_without_nulls(component: type[pulumi.ComponentResource], recorder: Recorder) -> None:
    recorder.run(lambda: WHOLE[component]({}))
    documents = [
        each.inputs[key] for each in recorder.resources for key in ("policy", "assumeRolePolicy") if key in each.inputs
    ]
    assert documents or component in WITHOUT_POLICIES
    for document in documents:
        assert "null" not in document
        # What ECR keeps is called a policy too, and has no statements.
        if document != "{}" and not document.startswith('{"rules"'):
            assert document.startswith('{"Statement": [{"Action"'), document


@every_component
def test_a_preview_registers_what_the_deployment_does(
    component: type[pulumi.ComponentResource], previewer: Recorder, request: pytest.FixtureRequest
) -> None:
    previewed = {each.urn for each in previewer.run(lambda: WHOLE[component]({})).resources}
    recorder: Recorder = request.getfixturevalue("recorder")
    assert {each.urn for each in recorder.run(lambda: WHOLE[component]({})).resources} == previewed


# --- How they are written --------------------------------------------------------------------------------------------


def args_classes() -> list[type]:
    return sorted(
        {
            member
            for module in pkgutil.walk_packages(components.__path__, "components.")
            for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
            if member.__module__ == module.name and member.__name__.endswith("Args")
        },
        key=lambda member: member.__name__,
    )


def test_arguments_are_frozen_and_given_by_name() -> None:
    for each in args_classes():
        assert dataclasses.is_dataclass(each), each
        assert each.__dataclass_params__.frozen, each  # pyright: ignore[reportAttributeAccessIssue] a dataclass has it
        assert all(field.kw_only for field in dataclasses.fields(each)), each


def test_every_argument_and_component_says_what_it_is() -> None:
    silent = []
    for path in sorted((ROOT / "components").rglob("*.py")):
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            silent.append(path.name)
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            if not ast.get_docstring(node):
                silent.append(f"{path.name}: {node.name}")
            if node.name.endswith("Args"):
                silent += [f"{path.name}: {node.name}.{name}" for name in _without_docstring(node)]
    assert silent == []


def _without_docstring(node: ast.ClassDef) -> list[str]:
    return [
        statement.target.id
        for statement, after in zip(node.body, [*node.body[1:], None], strict=True)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant))
    ]


def test_annotations_are_not_evaluated_so_that_unused_services_of_aws_are_not_imported() -> None:
    for package in ("components", "architecture"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "pulumi_aws" in path.read_text():
                assert "from __future__ import annotations" in path.read_text(), path


def test_nothing_is_called_a_helper() -> None:
    vague = {"utils", "helpers", "common", "manager", "misc"}
    names = {path.stem for package in ("components", "architecture") for path in (ROOT / package).rglob("*.py")}
    assert not names & vague
