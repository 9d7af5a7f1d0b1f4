"""Relational databases and caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, aws, example, graph_rule, ref, rule, setting, show
from guardrails.rules.keys import A_KEY, uses_own_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


BACKUP_DAYS = 7
FREE_PLAN_BACKUP_DAYS = 1  # github.com/yc-software/qm/issues/352
# Engine → the parameter that refuses plain connections.
_FORCES_TLS = {
    "postgres": "rds.force_ssl",
    "aurora-postgresql": "rds.force_ssl",
    "mysql": "require_secure_transport",
    "aurora-mysql": "require_secure_transport",
    "mariadb": "require_secure_transport",
}


def _db(**props: Any) -> Any:
    return aws("rds/instance:Instance", props, name="db")


def _cluster(**props: Any) -> Any:
    return aws("rds/cluster:Cluster", props, name="db")


def _member(name: str, **props: Any) -> Any:
    return aws("rds/clusterInstance:ClusterInstance", {"clusterIdentifier": ref("db"), **props}, name=name)


def _login(type_: str) -> Any:
    return aws("ssm/parameter:Parameter", {"type": type_, "value": "login-value"}, name="login")


def _parameters(family: str) -> Any:
    return aws("rds/parameterGroup:ParameterGroup", {"family": family}, name="p")


def _cluster_parameters(family: str) -> Any:
    return aws("rds/clusterParameterGroup:ClusterParameterGroup", {"family": family}, name="p")


def _cache(**props: Any) -> Any:
    return aws("elasticache/replicationGroup:ReplicationGroup", props)


database_encrypted = setting(
    id="database-encrypted",
    title="Databases are encrypted",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    path="storageEncrypted",
    allowed=(True,),
    wrong=False,
    message="the storage is not encrypted",
    description="It cannot be switched on later: the database would have to be copied through a snapshot.",
    level=MANDATORY,
    severity="high",
    topics=("at rest",),
    references=("A", "P", "N-RDS2", "C16", "C96", "F RDS.3", "F RDS.27"),
    remedy="Set storageEncrypted, and kmsKeyId for a customer-managed key.",
    remediates=True,
)


@graph_rule(
    id="database-key",
    title="Databases are encrypted with a customer-managed key",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("C327", "F RDS.27"),
    remedy="Set kmsKeyId.",
)
def database_key(database: Resource, at: Context) -> Iterator[str]:
    """Snapshots under the account's default key cannot be shared or copied to another account. A replica has the key of
    its source; a stack outside of production that does without keys, at $1 a month each, is left alone."""
    if database.props.has("replicateSourceDb") or database.props.has("replicationSourceIdentifier"):
        return
    if uses_own_keys(at) and not database.props.has("kmsKeyId"):
        yield "it is encrypted with the account's default key"


database_key.examples(
    compliant=[
        example(aws("rds/instance:Instance", {"kmsKeyId": "arn:aws:kms:::key/1"}), A_KEY),
        example(aws("rds/instance:Instance", {"replicateSourceDb": "kumiki-dev-database"}), A_KEY),
        example(aws("rds/cluster:Cluster"), environment="prod", free_tier=True),
        aws("rds/cluster:Cluster"),
    ],
    non_compliant=[
        example(aws("rds/instance:Instance", {"storageEncrypted": True}), A_KEY),
        example(aws("rds/cluster:Cluster", {"storageEncrypted": True}), environment="prod"),
    ],
)


database_not_public = setting(
    id="database-not-public",
    title="Databases have no public address",
    types=(types.RDS_INSTANCE, types.CLUSTER_INSTANCE),
    path="publiclyAccessible",
    allowed=(False,),
    default=False,
    wrong=True,
    message="the database has a public address",
    description="A public address leaves nothing but a security group and a password between the data and everybody.",
    level=MANDATORY,
    severity="critical",
    topics=("network",),
    references=("A", "P", "C17", "F RDS.2"),
    remedy="Set publiclyAccessible to false; reach the database from inside the network.",
    remediates=True,
)


@graph_rule(
    id="database-managed-password",
    title="RDS manages the master password; in a free-tier stack an encrypted parameter holds it",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    level=MANDATORY,
    severity="high",
    topics=("secrets",),
    remedy="Set manageMasterUserPassword and leave the password out.",
)
def database_managed_password(database: Resource, at: Context) -> Iterator[str]:
    """A password that the program sets is in its state, in its settings or in both. Where a secret's $0.40 a month are
    too much (freeTier), it must at least come from an SSM parameter of type SecureString."""
    given = [key for key in ("password", "masterPassword", "passwordWo", "masterPasswordWo") if database.props.has(key)]
    if not given or database.props.get("manageMasterUserPassword"):
        return
    if not at.stack.free_tier or not _kept_in_a_parameter(database, given[0], at):
        yield f"{given[0]} is set by the program"


database_managed_password.examples(
    compliant=[
        _db(manageMasterUserPassword=True),
        _cluster(replicationSourceIdentifier="arn"),
        example(_login("SecureString"), _db(username="app", password=ref("login", "value")), free_tier=True),
    ],
    non_compliant=[
        _db(username="app", password="one"),  # noqa: S106 an example
        _cluster(masterPassword="one"),
        example(_db(username="app", password="one"), free_tier=True),  # noqa: S106 an example
        example(_login("String"), _db(username="app", password=ref("login", "value")), free_tier=True),
        example(_login("SecureString"), _db(username="app", password=ref("login", "value"))),
    ],
)


def _kept_in_a_parameter(database: Resource, key: str, at: Context) -> bool:
    """Whether an encrypted parameter of the stack holds the password, alone or beside its user's name."""
    kept = at.graph.targets(database, types.SSM_PARAMETER, via=key)
    if not kept:
        password = database.props.text(key)
        kept = [
            each for each in at.graph.of_kind(types.SSM_PARAMETER) if password and password in each.props.text("value")
        ]
    return any(each.props.get("type") == "SecureString" for each in kept)


