"""What holds for every component at once; a new component is judged as soon as it is written."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pulumi
import pulumi_aws as aws
import pytest

import components
from components.alarms import AlarmTopics
from components.analytics.data_lake import Catalogue, DataLake, DataLakeArgs, LakeTable
from components.analytics.job_code import JobCode, JobCodeArgs
from components.analytics.lake_formation import LakeFormation, LakeFormationArgs
from components.analytics.log_export import LogExport, LogExportArgs
from components.analytics.log_table import LogTable, LogTableArgs
from components.analytics.spark_job import DatabaseConnection, DatabaseConnectionArgs, SparkJob, SparkJobArgs
from components.analytics.table_export import TableExport, TableExportArgs
from components.analytics.workgroup import Results
from components.args import Args
from components.component import Component
from components.compute.access import Secret as ReadSecret
from components.compute.app_runner_args import AppRunnerServiceArgs
from components.compute.app_runner_service import AppRunnerService
from components.compute.cluster import Cluster, ClusterArgs
from components.compute.counted import CountedAlarm
from components.compute.express_args import ExpressServiceArgs
from components.compute.express_service import ExpressService
from components.compute.free_tier_host import FreeTierHost, FreeTierHostArgs, Ssh
from components.compute.function import Function
from components.compute.function_args import FunctionArgs
from components.compute.live_image import Image, LiveImage, LiveImageArgs
from components.compute.load_balancer_target import LoadBalancerTarget
from components.compute.log_router import LogRouter, LogRouterArgs
from components.compute.package import Package
from components.compute.repository import Repository, RepositoryArgs
from components.compute.roll_back import RollBack
from components.compute.scaling import Scaling
from components.compute.service import Service
from components.compute.service_args import ServiceArgs
from components.data.aurora import AuroraPostgres
from components.data.aurora_args import AuroraPostgresArgs, ReaderScaling
from components.data.bucket import Bucket, BucketArgs, ObjectLock
from components.data.cache import Cache
from components.data.cache_args import CacheArgs
from components.data.collection_endpoint import CollectionEndpoint, CollectionEndpointArgs
from components.data.lifecycle import LifecycleRule
from components.data.master_password import MasterPassword, MasterPasswordArgs
from components.data.parameters import ParameterTree, ParameterTreeArgs
from components.data.postgres import Postgres, PostgresArgs
from components.data.secrets import Rotation, Secret, SecretSet, SecretSetArgs
from components.data.table import Table
from components.data.table_args import TableArgs
from components.data.table_keys import Index, LocalIndex
from components.data.table_scaling import CapacityRange, Provisioned
from components.data.vector_collection import VectorCollection
from components.data.vector_collection_args import OcuLimits, VectorCollectionArgs
from components.delivery.amplify_app import AmplifyApp, AmplifyAppArgs
from components.delivery.build import Build, BuildArgs
from components.delivery.deploy_role import DeployRole, DeployRoleArgs
from components.delivery.deployed import Deployed, DeployedService
from components.delivery.deployer_role import DeployerRole, DeployerRoleArgs
from components.delivery.pipeline import Pipeline, PipelineArgs
from components.delivery.pipeline_work import Work, WorkName
from components.edge.api_log_role import ApiLogRole, ApiLogRoleArgs
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.http_api import HttpApi, HttpApiArgs
from components.edge.load_balancer import LoadBalancer
from components.edge.load_balancer_args import LoadBalancerArgs
from components.edge.rest_api import RestApi
from components.edge.rest_api_args import RestApiArgs
from components.edge.site_args import StaticSiteArgs
from components.edge.site_routes import OriginAddress, OriginArgs
from components.edge.static_site import StaticSite
from components.edge.vpc_link import VpcLink, VpcLinkArgs
from components.edge.web_acl import WebAcl, WebAclArgs
from components.edge.web_socket_api import WebSocketApi, WebSocketApiArgs
from components.edge.zone_signing import ZoneSigning, ZoneSigningArgs
from components.identity.key import ExistingKey, Key, KeyArgs, ServiceUse
from components.identity.user_pool import UserPool
from components.identity.user_pool_args import Client, GitHub, Google, UserPoolArgs
from components.intelligence.invocation_logs import InvocationLogs, InvocationLogsArgs
from components.intelligence.knowledge_base import KnowledgeBase, KnowledgeBaseArgs
from components.intelligence.model_access import ModelAccess
from components.intelligence.model_use import ModelAccessArgs, ModelUse
from components.intelligence.vector_index import VectorIndex, VectorIndexArgs, VectorIndexes, VectorIndexesArgs
from components.messaging.event_bus import EventBus, EventBusArgs
from components.messaging.event_route import EventRoute, EventRouteArgs
from components.messaging.queue import Queue, QueueArgs, Sender
from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.target import Target
from components.messaging.workflow import Workflow, WorkflowArgs
from components.network.network import ExistingNetwork
from components.network.vpc import Vpc, VpcArgs
from components.operations.account_baseline import AccountBaseline, AccountBaselineArgs
from components.operations.backup import Backup, BackupArgs
from components.operations.cost_guard import CostGuard, CostGuardArgs
from components.operations.dashboard import Dashboard, DashboardArgs
from components.operations.database_copy import DatabaseDump, DatabaseDumpArgs, SnapshotExport, SnapshotExportArgs
from components.operations.database_extensions import DatabaseExtensions, DatabaseExtensionsArgs
from components.operations.error_log_alarm import ErrorLogAlarm, ErrorLogAlarmArgs
from components.operations.office_hours import OfficeHours, OfficeHoursArgs
from components.operations.topics import Slack, Topics, TopicsArgs
from components.operations.tracing import Tracing, TracingArgs
from tests.conftest import Recorder
from tests.functions import tiny_package, zipped
from tests.networks import existing_network

ROOT = Path(__file__).resolve().parent.parent
NAME = "wiki-dev-part"


def _role() -> aws.iam.Role:
    return aws.iam.Role("wiki-dev-caller-role", assume_role_policy="{}")


def _key(transform: Any) -> None:
    args = KeyArgs(description="x", log_groups=["/x"], transform=transform)
    sns = ServiceUse(principal="sns.amazonaws.com", source_arn="arn:aws:sns:::x")
    Key(NAME, args, services=[sns]).grant_encrypt(_role())


def _bucket(transform: Any) -> None:
    args = BucketArgs(
        intelligent_tiering=True,
        object_lock=ObjectLock(mode="GOVERNANCE", days=1),
        replicate_to="ap-northeast-3",
        lifecycle=[LifecycleRule(prefix="tmp/", delete_after_days=1)],
        events=True,
        transform=transform,
    )
    logs = Bucket("wiki-dev-caller-logs", BucketArgs(encryption="s3", receives_logs_from=["s3"]))
    keys = [ExistingKey(arn=f"arn:aws:kms:::key/{number}") for number in (1, 2)]
    made = Bucket(NAME, args, key=keys[0], replica_key=keys[1], access_logs=logs)
    made.grant_read(_role())
    made.alarms(TOPICS, TOPICS)


def _vpc(transform: Any) -> None:
    Vpc(NAME, VpcArgs(nat="single", endpoints=["kms"], transform=transform))


TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


KEY = ExistingKey(arn="arn:aws:kms:::key/1")


def _aurora(transform: Any) -> None:
    args = AuroraPostgresArgs(
        reader_scaling=ReaderScaling(max_readers=3), instance_class="db.r6g.large", transform=transform
    )
    made = AuroraPostgres(NAME, args, network=existing_network(), key=KEY)
    made.allow_from("sg-1", "api")
    made.grant_connect(_role())
    made.alarms(TOPICS)


def _caller_database(name: str = "wiki-dev-caller-database", transform: Any = None) -> Postgres:
    args = PostgresArgs(instance_class="db.t4g.micro", transform=transform or {})
    return Postgres(name, args, network=existing_network())


def _postgres(transform: Any) -> None:
    made = _caller_database(NAME, transform)
    made.allow_from("sg-1", "api")
    made.grant_connect(_role())
    made.alarms(TOPICS)


def _master_password(transform: Any) -> None:
    args = MasterPasswordArgs(parameter="/wiki/dev/master", transform=transform)
    MasterPassword(NAME, args, key=KEY).grant_read(_role())


def _snapshot_export(transform: Any) -> None:
    bucket = Bucket("wiki-dev-caller-copies", BucketArgs())
    args = SnapshotExportArgs(transform=transform)
    SnapshotExport(NAME, args, bucket=bucket, database=_caller_database(), key=KEY).grant_run(_role())


@dataclasses.dataclass
class _Host:
    """A server that dumps its database."""

    instance_id: Any
    role: aws.iam.Role


def _database_dump(transform: Any) -> None:
    bucket, host = Bucket("wiki-dev-caller-copies", BucketArgs()), _Host(pulumi.Output.from_input("i-1"), _role())
    DatabaseDump(NAME, DatabaseDumpArgs(transform=transform), bucket=bucket, host=host).grant_run(host.role)


def _topics(transform: Any) -> None:
    slack = Slack(workspace_id="T1", channel_id="C1")
    Topics(NAME, TopicsArgs(emails=["a@example.com"], slack=slack, transform=transform), stem="wiki-dev")


def _cache(transform: Any) -> None:
    args = CacheArgs(node_type="cache.t4g.micro", transform=transform)
    made = Cache(NAME, args, network=existing_network())
    made.allow_from("sg-1", "api")
    made.grant_connect(_role())
    made.alarms(TOPICS)


def _secrets(transform: Any) -> None:
    rotation = Rotation(function_arn="arn:aws:lambda:ap-northeast-1:123456789012:function:rotate")
    args = SecretSetArgs(secrets={"key": Secret(description="x", rotation=rotation)}, transform=transform)
    SecretSet(NAME, args).grant_read(_role(), "key")


def _parameters(transform: Any) -> None:
    args = ParameterTreeArgs(values={"a": "b"}, transform=transform)
    ParameterTree(NAME, args, path="/wiki/dev", secure={"c/d": "e"}).grant_read(_role())


def _table(transform: Any) -> None:
    # A table with capacity that scales has no replicas: one of each.
    units = CapacityRange(minimum=1, maximum=10)
    scaled = TableArgs(
        attributes={"id": "S", "order": "N"},
        hash_key="id",
        indexes={"by-order": Index(hash_key="order")},
        provisioned=Provisioned(read=units, write=units),
        transform=transform,
    )
    copied = TableArgs(
        attributes={"id": "S", "kind": "S", "order": "N"},
        hash_key="id",
        range_key="kind",
        local_indexes={"by-order": LocalIndex(range_key="order")},
        replicas=["ap-northeast-3"],
        transform=transform,
    )
    role = _role()
    for made in (Table(NAME, scaled, key=ExistingKey(arn="arn:aws:kms:::key/1")), Table(f"{NAME}-copied", copied)):
        made.grant_read_write(role)
        made.alarms(TOPICS)


def _connection(**known: Any) -> Any:
    """What a component is connected with, as far as it looks."""
    return SimpleNamespace(**known)


def _load_balancer(transform: Any) -> None:
    args = LoadBalancerArgs(allow_from=["cloudFront"], transform=transform)
    balancer = LoadBalancer(
        NAME,
        args,
        network=_private_network(),
        access_logs=_connection(log_target_name="logs"),
        certificate=_connection(arn="arn:aws:acm:ap-northeast-1:123456789012:certificate/1"),
        web_acl=_connection(arn="arn:aws:wafv2:::x"),
        origin_secret_path="/wiki/dev/web/origin-secret",
    )
    balancer.allow_to("sg-1", port=8000, name="api")
    balancer.alarms(TOPICS)


def _vpc_link(transform: Any) -> None:
    before = _connection(listener_arn="arn:aws:elasticloadbalancing:::listener/x", security_group_id="sg-1", port=443)
    args, network = VpcLinkArgs(transform=transform), _private_network()
    VpcLink(NAME, args, network=network, load_balancer=before, server_name="api.example.com")


def _web_acl(transform: Any) -> None:
    args = WebAclArgs(transform=transform)
    WebAcl(NAME, args, before="api", origin_secret_path="/wiki/dev/api/origin-secret").alarms(TOPICS)


def _zone(transform: Any) -> None:
    zone = Zone(NAME, ZoneArgs(domain="example.com", transform=transform))
    zone.alias("api", "web.example.org", "Z1")
    zone.name_for("database", "db.example.org")


def _existing_zone() -> Zone:
    return Zone("wiki-dev-zone", ZoneArgs(domain="example.com", existing_id="Z1"))


def _zone_signing(transform: Any) -> None:
    ZoneSigning(NAME, ZoneSigningArgs(transform=transform), zone=_existing_zone(), topics=TOPICS)


def _certificate(transform: Any) -> None:
    args = CertificateArgs(domains=["example.com", "*.example.com"], transform=transform)
    Certificate(NAME, args, zone=_existing_zone()).alarms(TOPICS)


TARGET = Target(arn="arn:aws:states:::x", action="states:StartExecution", key=ExistingKey(arn="arn:aws:kms:::key/1"))


def _queue(transform: Any) -> None:
    sender = Sender(principal="events.amazonaws.com", source_arn="arn:aws:events:::rule/x")
    args = QueueArgs(consumer_timeout_seconds=60, transform=transform)
    queue = Queue(NAME, args, key=ExistingKey(arn="arn:aws:kms:::key/1"), senders=[sender])
    queue.grant_send(_role())
    queue.alarms(TOPICS)


def _bus(transform: Any) -> None:
    EventBus(NAME, EventBusArgs(transform=transform)).grant_put(_role())


def _workflow(transform: Any) -> None:
    definition = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
    workflow = Workflow(NAME, WorkflowArgs(transform=transform), definition=definition)
    workflow.grant_start(_role())
    workflow.alarms(TOPICS)


def _office_hours(transform: Any) -> None:
    database = _caller_database()
    args = OfficeHoursArgs(transform=transform)
    OfficeHours(NAME, args, databases={"database": database}, alarms=database.alarms(TOPICS)).alarms(TOPICS)


def _schedule(transform: Any) -> None:
    Schedule(NAME, ScheduleArgs(expression="rate(1 hour)", transform=transform), target=TARGET).alarms(TOPICS)


def _event_route(transform: Any) -> None:
    route = EventRouteArgs(pattern={"source": ["x"]}, transform=transform)
    EventRoute(NAME, route, target=TARGET).alarms(TOPICS)


def _deploy_role(transform: Any) -> None:
    service = DeployedService(service_arn="arn:aws:ecs:::service/x", family="x", roles=["arn:aws:iam:::role/x"])
    deployed = Deployed(image_repositories=["arn:aws:ecr:::repository/x"], services=[service])
    args = DeployRoleArgs(repository="acme/wiki", github_environment="dev", transform=transform)
    DeployRole(NAME, args, deployed=deployed)


def _deployer_role(transform: Any) -> None:
    args = DeployerRoleArgs(
        product="wiki",
        environment="dev",
        principal="arn:aws:iam::123456789012:role/admin",
        bound_roles=True,
        state_bucket="wiki-state",
        state_key="alias/wiki-state",
        transform=transform,
    )
    statement = {
        "Sid": "Queues",
        "Effect": "Allow",
        "Action": "sqs:CreateQueue",
        "Resource": "arn:aws:sqs:::wiki-dev-*",
    }
    DeployerRole(NAME, args, policies=[{"Version": "2012-10-17", "Statement": [statement]}])


def _build(transform: Any) -> None:
    connection = "arn:aws:codeconnections:ap-northeast-1:123456789012:connection/1"
    spec = "{version: 0.2, phases: {build: {commands: [make]}}, artifacts: {files: [x]}}"
    bucket: Any = SimpleNamespace(name="builds", arn="arn:aws:s3:::builds")
    args = BuildArgs(repository="acme/wiki", connection=connection, transform=transform)
    Build(NAME, args, spec=spec, bucket=bucket, key=ExistingKey(arn="arn:aws:kms:::key/1")).alarms(TOPICS)


def _pipeline(transform: Any) -> None:
    spec = "{version: 0.2, phases: {build: {commands: [make]}}}"
    bucket: Any = SimpleNamespace(name="store", arn="arn:aws:s3:::store")
    connection = "arn:aws:codeconnections:ap-northeast-1:123456789012:connection/1"
    args = PipelineArgs(repository="acme/wiki", connection=connection, transform=transform)
    each = Work(spec=spec)
    work: dict[WorkName, Work] = {"test": each, "build": each, "plan": each, "production": each}
    key = ExistingKey(arn="arn:aws:kms:::key/1")
    pipeline = Pipeline(NAME, args, work=work, bucket=bucket, released="/wiki/released", key=key)
    pipeline.tell("arn:aws:sns:::topic")
    pipeline.alarms(TOPICS)


def _amplify_app(transform: Any) -> None:
    kept = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:github"
    args = AmplifyAppArgs(
        repository="acme/wiki", branch="main", token_secret_arn=kept, domain="example.com", transform=transform
    )
    AmplifyApp(NAME, args)


def _backup(transform: Any) -> None:
    args = BackupArgs(copy_to="ap-northeast-3", transform=transform)
    Backup(NAME, args, tags={"Project": "wiki"}, stores=["aurora", "dynamodb"]).alarms(TOPICS)


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
    UserPool(NAME, args).alarms(TOPICS)


def _error_log_alarm(transform: Any) -> None:
    ErrorLogAlarm(NAME, ErrorLogAlarmArgs(transform=transform), log_group="/ecs/wiki-dev-api/errors", topics=TOPICS)


def _tracing(transform: Any) -> None:
    Tracing(NAME, TracingArgs(transform=transform), services=["wiki-dev-api"], sampled="wiki-dev-*").alarms(TOPICS)


def _account_baseline(transform: Any) -> None:
    args = AccountBaselineArgs(trail_logs=True, transform=transform)
    kept = [Bucket(f"wiki-dev-caller-{kept}", BucketArgs()) for kept in ("config", "trail")]
    AccountBaseline(NAME, args, config_bucket=kept[0], trail_bucket=kept[1]).alarms(TOPICS)


OUR_KEY = ExistingKey(arn="arn:aws:kms:::key/1")


def _bucket_of(service: str) -> Bucket:
    return Bucket(f"wiki-dev-caller-{service}", BucketArgs())


def _log_table(transform: Any) -> None:
    args = LogTableArgs(services=["api"], transform=transform)
    results = Results(bucket=_bucket_of("results"), key=OUR_KEY)
    queries = {"all": "-- Everything\nSELECT 1"}
    LogTable(NAME, args, logs=_bucket_of("logs"), results=results, queries=queries).grant_query(_role())


def _formation(name: str, transform: Any) -> LakeFormation:
    args = LakeFormationArgs(administrators=["arn:aws:iam::123456789012:role/deployer"], transform=transform)
    return LakeFormation(name, args, zones={"clean": _bucket_of("governed")})


def _lake(name: str, transform: Any) -> DataLake:
    table = LakeTable(zone="clean", description="x", columns={"id": "bigint"}, partitions={"day": "date"})
    return DataLake(
        name,
        DataLakeArgs(crawled=["exports"], transform=transform),
        catalogue=Catalogue(zones={zone: _bucket_of(zone) for zone in ("raw", "clean")}, tables={"things": table}),
        results=Results(bucket=_bucket_of("results"), key=OUR_KEY),
        queries={"all": "-- Everything\nSELECT 1"},
        formation=_formation("wiki-dev-caller-formation", {}),
        key=OUR_KEY,
    )


def _data_lake(transform: Any) -> None:
    _lake(NAME, transform).grant_query(_role())


def _lake_formation(transform: Any) -> None:
    _formation(NAME, transform)


def _code(name: str, transform: Any) -> JobCode:
    args = JobCodeArgs(folder=ROOT / "workloads" / "jobs", scripts=["logs.py"], transform=transform)
    return JobCode(name, args, bucket=_bucket_of("code"), key=OUR_KEY)


def _spark_job(transform: Any) -> None:
    lake, code = _lake("wiki-dev-caller-lake", {}), _code("wiki-dev-caller-files", {})
    SparkJob(NAME, SparkJobArgs(script="logs.py", transform=transform), lake=lake, code=code).grant_run(_role())


def _database_connection(transform: Any) -> None:
    args = DatabaseConnectionArgs(transform=transform)
    DatabaseConnection(NAME, args, database=_caller_database(), network=existing_network()).grant_use(_role())


def _log_export(transform: Any) -> None:
    args = LogExportArgs(transform=transform)
    LogExport(NAME, args, log_groups={"database": "/x"}, bucket=_bucket_of("raw"), key=OUR_KEY).alarms(TOPICS)


def _table_export(transform: Any) -> None:
    table = Table("wiki-dev-caller-table", TableArgs(attributes={"id": "S"}, hash_key="id"))
    args = TableExportArgs(transform=transform)
    TableExport(NAME, args, tables=[table], bucket=_bucket_of("raw"), key=OUR_KEY).grant_run(_role())


def _cost_guard(transform: Any) -> None:
    args = CostGuardArgs(monthly_limit_usd=10, monitor="create", emails=["a@example.com"], transform=transform)
    tags = {"Environment": "dev", "Project": "wiki"}
    CostGuard(NAME, args, counted_tags=tags, allocation_tags=["Project"], topics=TOPICS, billing_topics=TOPICS)


def _dashboard(transform: Any) -> None:
    Dashboard(NAME, DashboardArgs(transform=transform), widgets=_caller_database().widgets)


def _live_image(transform: Any) -> None:
    repository = Repository("wiki-dev-caller-images", RepositoryArgs())
    args = LiveImageArgs(parameter="/wiki/dev/api/image-tag", first_tag="0.1.0", transform=transform)
    LiveImage(NAME, args, repository=repository)


def _repository(transform: Any) -> None:
    repository = Repository(NAME, RepositoryArgs(transform=transform), key=ExistingKey(arn="arn:aws:kms:::key/1"))
    repository.grant_push(_role())


def _log_router(transform: Any) -> LogRouter:
    bucket: Any = SimpleNamespace(name="config", arn="arn:aws:s3:::config")
    files = ROOT / "workloads" / "log-router"
    return LogRouter(NAME, LogRouterArgs(transform=transform), files=files, bucket=bucket, archive=bucket)


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
    load_balancer: Any = SimpleNamespace(
        listener_arn="arn:listener", security_group_id="sg-2", arn_suffix="app/web/1", origin_secret="x"
    )
    cluster: Any = SimpleNamespace(name="cluster", arn="arn:cluster", args=ClusterArgs())
    args = ServiceArgs(
        port=80,
        traffic=LoadBalancerTarget(),
        deployment="canary",
        scaling=Scaling(minimum=1, maximum=2),
        roll_back=RollBack(failed_percent=5, memory_percent=95),
        shell_access=True,
        environment={"METRICS_NAMESPACE": "wiki-dev"},
        counted_alarms={"JobTime": CountedAlarm(above=900)},
        transform=transform,
    )
    image = Image(uri="shop:1")
    service = Service(NAME, args, cluster=cluster, network=network, image=image, load_balancer=load_balancer)
    service.alarms(AlarmTopics(critical="arn:critical", warning="arn:warning"))


def _express_service(transform: Any) -> None:
    cluster: Any = SimpleNamespace(name="cluster")
    image, network = Image(uri="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop:1"), _private_network()
    args = ExpressServiceArgs(command=["serve"], environment={"A": "1"}, transform=transform)
    secrets = {"B": ReadSecret(arn="arn:aws:secretsmanager:::secret:shop-abcdef")}
    service = ExpressService(NAME, args, cluster=cluster, network=network, image=image, secrets=secrets)
    service.allow_to("sg-2", 5432, "database")
    service.allow_to_prefix_list("pl-1", "dynamodb")
    service.alarms(TOPICS)


def _app_runner_service(transform: Any) -> None:
    image = Image(uri="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop:1")
    args = AppRunnerServiceArgs(command="serve", environment={"A": "1"}, tracing=True, transform=transform)
    secrets = {"B": ReadSecret(arn="arn:aws:secretsmanager:::secret:shop-abcdef")}
    service = AppRunnerService(NAME, args, image=image, network=_private_network(), secrets=secrets)
    service.allow_to("sg-2", 5432, "database")
    service.allow_to_prefix_list("pl-1", "dynamodb")
    service.alarms(TOPICS)


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
    args = DatabaseExtensionsArgs(extensions=["vector"], transform=transform)
    package = Package(code=code, runtime="python3.13", architecture="arm64")
    DatabaseExtensions(NAME, args, database=database, network=_private_network(), package=package)


def _function(transform: Any) -> None:
    args = FunctionArgs(
        handler="tiny.handler.handle",
        environment={"WORD": "x"},
        provisioned_concurrency=1,
        tracing=True,
        shift="canary10Percent5Minutes",
        transform=transform,
    )
    function = Function(
        NAME,
        args,
        package=tiny_package(layer=True),
        network=_private_network(),
        secrets={"TOKEN_ARN": "arn:aws:secretsmanager:::secret:x"},
        key=ExistingKey(arn="arn:aws:kms:::key/1"),
    )
    function.allow_invocation("gateway", principal="apigateway.amazonaws.com", source_arn="arn:aws:execute-api:::x")
    function.grant_invoke(_role())
    function.consume(Queue("wiki-dev-caller-queue", QueueArgs(consumer_timeout_seconds=30)))
    table = TableArgs(attributes={"id": "S"}, hash_key="id", stream="new")
    function.subscribe(Table("wiki-dev-caller-table", table), "items")
    function.alarms(TOPICS)


def _collection_endpoint(name: str = NAME, transform: Any = None) -> CollectionEndpoint:
    endpoint = CollectionEndpoint(name, CollectionEndpointArgs(transform=transform or {}), network=_private_network())
    endpoint.allow_from("sg-1", "api")
    return endpoint


def _collection(name: str, transform: Any) -> VectorCollection:
    args = VectorCollectionArgs(bedrock=True, limits=OcuLimits(indexing=2, search=4), transform=transform)
    return VectorCollection(name, args, endpoint=_collection_endpoint("wiki-dev-caller-endpoint"), key=KEY)


def _vector_collection(transform: Any) -> None:
    made = _collection(NAME, transform)
    made.grant_search(_role(), "pages")
    made.alarms(TOPICS)


def _vector_indexes(transform: Any) -> None:
    mapping = json.loads((ROOT / "workloads" / "indexes" / "pages.json").read_text())
    code = zipped("indexes", indexes__create="def handler(event, context): ...")
    indexes = {"pages": VectorIndexArgs(embedding_model="titan-embed-text-v2")}
    VectorIndexes(
        NAME,
        VectorIndexesArgs(indexes=indexes, transform=transform),
        collection=_collection("wiki-dev-caller-search", {}),
        mappings={"pages": mapping},
        network=_private_network(),
        package=Package(code=code, runtime="python3.13", architecture="arm64"),
    )


def _knowledge_base(transform: Any) -> None:
    store = VectorIndex(
        name="pages",
        args=VectorIndexArgs(embedding_model="titan-embed-text-v2"),
        collection=_collection("wiki-dev-caller-search", {}),
        created=_role(),
    )
    made = KnowledgeBase(
        NAME,
        KnowledgeBaseArgs(on_changes=True, schedule=ScheduleArgs(expression="rate(1 day)"), transform=transform),
        store=store,
        bucket=Bucket("wiki-dev-caller-pages", BucketArgs(events=True)),
        sync=(ROOT / "workloads" / "workflows" / "knowledge-base-sync.asl.json").read_text(),
        key=KEY,
    )
    made.grant_retrieve(aws.iam.Role("wiki-dev-caller-reader", assume_role_policy="{}"), generate=True)
    made.alarms(TOPICS)


def _static_site(transform: Any) -> None:
    api = OriginArgs(paths=["/api/*"], cached_paths=["/news"], strip_prefix="/api")
    site = StaticSite(
        NAME,
        StaticSiteArgs(content=ROOT / "workloads" / "site", cache="day", origins={"api": api}, transform=transform),
        addresses={"api": OriginAddress(domain="api.example.com")},
        request_logs=_connection(log_target_arn="arn:aws:s3:::logs"),
    )
    site.grant_upload(_role())
    site.alarms(TOPICS)


class _Callable:
    """A function that makes nothing of its own."""

    invoke_arn = property(lambda _self: pulumi.Output.from_input("arn:aws:apigateway:::lambda:path/x"))

    def allow_invocation(self, name: str, *, principal: str, source_arn: Any) -> None:
        del name, principal, source_arn


_API: dict[str, Any] = {
    "functions": {"api": _Callable()},
    "certificate": SimpleNamespace(domains=["api.example.com"], arn="arn:certificate"),
}
_GUARDED: dict[str, Any] = {
    "authorizer": {"user_pool": True},
    "cors": {"origins": ["https://app.example.com"]},
}
_USERS: Any = SimpleNamespace(arn="arn:pool", issuer="https://issuer", client_ids={"web": "web"})


def _http_api(transform: Any) -> None:
    args = HttpApiArgs(**{"routes": {"ANY /{proxy+}": {"function": "api"}}, "transform": transform, **_GUARDED})
    HttpApi(NAME, args, user_pool=_USERS, **_API).alarms(TOPICS)


def _rest_api(transform: Any) -> None:
    routes = {"POST /items/{id}": {"function": "api", "body": {"type": "object"}}}
    args = RestApiArgs(**{"routes": routes, "transform": transform, **_GUARDED})
    RestApi(NAME, args, user_pool=_USERS, web_acl=_connection(arn="arn:acl"), **_API).alarms(TOPICS)


def _web_socket_api(transform: Any) -> None:
    given = {"routes": {"$connect": {"function": "api"}}, "authorizer": {"function": "api"}, "transform": transform}
    chat = WebSocketApi(NAME, WebSocketApiArgs(**given), **_API)
    chat.grant_manage_connections(_role())
    chat.alarms(TOPICS)


def _host(transform: Any) -> None:
    beside: dict[str, Any] = {
        "network": Vpc.from_existing(vpc_id="vpc-1", cidr="10.0.0.0/16", public_subnet_ids=["subnet-1"]),
        "repository": SimpleNamespace(url="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/api"),
        "database": SimpleNamespace(endpoint="db", port=5432, name="app", secret_arn="arn:aws:ssm:::parameter/x"),
    }
    host = FreeTierHost(
        NAME,
        FreeTierHostArgs(tag="1.0.0", ssh=Ssh(allow_from=["203.0.113.7/32"]), transform=transform),
        files=ROOT / "workloads" / "host",
        environment="dev",
        parameter_path="/wiki/dev",
        key=ExistingKey(arn="arn:aws:kms:::key/1"),
        **beside,
    )
    host.allow_to("sg-1", 5432, "database")
    host.alarms(TOPICS)


def _models(transform: Any) -> None:
    uses = {
        "writer": ModelUse(model="claude-sonnet-4-6", streaming=True),
        "embedder": ModelUse(model="titan-embed-text-v2"),
    }
    args = ModelAccessArgs(models=uses, transform=transform)
    where = ("ap-northeast-1", "ap-northeast-3")
    access = ModelAccess(NAME, args, path="/wiki/dev", region=where[0], within=where)
    access.grant_invoke(_role(), "writer", "embedder")
    access.alarms(TOPICS)


def _invocation_logs(transform: Any) -> None:
    bucket = Bucket("wiki-dev-caller-records", BucketArgs())
    InvocationLogs(NAME, InvocationLogsArgs(transform=transform), bucket=bucket, logs_key=KEY)


WHOLE: dict[type[pulumi.ComponentResource], Callable[[Any], None]] = {
    AppRunnerService: _app_runner_service,
    ExpressService: _express_service,
    AccountBaseline: _account_baseline,
    AmplifyApp: _amplify_app,
    ApiLogRole: lambda transform: ApiLogRole(NAME, ApiLogRoleArgs(transform=transform)) and None,
    AuroraPostgres: _aurora,
    Backup: _backup,
    Bucket: _bucket,
    Build: _build,
    Cache: _cache,
    Certificate: _certificate,
    CollectionEndpoint: lambda transform: _collection_endpoint(NAME, transform) and None,
    Cluster: lambda transform: Cluster(NAME, ClusterArgs(service_role="create", transform=transform)) and None,
    CostGuard: _cost_guard,
    Dashboard: _dashboard,
    DataLake: _data_lake,
    Pipeline: _pipeline,
    LakeFormation: _lake_formation,
    DatabaseConnection: _database_connection,
    DatabaseDump: _database_dump,
    DeployRole: _deploy_role,
    DeployerRole: _deployer_role,
    FreeTierHost: _host,
    ErrorLogAlarm: _error_log_alarm,
    EventBus: _bus,
    EventRoute: _event_route,
    DatabaseExtensions: _database_extensions,
    Function: _function,
    HttpApi: _http_api,
    InvocationLogs: _invocation_logs,
    ModelAccess: _models,
    JobCode: lambda transform: _code(NAME, transform) and None,
    Key: _key,
    KnowledgeBase: _knowledge_base,
    LoadBalancer: _load_balancer,
    LogExport: _log_export,
    LogRouter: lambda transform: _log_router(transform) and None,
    LogTable: _log_table,
    MasterPassword: _master_password,
    ParameterTree: _parameters,
    OfficeHours: _office_hours,
    Postgres: _postgres,
    Queue: _queue,
    LiveImage: _live_image,
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
    Tracing: _tracing,
    UserPool: _user_pool,
    VectorCollection: _vector_collection,
    VectorIndexes: _vector_indexes,
    Vpc: _vpc,
    VpcLink: _vpc_link,
    WebAcl: _web_acl,
    WebSocketApi: _web_socket_api,
    Workflow: _workflow,
    Zone: _zone,
    ZoneSigning: _zone_signing,
}
"""Each component with everything it can have."""

WITHOUT_POLICIES: set[type[pulumi.ComponentResource]] = {
    AccountBaseline, AmplifyApp, Certificate, Cluster, CollectionEndpoint, CostGuard, Dashboard, ErrorLogAlarm, HttpApi,
    JobCode, LoadBalancer, LogRouter, RestApi, Tracing, UserPool, VpcLink, WebAcl, Zone,
}  # fmt: skip
"""Components that grant nothing to anybody."""


def found() -> Iterator[type[pulumi.ComponentResource]]:
    for module in pkgutil.walk_packages(components.__path__, "components."):
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            # A base that others extend says of no children.
            if issubclass(member, Component) and member.__module__ == module.name and "CHILDREN" in vars(member):
                yield member


every_component = pytest.mark.parametrize("component", list(WHOLE), ids=lambda component: component.__name__)


def children(recorder: Recorder) -> list[Any]:
    return [each for each in recorder.resources if each.custom and not each.name.startswith("wiki-dev-caller-")]


def test_every_component_is_judged_here() -> None:
    unknown = [each for each in found() if each not in WHOLE]
    lines = [
        f"    {name}: lambda transform: {name}(NAME, {name}Args(transform=transform)) and None,"
        for name in (each.__name__ for each in unknown)
    ]
    assert not unknown, "\n".join(["add to WHOLE in tests/test_conventions.py, with all that it can have:", *lines])


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
    assert documents or component in WITHOUT_POLICIES, (
        f"{component.__name__} has no policy: give it in WHOLE what it grants, or add it to WITHOUT_POLICIES"
    )
    for document in documents:
        assert "null" not in document
        # What ECR and OpenSearch Serverless keep is called a policy too, and has no statements.
        if document != "{}" and not re.match(r'\{"rules"|\{"AWSOwnedKey"|\[\{"(AllowFromPublic|Principal)"', document):
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
        if issubclass(each, Args):
            assert each.model_config.get("frozen"), each
            continue
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


def test_what_another_stack_exports_is_read_in_one_way_that_names_the_stack_to_update() -> None:
    """`require_output` ends in a KeyError with a stack trace where the other stack does not export it yet."""
    root = Path(components.__file__).parent.parent
    used = {
        path.relative_to(root).as_posix()
        for folder in ("components", "architecture")
        for path in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "require_output"
    }
    assert used == set()
