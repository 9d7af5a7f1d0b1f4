"""Databases, tables, caches, buckets and their copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.registry import number, prices
from costs.stack import Stack

_ENGINES: Final = {"postgres": "postgresql", "mysql": "mysql", "mariadb": "mariadb"}
_AURORA: Final = {"aurora-postgresql": "aurora_pg", "aurora-mysql": "aurora_mysql", "aurora": "aurora_mysql"}
_FREE_INSIGHTS_DAYS: Final = 7
"""Of Performance Insights. https://aws.amazon.com/rds/performance-insights/pricing/"""

_DATABASE: Final = "rds/instance:Instance"
_CLUSTER: Final = "rds/cluster:Cluster"
_PLAN: Final = "backup/plan:Plan"
_TABLE: Final = "dynamodb/table:Table"
_REPLICA: Final = "dynamodb/tableReplica:TableReplica"
_BUCKET: Final = "s3/bucket:Bucket"
_OLDER_BUCKETS: Final = ("s3/bucketV2:BucketV2",)


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


def _login(one: Resource, key: str) -> Iterator[CostComponent]:
    if one.inputs.get(key):
        yield fixed("secret that RDS keeps", "secretsmanager.secret_month", 1)


def _insights(one: Resource) -> Iterator[CostComponent]:
    if number(one.inputs, "performanceInsightsRetentionPeriod") > _FREE_INSIGHTS_DAYS:
        yield not_priced(
            f"Performance Insights beyond {_FREE_INSIGHTS_DAYS} days", "longer retention has no price here"
        )


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


@prices("rds/snapshot:Snapshot", "rds/clusterSnapshot:ClusterSnapshot")
def database_snapshot(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A copy that stays after its database."""
    key = "aurora.backup_gb_month" if "cluster" in one.type else "rds.backup_gb_month"
    yield by_use("copy", key, stack.use("backupGb", one))


@prices(_TABLE)
def table(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Reserved capacity of the table and its indexes, or reads and writes; data; and the way back to any second."""
    if one.inputs.get("tableClass") == "STANDARD_INFREQUENT_ACCESS":
        yield not_priced("table for infrequent access", "this class of tables has prices of its own")
        return
    provisioned = one.inputs.get("billingMode", "PROVISIONED") == "PROVISIONED"
    copies = 1 + len(one.inputs.get("replicas") or [])
    if provisioned:
        parts: list[Mapping[str, Any]] = [one.inputs, *(one.inputs.get("globalSecondaryIndexes") or [])]
        for what, key, unit in (("writing", "writeCapacity", "wcu"), ("reading", "readCapacity", "rcu")):
            units = sum((number(part, key) for part in parts), Decimal(0)) * (copies if unit == "wcu" else 1)
            yield fixed(f"capacity for {what}", f"dynamodb.provisioned.{unit}_hour", units * stack.hours)
    else:
        on_demand = [each for each in stack.of(_TABLE) if each.inputs.get("billingMode") == "PAY_PER_REQUEST"]
        first = on_demand[0] is one
        for what, key, unit in (("writes", "tableWrites", "write"), ("reads", "tableReads", "read")):
            asked = stack.expects(key) * (copies if unit == "write" else 1) if first else 0
            yield by_use(f"{what} of all tables on demand", f"dynamodb.on_demand.{unit}_units", asked)
    stored = stack.use("tableGb", one)
    yield by_use("data of all tables", "dynamodb.storage_gb_month", stored * copies)
    recoverable = [each for each in stack.of(_TABLE) if (each.inputs.get("pointInTimeRecovery") or {}).get("enabled")]
    if one in recoverable:
        back = stack.expects("tableGb") if recoverable[0] is one else 0
        yield by_use("way back to any second", "dynamodb.pitr_gb_month", back)


@prices(_REPLICA)
def replica(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Each write and all data once more, for all replicas of a region together, as if every table had one there."""
    there = [each for each in stack.of(_REPLICA) if each.inputs.get("region") == one.inputs.get("region")]
    share = 1 if there[0] is one else 0
    yield by_use("writes of all tables, copied", "dynamodb.on_demand.write_units", stack.expects("tableWrites") * share)
    yield by_use("data of all tables, copied", "dynamodb.storage_gb_month", stack.expects("tableGb") * share)
    if any(each.inputs.get("pointInTimeRecovery") for each in there):
        yield by_use("way back of the copies", "dynamodb.pitr_gb_month", stack.expects("tableGb") * share)


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
    """Nodes by the hour; the first snapshot of each is free."""
    groups = number(one.inputs, "numNodeGroups")
    nodes = groups * (number(one.inputs, "replicasPerNodeGroup") + 1) or number(one.inputs, "numCacheClusters", 1)
    yield from _nodes(one, str(one.inputs.get("engine") or "redis"), nodes, stack)


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
    """The least that is metered (0.1 GB, 1 GB with Redis); commands cost beyond it."""
    engine = str(one.inputs.get("engine") or "redis")
    least = Decimal("0.1") if engine == "valkey" else Decimal(1)
    yield fixed("least data", f"elasticache_serverless.{engine}.gb_hour", least * stack.hours)
    yield not_priced("commands", "how many there are is not among the use that is known")


@prices(_BUCKET, *_OLDER_BUCKETS)
def bucket(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Data and requests of all buckets, as if all of it stayed in the standard class: what rules move to a cheaper one
    depends on its age."""
    others = tuple(type_ for type_ in (_BUCKET, *_OLDER_BUCKETS) if type_ != one.type)
    yield by_use("data of all buckets", "s3.standard.gb_month", stack.use("storageGb", one, *others))
    yield by_use("writes to all buckets", "s3.standard.put_requests", stack.use("objectWrites", one, *others))
    yield by_use("reads from all buckets", "s3.standard.get_requests", stack.use("objectReads", one, *others))


@prices("s3/bucketReplicationConfig:BucketReplicationConfig")
def replication(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What is copied is kept twice, travels to the other region, and may have to arrive in time."""
    copied = stack.use("replicatedGb", one)
    yield by_use("data of the copies", "s3.standard.gb_month", copied)
    destinations = [rule.get("destination") or {} for rule in one.inputs.get("rules") or []]
    targets = [stack.find(_BUCKET, each.get("bucket")) for each in destinations]
    if any(target is None or target.region != one.region for target in targets):
        yield by_use("data to another region", "datatransfer.inter_region_gb", copied)
    if any((each.get("replicationTime") or {}).get("status") == "Enabled" for each in destinations):
        yield by_use("copies in time", "s3.replication_time_control_gb", copied)


@prices("s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration")
def tiering(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the object that is watched: as many as are written in a month, at least."""
    yield by_use("objects watched", "s3.intelligent_tiering.monitoring_objects", stack.use("objectWrites", one))


@prices("efs/fileSystem:FileSystem")
def files(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the GB, where there is no bucket that has the stack's data."""
    stored = 0 if stack.of(_BUCKET, *_OLDER_BUCKETS) else stack.use("storageGb", one)
    yield by_use("data of all file systems", "efs.standard_gb_month", stored)
    mode = str(one.inputs.get("throughputMode") or "bursting")
    if mode != "bursting":
        yield not_priced(f"throughput, {mode}", "only bursting throughput is in the price of the data")


@prices("docdb/clusterInstance:ClusterInstance", "neptune/clusterInstance:ClusterInstance")
def other_databases(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Nodes by the hour."""
    del stack
    if not one.inputs.get("instanceClass"):
        yield free("nothing runs")
    else:
        yield not_priced(str(one.inputs["instanceClass"]), "this service has no prices here")