@rule(
    id="database-backups",
    title=f"Databases can be restored to any second of the last {BACKUP_DAYS} days or more",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    references=("A", "P", "N-RDS13", "C133"),
    remedy=f"Set backupRetentionPeriod to {BACKUP_DAYS} or more; on AWS's free plan to {FREE_PLAN_BACKUP_DAYS}.",
    remediate=lambda database, at: {"backupRetentionPeriod": _backup_days(database, at)},
)
def database_backups(database: Resource, at: Context) -> Iterator[str]:
    """Nothing set means no backups for an instance and one day for a cluster. A replica's source has the backups. In an
    account on the free plan RDS refuses more than one day (`FreeTierRestrictionError`)."""
    if database.props.has("replicateSourceDb") or database.props.has("replicationSourceIdentifier"):
        return
    days = database.props.number("backupRetentionPeriod") or (1.0 if database.kind == types.RDS_CLUSTER else 0.0)
    wanted = _backup_days(database, at)
    if days < wanted:
        yield f"backups are kept for {show(days)} days, not {wanted}"
    elif at.stack.free_plan and database.kind == types.RDS_INSTANCE and days > wanted:
        yield f"backups for {show(days)} days are refused in an account on the free plan; {wanted} is allowed"


database_backups.examples(
    compliant=[
        _db(backupRetentionPeriod=7),
        example(_db(backupRetentionPeriod=1), free_plan=True),
        _cluster(backupRetentionPeriod=35),
        _db(replicateSourceDb="first"),
    ],
    non_compliant=[_db(), _db(backupRetentionPeriod=0), _cluster(backupRetentionPeriod=1),
        example(_db(backupRetentionPeriod=1), free_tier=True), example(_db(), free_plan=True),
        example(_db(backupRetentionPeriod=7), free_plan=True)],
)  # fmt: skip


def _backup_days(database: Resource, at: Context) -> int:
    return FREE_PLAN_BACKUP_DAYS if at.stack.free_plan and database.kind == types.RDS_INSTANCE else BACKUP_DAYS


database_deletion_protection = setting(
    id="database-deletion-protection",
    title="In production, databases have deletion protection",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    path="deletionProtection",
    allowed=(True,),
    wrong=False,
    message="deletion protection is off",
    description="AWS's own switch, which also stops whoever works around Pulumi.",
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    references=("A", "N-RDS10", "C139", "C293"),
    remedy="Set deletionProtection.",
    remediates=True,
)

database_final_snapshot = setting(
    id="database-final-snapshot",
    title="In production, a deleted database leaves a snapshot",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    path="skipFinalSnapshot",
    allowed=(False,),
    default=False,
    wrong=True,
    message="the final snapshot is skipped",
    description="The automatic backups go with the database.",
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    remedy="Set skipFinalSnapshot to false and give a finalSnapshotIdentifier.",
)


