"""Databases, tables, caches, buckets and their copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.bearers import bursting
from costs.services.registry import number, prices
from costs.stack import Stack

_ENGINES: Final = {"postgres": "postgresql", "mysql": "mysql", "mariadb": "mariadb"}
_AURORA: Final = {"aurora-postgresql": "aurora_pg", "aurora-mysql": "aurora_mysql", "aurora": "aurora_mysql"}
_FREE_INSIGHTS_DAYS: Final = 7
"""Of Performance Insights. https://aws.amazon.com/rds/performance-insights/pricing/"""

_UNSUPPORTED: Final = {"postgres": 13, "aurora-postgresql": 13, "mysql": 8, "aurora-mysql": 5}
"""The newest major version that is paid for as extended support by the end of 2026.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/extended-support.html"""

_DATABASE: Final = "rds/instance:Instance"
_CLUSTER: Final = "rds/cluster:Cluster"
_PLAN: Final = "backup/plan:Plan"
_TABLE: Final = "dynamodb/table:Table"
_REPLICA: Final = "dynamodb/tableReplica:TableReplica"
_KB_IN_GB: Final = 1024**2


@prices(_DATABASE)
def database(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Hours, storage, copies beyond the size of the database, and the secret that RDS keeps the password in."""
    source = stack.find(_DATABASE, one.inputs.get("replicateSourceDb"), "identifier")
    engine = str(one.inputs.get("engine") or (source.inputs.get("engine") if source else "") or "")
    kind = str(one.inputs.get("instanceClass") or "")
    zones = "multi_az" if one.inputs.get("multiAz") else "single_az"
    words = "two zones" if one.inputs.get("multiAz") else "one zone"
    if engine not in _ENGINES:
        yield not_priced(
            f"{engine} {kind}", f"databases of the engine {engine or 'that nobody names'} have no price here"
        )
    else:
        yield fixed(f"{engine} {kind}, {words}", f"rds.{_ENGINES[engine]}.{kind}.{zones}_hour", stack.hours_of(one))
    size = number(one.inputs, "allocatedStorage", number(source.inputs, "allocatedStorage") if source else 0)
    disk = str(one.inputs.get("storageType") or ("io1" if one.inputs.get("iops") else "gp2"))
    if not size:
        yield not_priced("storage", "nobody says its size: it has that of its snapshot or source")
    else:
        yield fixed(f"storage, {disk}, {words}", f"rds.{disk}.{zones}_gb_month", size)
    if one.inputs.get("iops") or one.inputs.get("storageThroughput"):
        yield not_priced("operations a second, and throughput", "what is provisioned of them has no price here")
    if not stack.of(_PLAN):
        yield by_use("copies beyond its size", "rds.backup_gb_month", stack.use("backupGb", one, _CLUSTER))
    yield from _login(one, "manageMasterUserPassword")
    yield from _insights(one)
    yield from _supported(one, engine)
    yield from _reached(one, stack)
    yield from bursting(one, stack)
    if one.inputs.get("dedicatedLogVolume"):
        yield not_priced("volume for logs", "volumes of their own for logs have no price here")


def _supported(one: Resource, engine: str) -> Iterator[CostComponent]:
    """MySQL 8.0's is the eighth, 8.4 is supported."""
    version = str(one.inputs.get("engineVersion") or "")
    major = version.partition(".")[0]
    declined = one.inputs.get("engineLifecycleSupport") == "open-source-rds-extended-support-disabled"
    old = major.isdecimal() and int(major) <= _UNSUPPORTED.get(engine, 0) and not version.startswith("8.4")
    if old and not declined:
        yield not_priced(f"extended support of {engine} {version}", "its price by the processor has no source here")


def _reached(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    if one.inputs.get("publiclyAccessible"):
        yield fixed("public IPv4 address", "vpc.public_ipv4.in_use_hour", stack.hours_of(one))


def _login(one: Resource, key: str) -> Iterator[CostComponent]:
    if one.inputs.get(key):
        yield fixed("secret that RDS keeps", "secretsmanager.secret_month", 1)


def _insights(one: Resource) -> Iterator[CostComponent]:
    if number(one.inputs, "performanceInsightsRetentionPeriod") > _FREE_INSIGHTS_DAYS:
        yield not_priced(
            f"Performance Insights beyond {_FREE_INSIGHTS_DAYS} days", "longer retention has no price here"
        )
    if one.inputs.get("databaseInsightsMode") == "advanced":
        yield not_priced("Database Insights, advanced", "its price by the processor has no source here")


@prices(_CLUSTER)
def cluster(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Aurora's storage, which all zones share, and the requests to it; with storage for I/O requests cost nothing."""
    engine = str(one.inputs.get("engine") or "")
    if engine not in _AURORA:
        yield not_priced(f"cluster of {engine}", "Multi-AZ clusters that are not Aurora have no price here")
        return
    if one.inputs.get("engineMode") == "serverless":
        yield not_priced("capacity units", "serverless clusters of the first version have no price here")
    stored = stack.use("databaseGb", one)
    if one.inputs.get("storageType") == "aurora-iopt1":
        yield by_use("storage, I/O-optimized", "aurora.storage_io_optimized_gb_month", stored)
    else:
        yield by_use("storage", "aurora.storage_gb_month", stored)
        yield by_use("requests to the storage", "aurora.io_requests", stack.use("databaseRequests", one))
    if not stack.of(_PLAN):
        yield by_use("copies beyond a day", "aurora.backup_gb_month", stack.use("backupGb", one))
    yield from _login(one, "manageMasterUserPassword")
    yield from _insights(one)
    for key, what in (
        ("globalClusterIdentifier", "writes copied to other regions"),
        ("backtrackWindow", "changes kept to go back"),
        ("enableHttpEndpoint", "requests to the Data API"),
    ):
        if one.inputs.get(key):
            yield not_priced(what, "how many there are is not among the use that is known")


@prices("rds/clusterInstance:ClusterInstance")
def cluster_instance(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A writer or a reader; a serverless one by its units, never fewer than the cluster's least."""
    of = stack.find(_CLUSTER, one.inputs.get("clusterIdentifier"), "clusterIdentifier")
    engine = _AURORA.get(str(one.inputs.get("engine") or (of.inputs.get("engine") if of else "")))
    kind = str(one.inputs.get("instanceClass") or "")
    optimized = of is not None and of.inputs.get("storageType") == "aurora-iopt1"
    if kind == "db.serverless":
        least = number((of.inputs.get("serverlessv2ScalingConfiguration") or {}) if of else {}, "minCapacity")
        units = max(least, stack.expects("databaseAcus"))
        key = "aurora.serverless_v2.io_optimized_acu_hour" if optimized else "aurora.serverless_v2.acu_hour"
        yield by_use("capacity units, on average", key, units * stack.hours_of(one))
    elif engine is None:
        yield not_priced(kind, "the engine of the cluster has no price here")
    else:
        name = f"{engine}.{kind}.io_optimized_hour" if optimized else f"{engine}.{kind}.hour"
        yield fixed(f"Aurora {kind}", name, stack.hours_of(one))
    yield from _insights(one)
    yield from _supported(of or one, str((of or one).inputs.get("engine") or ""))
    yield from _reached(one, stack)
    yield from bursting(one, stack)


@prices("rds/snapshot:Snapshot", "rds/clusterSnapshot:ClusterSnapshot")
def database_snapshot(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A copy that stays after its database."""
    key = "aurora.backup_gb_month" if "cluster" in one.type else "rds.backup_gb_month"
    yield by_use("copy", key, stack.use("backupGb", one))


@prices(_TABLE)
def table(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Reserved capacity of the table and its indexes, or reads and writes; data; and the way back to any second. Of
    tables on demand, and of data, all tables count as if they had as many replicas as the one that has most, and were
    of the class that is dearer: for requests that for infrequent access, for data the standard one."""
    family = _family(one)
    copies = 1 + max(len(_replicas(each)) for each in stack.of(_TABLE))
    if _is_provisioned(one):
        for what, unit, units in _capacities(one):
            more = units * (1 + len(_replicas(one)) if unit == "wcu" else 1)
            yield fixed(f"capacity for {what}", f"{family}.provisioned.{unit}_hour", more * stack.hours)
    else:
        first = next(each for each in stack.of(_TABLE) if not _is_provisioned(each)) is one
        for what, key, unit in (("writes", "tableWrites", "write"), ("reads", "tableReads", "read")):
            asked = stack.expects(key) * (copies if unit == "write" else 1) if first else 0
            dearest = (
                "dynamodb.ia"
                if any(_family(each) == "dynamodb.ia" and not _is_provisioned(each) for each in stack.of(_TABLE))
                else "dynamodb"
            )
            yield by_use(f"{what} of all tables on demand", f"{dearest}.on_demand.{unit}_units", asked)
        if first and (away := copies - 1 + len({each.inputs.get("region") for each in stack.of(_REPLICA)})):
            yield _sent_away(stack.expects("tableWrites") * away)
    stored = stack.use("tableGb", one)
    kept = min(_family(each) for each in stack.of(_TABLE))
    yield by_use("data of all tables", f"{kept}.storage_gb_month", stored * copies)
    recoverable = [each for each in stack.of(_TABLE) if (each.inputs.get("pointInTimeRecovery") or {}).get("enabled")]
    if one.inputs.get("streamEnabled") and not stack.of("lambda/eventSourceMapping:EventSourceMapping"):
        yield not_priced(
            "reads of the stream", "only those by functions are free, and how many others are is not known"
        )
    if one in recoverable:
        back = stack.expects("tableGb") if recoverable[0] is one else 0
        yield by_use("way back to any second", "dynamodb.pitr_gb_month", back)
    having = [each for each in stack.of(_TABLE) if _recoverable_replicas(each)]
    if having[:1] == [one]:
        most = max(map(_recoverable_replicas, having))
        yield by_use("way back of the copies", "dynamodb.pitr_gb_month", stack.expects("tableGb") * most)


def _replicas(table_: Resource) -> list[Mapping[str, Any]]:
    """Those that it names itself."""
    return [*(table_.inputs.get("replicas") or [])]


def _recoverable_replicas(table_: Resource) -> int:
    return sum(bool(each.get("pointInTimeRecovery")) for each in _replicas(table_))


def _sent_away(writes: Decimal) -> CostComponent:
    """What replicas get, of which a unit is up to 1 KB.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/global-tables-billing.html"""
    return by_use("data to replicas, at most", "datatransfer.inter_region_gb", writes / _KB_IN_GB)


def _family(table_: Resource) -> str:
    return "dynamodb.ia" if table_.inputs.get("tableClass") == "STANDARD_INFREQUENT_ACCESS" else "dynamodb"


def _is_provisioned(table_: Resource) -> bool:
    return table_.inputs.get("billingMode", "PROVISIONED") == "PROVISIONED"


def _capacities(table_: Resource) -> Iterator[tuple[str, str, Decimal]]:
    """Of the table and its indexes: for what, in which unit, how many."""
    parts: list[Mapping[str, Any]] = [table_.inputs, *(table_.inputs.get("globalSecondaryIndexes") or [])]
    for what, key, unit in (("writing", "writeCapacity", "wcu"), ("reading", "readCapacity", "rcu")):
        yield what, unit, sum((number(part, key) for part in parts), Decimal(0))


@prices(_REPLICA)
def replica(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """The capacity of a table once more; of tables on demand each write and all data once more, for all replicas of a
    region together, as if every table had one there."""
    there = [each for each in stack.of(_REPLICA) if each.inputs.get("region") == one.inputs.get("region")]
    share = 1 if there[0] is one else 0
    of = stack.find(_TABLE, one.inputs.get("globalTableArn"))
    family = _family(of) if of else "dynamodb"
    if of is not None and _is_provisioned(of):
        for what, unit, units in _capacities(of):
            yield fixed(f"capacity for {what} copies", f"{family}.provisioned.{unit}_hour", units * stack.hours)
    else:
        writes = stack.expects("tableWrites") * share
        yield by_use("writes of all tables, copied", f"{family}.on_demand.write_units", writes)
        if share and not stack.of(_TABLE):
            yield _sent_away(writes)
    yield by_use("data of all tables, copied", f"{family}.storage_gb_month", stack.expects("tableGb") * share)
    if any(each.inputs.get("pointInTimeRecovery") for each in there):
        yield by_use("way back of the copies", "dynamodb.pitr_gb_month", stack.expects("tableGb") * share)


@prices("dynamodb/kinesisStreamingDestination:KinesisStreamingDestination")
def changes(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A unit for each write that is sent to a stream."""
    yield by_use("changes sent to streams", "dynamodb.kinesis_units", stack.use("tableWrites", one))


@prices("dynamodb/tableExport:TableExport")
def exported(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A whole copy of the table in S3, once."""
    yield by_use("export, once", "dynamodb.export_gb", stack.use("tableGb", one))


@prices(_PLAN)
def plan(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Copies of tables, each a whole one; of databases and disks what differs; copies in another region again."""
    rules = one.inputs.get("rules") or []
    kept = sum((_kept(rule, rule) for rule in rules), Decimal(0))
    away = sum((_kept(rule, copy) for rule in rules for copy in rule.get("copyActions") or []), Decimal(0))
    if stack.of(_TABLE):
        tables = stack.use("tableGb", one)
        yield by_use("copies of tables", "dynamodb.backup_gb_month", kept * tables)
        if away:
            yield by_use("copies of tables in another region", "dynamodb.backup_gb_month", away * tables)
    other = "aurora" if stack.of(_CLUSTER) else "rds" if stack.of(_DATABASE) else "ebs" if _disks(stack) else ""
    if not other:
        return
    copied = stack.use("backupGb", one)
    yield by_use("other copies", f"backup.{other}_gb_month", copied)
    if away:
        yield by_use("other copies in another region", f"backup.{other}_gb_month", copied)
        yield by_use("data to another region", "datatransfer.inter_region_gb", copied)


def _disks(stack: Stack) -> bool:
    return bool(stack.of("ebs/volume:Volume", "ec2/instance:Instance"))


def _kept(rule: Mapping[str, Any], copy: Mapping[str, Any]) -> Decimal:
    """How many copies of a plan's rule there are at a time: one a day, or one a week if it names the day."""
    days = number(copy.get("lifecycle") or {}, "deleteAfter")
    fields = str(rule.get("schedule") or "").removeprefix("cron(").removesuffix(")").split()
    weekly = len(fields) == 6 and fields[4] not in ("*", "?")
    return (days / (7 if weekly else 1)).to_integral_value(ROUND_CEILING)


@prices("elasticache/replicationGroup:ReplicationGroup")
def cache(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Nodes by the hour; the first snapshot of each is free, the others are paid by their size."""
    groups = number(one.inputs, "numNodeGroups")
    nodes = groups * (number(one.inputs, "replicasPerNodeGroup") + 1) or number(one.inputs, "numCacheClusters", 1)
    yield from _nodes(one, str(one.inputs.get("engine") or "redis"), nodes, stack)
    if (days := number(one.inputs, "snapshotRetentionLimit")) > 1:
        copied = [each for each in stack.of(one.type) if number(each.inputs, "snapshotRetentionLimit") > 1]
        data = stack.expects("cacheGb") if copied[0] is one else 0
        yield by_use("snapshots beyond the first", "elasticache.backup_gb_month", (days - 1) * data)


@prices("elasticache/cluster:Cluster")
def cache_cluster(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """As a group of nodes; one that belongs to a group is paid there."""
    if one.inputs.get("replicationGroupId") and not one.inputs.get("nodeType"):
        yield from _nodes_of_group(one, stack)
        return
    yield from _nodes(one, str(one.inputs.get("engine") or "redis"), number(one.inputs, "numCacheNodes", 1), stack)


def _nodes_of_group(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    group = stack.find(
        "elasticache/replicationGroup:ReplicationGroup", one.inputs["replicationGroupId"], "replicationGroupId"
    )
    if group is None:
        yield not_priced("node", "the replication group is not in this stack, so the kind of node is not known")
    else:
        yield from _nodes(group, str(group.inputs.get("engine") or "redis"), Decimal(1), stack)


def _nodes(one: Resource, engine: str, nodes: Decimal, stack: Stack) -> Iterator[CostComponent]:
    kind = str(one.inputs.get("nodeType") or "")
    yield fixed(f"{nodes} nodes, {engine} {kind}", f"elasticache.{engine}.{kind}.hour", nodes * stack.hours)


@prices("elasticache/serverlessCache:ServerlessCache")
def serverless_cache(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Data, of which the least that is metered is 0.1 GB (1 GB with Redis), and units of requests."""
    engine = str(one.inputs.get("engine") or "redis")
    least = Decimal("0.1") if engine == "valkey" else Decimal(1)
    data = max(least, stack.use("cacheGb", one))
    yield fixed("data, at least the least", f"elasticache_serverless.{engine}.gb_hour", data * stack.hours)
    yield by_use("requests", f"elasticache_serverless.{engine}.ecpu", stack.use("cacheRequests", one))


@prices("docdb/clusterInstance:ClusterInstance", "neptune/clusterInstance:ClusterInstance")
def other_databases(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Nodes by the hour."""
    del stack
    if not one.inputs.get("instanceClass"):
        yield free("nothing runs")
    else:
        yield not_priced(str(one.inputs["instanceClass"]), "this service has no prices here")