@graph_rule(
    id="database-two-zones",
    title="In production, a database survives the loss of a zone",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    references=("A", "N-RDS3", "C157"),
    remedy="Set multiAz; give an Aurora cluster a reader in another zone.",
)
def database_two_zones(database: Resource, at: Context) -> Iterator[str]:
    """An instance needs a standby, a cluster two members, not both in one zone."""
    if database.kind == types.RDS_INSTANCE:
        if not database.props.get("multiAz") and not database.props.has("replicateSourceDb"):
            yield "there is no standby in another zone"
        return
    if database.props.has("dbClusterInstanceClass"):
        # A Multi-AZ cluster has its three instances built in.
        return
    members = at.graph.children(database, types.CLUSTER_INSTANCE, via="clusterIdentifier")
    zones = [member.props.maybe("availabilityZone") for member in members]
    if len(members) < 2:
        for other in at.graph.of_kind(types.CLUSTER_INSTANCE):
            if other not in members and not other.dependencies.get("clusterIdentifier"):
                # One whose cluster is not known yet may be the reader.
                other.props.get("clusterIdentifier")
        yield "there is one instance, and no reader to fail over to"
    elif all(isinstance(zone, str) for zone in zones) and len(set(zones)) == 1:
        yield f"all instances are in {zones[0]}"


database_two_zones.examples(
    compliant=[
        example(_db(multiAz=True), environment="prod"),
        example(_db(replicateSourceDb="first"), environment="prod"),
        example(_cluster(), _member("writer"), _member("reader"), environment="prod"),
        example(_cluster(dbClusterInstanceClass="db.m6gd.large"), environment="prod"),
    ],
    non_compliant=[
        example(_db(), environment="prod"),
        example(_db(multiAz=False), environment="prod"),
        example(_cluster(), _member("writer"), environment="prod"),
        example(
            _cluster(),
            _member("writer", availabilityZone="ap-northeast-1a"),
            _member("reader", availabilityZone="ap-northeast-1a"),
            environment="prod",
        ),
    ],
)


@rule(
    id="database-logs",
    title="Databases send their logs to CloudWatch",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("N-RDS16", "C129", "C324"),
    remedy="Name the engine's logs in enabledCloudwatchLogsExports.",
)
def database_logs(database: Resource, _at: Context) -> Iterator[str]:
    """Logs on the database's own disk are gone after a few days, and with the database."""
    if not len(database.props.items("enabledCloudwatchLogsExports")):
        yield "no log is exported"


database_logs.examples(
    compliant=[_db(enabledCloudwatchLogsExports=["postgresql"])],
    non_compliant=[_db(), _cluster(enabledCloudwatchLogsExports=[])],
)


database_iam_login = setting(
    id="database-iam-login",
    title="Databases allow IAM authentication",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    path="iamDatabaseAuthenticationEnabled",
    allowed=(True,),
    wrong=False,
    message="IAM authentication is off",
    description="A token of 15 minutes for a role instead of a password that somebody keeps.",
    level=ADVISORY,
    severity="low",
    topics=("IAM",),
    references=("N-RDS6", "C161", "C162"),
    remedy="Set iamDatabaseAuthenticationEnabled, and grant rds-db:connect to the roles.",
    remediates=True,
)

database_minor_upgrades = setting(
    id="database-minor-upgrades",
    title="Databases install minor versions automatically",
    types=(types.RDS_INSTANCE, types.CLUSTER_INSTANCE),
    path="autoMinorVersionUpgrade",
    allowed=(True,),
    default=True,
    wrong=False,
    message="automatic minor version upgrades are off",
    description="They carry the security fixes.",
    level=ADVISORY,
    severity="low",
    topics=("network",),
    references=("C226", "F RDS.13"),
    remedy="Leave autoMinorVersionUpgrade on.",
    remediates=True,
)


def _forced(group: str, kind: str, name: str, value: str) -> Any:
    return aws(f"rds/{group}:{kind}", {"parameters": [{"name": name, "value": value}]}, name="parameters")


@graph_rule(
    id="database-tls",
    title="Databases refuse connections without TLS",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("C2-69",),
    remedy="Give it a parameter group with rds.force_ssl = 1 (PostgreSQL) or require_secure_transport = ON (MySQL).",
)
def database_tls(database: Resource, at: Context) -> Iterator[str]:
    """Encryption is an offer until a parameter makes it a condition. Said for PostgreSQL, MySQL and MariaDB."""
    parameter = _FORCES_TLS.get(str(database.props.get("engine")))
    if parameter is None or database.props.has("replicateSourceDb"):
        return
    cluster = database.kind == types.RDS_CLUSTER
    via = "dbClusterParameterGroupName" if cluster else "parameterGroupName"
    groups = at.graph.targets(database, types.CLUSTER_PARAMETER_GROUP if cluster else types.PARAMETER_GROUP, via=via)
    if not groups:
        database.props.get(via)
    set_ = [
        str(each.get("value")).lower()
        for group in groups
        for each in group.props.items("parameters").blocks()
        if each.get("name") == parameter
    ]
    if not any(value in ("1", "1.0", "on", "true") for value in set_):
        yield f"{parameter} is not set"


database_tls.examples(
    compliant=[
        example(
            _db(engine="postgres", parameterGroupName=ref("parameters")),
            _forced("parameterGroup", "ParameterGroup", "rds.force_ssl", "1"),
        ),
        example(
            _cluster(engine="aurora-mysql", dbClusterParameterGroupName=ref("parameters")),
            _forced("clusterParameterGroup", "ClusterParameterGroup", "require_secure_transport", "ON"),
        ),
        _db(engine="oracle-ee"),
    ],
    non_compliant=[
        _db(engine="postgres"),
        example(
            _db(engine="postgres", parameterGroupName=ref("parameters")),
            _forced("parameterGroup", "ParameterGroup", "rds.force_ssl", "0"),
        ),
        example(
            _cluster(engine="aurora-postgresql", dbClusterParameterGroupName=ref("parameters")),
            _forced("clusterParameterGroup", "ClusterParameterGroup", "log_statement", "all"),
        ),
    ],
)


cache_encrypted = setting(
    id="cache-encrypted",
    title="Caches are encrypted",
    types=(types.REPLICATION_GROUP,),
    path="atRestEncryptionEnabled",
    allowed=(True,),
    wrong=False,
    message="encryption at rest is off",
    description="It cannot be switched on later.",
    level=MANDATORY,
    severity="high",
    topics=("at rest",),
    references=("N-AEC3", "C29", "C191"),
    remedy="Set atRestEncryptionEnabled, and kmsKeyId for a customer-managed key.",
    remediates=True,
)

cache_tls = setting(
    id="cache-tls",
    title="Caches require TLS",
    types=(types.REPLICATION_GROUP,),
    path="transitEncryptionEnabled",
    allowed=(True,),
    wrong=False,
    message="encryption in transit is off",
    description="Without it the password travels in plain text, too.",
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("N-AEC3", "C30"),
    remedy="Set transitEncryptionEnabled, and transitEncryptionMode to required.",
    remediates=True,
)


@rule(
    id="cache-login",
    title="Caches require authentication",
    types=(types.REPLICATION_GROUP,),
    level=MANDATORY,
    severity="high",
    topics=("secrets",),
    references=("N-AEC6", "C31"),
    remedy="Give it userGroupIds, or an authToken.",
)
def cache_login(cache: Resource, _at: Context) -> Iterator[str]:
    """Without either, whoever reaches the port reads everything."""
    token = cache.props.has("authToken") or cache.props.has("authTokenWo")
    if not token and not len(cache.props.items("userGroupIds")):
        yield "neither userGroupIds nor authToken is set"


cache_login.examples(
    compliant=[_cache(userGroupIds=["app"]), _cache(authToken="from-a-secret-store")],
    non_compliant=[_cache(), _cache(userGroupIds=[])],
)


@rule(
    id="cache-two-zones",
    title="In production, a cache survives the loss of a zone",
    types=(types.REPLICATION_GROUP,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    references=("N-AEC4", "C2-50"),
    remedy="Set automaticFailoverEnabled and multiAzEnabled, with a replica.",
)
def cache_two_zones(cache: Resource, _at: Context) -> Iterator[str]:
    """A replica in another zone that takes over by itself."""
    for switch in ("automaticFailoverEnabled", "multiAzEnabled"):
        if not cache.props.get(switch):
            yield f"{switch} is off"


cache_two_zones.examples(
    compliant=[example(_cache(automaticFailoverEnabled=True, multiAzEnabled=True), environment="prod")],
    non_compliant=[
        example(_cache(), environment="prod"),
        example(_cache(automaticFailoverEnabled=True), environment="prod"),
    ],
)


@rule(
    id="cache-snapshots",
    title="In production, caches are backed up",
    types=(types.REPLICATION_GROUP,),
    level=MANDATORY,
    severity="low",
    topics=("backup",),
    environments=("prod",),
    references=("C134",),
    remedy="Set snapshotRetentionLimit to 1 or more.",
)
def cache_snapshots(cache: Resource, _at: Context) -> Iterator[str]:
    """A cold cache may be more than its database can bear."""
    if not cache.props.number("snapshotRetentionLimit"):
        yield "no snapshots are kept"


cache_snapshots.examples(
    compliant=[example(_cache(snapshotRetentionLimit=1), environment="prod")],
    non_compliant=[
        example(_cache(), environment="prod"),
        example(_cache(snapshotRetentionLimit=0), environment="prod"),
    ],
)


# Names that an engine keeps for itself.
_RESERVED = {
    "postgres": ("admin", "postgres_admin", "rdsadmin", "rds_superuser", "public"),
    "mysql": ("rdsadmin", "mysql.sys", "mysql.session"),
    "maria": ("rdsadmin", "mysql.sys"),
}


@rule(
    id="database-user-free",
    title="The master user's name is not reserved by the engine",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER),
    level=MANDATORY,
    severity="medium",
    topics=("runtime",),
    remedy="Choose another name, such as dbadmin.",
)
def database_user_free(database: Resource, _at: Context) -> Iterator[str]:
    """AWS refuses such a name, some minutes into the deployment; no schema lists them."""
    key = "username" if database.kind == types.RDS_INSTANCE else "masterUsername"
    user, engine = database.props.text(key).lower(), database.props.text("engine")
    if any(part in engine and user in names for part, names in _RESERVED.items()):
        yield f"{user} is reserved by {engine}"


database_user_free.examples(
    compliant=[
        _db(engine="postgres", username="dbadmin"),
        _cluster(engine="aurora-mysql", masterUsername="admin"),
        _db(engine="postgres", replicateSourceDb="other"),
    ],
    non_compliant=[
        _db(engine="postgres", username="rdsadmin"),
        _cluster(engine="aurora-postgresql", masterUsername="Admin"),
    ],
)


@graph_rule(
    id="database-parameters-fit",
    title="A parameter group's family matches the engine and version",
    types=(types.RDS_INSTANCE, types.RDS_CLUSTER, types.CLUSTER_INSTANCE),
    level=MANDATORY,
    severity="medium",
    topics=("runtime",),
    remedy="Set the group's family to the engine followed by its major version, such as postgres17.",
)
def database_parameters_fit(database: Resource, at: Context) -> Iterator[str]:
    """AWS refuses another family once the database is being made, or when its version is raised."""
    engine, version = database.props.text("engine"), database.props.text("engineVersion")
    for via, kind in (
        ("parameterGroupName", types.PARAMETER_GROUP),
        ("dbClusterParameterGroupName", types.CLUSTER_PARAMETER_GROUP),
    ):
        for group in at.graph.targets(database, kind, via=via):
            family = group.props.text("family")
            rest = family.removeprefix(engine)
            if rest == family or not (rest[:1].isdigit() or not rest):
                yield f"parameter group {group.name} has family {family}, but the engine is {engine}"
            elif version and not f"{version}.".startswith(f"{rest}."):
                yield f"parameter group {group.name} has family {family}, but the version is {version}"


database_parameters_fit.examples(
    compliant=[
        example(_parameters("postgres17"), _db(engine="postgres", engineVersion="17.5", parameterGroupName=ref("p"))),
        example(_parameters("mysql8.0"), _db(engine="mysql", engineVersion="8.0.42", parameterGroupName=ref("p"))),
        example(
            _cluster_parameters("aurora-postgresql16"),
            _cluster(engine="aurora-postgresql", engineVersion="16", dbClusterParameterGroupName=ref("p")),
        ),
        # Which minor version is the newest of its major one, AWS decides.
        example(_parameters("postgres17"), _db(engine="postgres", parameterGroupName=ref("p"))),
    ],
    non_compliant=[
        example(_parameters("postgres16"), _db(engine="postgres", engineVersion="17.5", parameterGroupName=ref("p"))),
        example(_parameters("postgres1"), _db(engine="postgres", engineVersion="17", parameterGroupName=ref("p"))),
        example(_parameters("mysql8.0"), _db(engine="mysql", engineVersion="8.4.5", parameterGroupName=ref("p"))),
        example(
            _cluster_parameters("postgres17"),
            _cluster(engine="aurora-postgresql", engineVersion="17", dbClusterParameterGroupName=ref("p")),
        ),
        example(_parameters("aurora-postgresql17"), _db(engine="postgres", parameterGroupName=ref("p"))),
    ],
)
