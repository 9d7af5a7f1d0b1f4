"""Relational databases and caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import (
    ADVISORY,
    MANDATORY,
    aws,
    example,
    graph_rule,
    ref,
    rule,
    setting,
    show,
)
from guardrails.rules.keys import A_KEY, uses_own_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

INSTANCE = "aws:rds/instance:Instance"
CLUSTER = "aws:rds/cluster:Cluster"
MEMBER = "aws:rds/clusterInstance:ClusterInstance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
_PARAMETER = "aws:ssm/parameter:Parameter"
_PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
_CLUSTER_PARAMETERS = "aws:rds/clusterParameterGroup:ClusterParameterGroup"

BACKUP_DAYS = 7
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


_encrypted = setting(
    id="database-encrypted",
    title="Databases are encrypted",
    types=(INSTANCE, CLUSTER),
    path="storageEncrypted",
    wanted=(True,),
    wrong=False,
    says="the storage is not encrypted",
    why="It cannot be switched on later: the database would have to be copied through a snapshot.",
    level=MANDATORY,
    severity="high",
    topics=("at rest",),
    references=("A", "P", "N-RDS2", "C16", "C96", "F RDS.3", "F RDS.27"),
    remedy="Set storageEncrypted, and kmsKeyId for a key of ours.",
    mends=True,
)


@graph_rule(
    id="database-key",
    title="Databases are encrypted with a key of ours",
    types=(INSTANCE, CLUSTER),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("C327", "F RDS.27"),
    remedy="Set kmsKeyId.",
    compliant=[
        example(aws("rds/instance:Instance", {"kmsKeyId": "arn:aws:kms:::key/1"}), A_KEY),
        example(aws("rds/instance:Instance", {"replicateSourceDb": "kumiki-dev-database"}), A_KEY),
        example(aws("rds/cluster:Cluster"), environment="prod", free_tier=True),
        example(aws("rds/cluster:Cluster")),
    ],
    non_compliant=[
        example(aws("rds/instance:Instance", {"storageEncrypted": True}), A_KEY),
        example(aws("rds/cluster:Cluster", {"storageEncrypted": True}), environment="prod"),
    ],
)
def database_key(database: Resource, at: Context) -> Iterator[str]:
    """Snapshots under the account's default key cannot be shared or copied to another account. A replica has the key of
    its source; a stack outside of production that does without keys, at $1 a month each, is left alone."""
    if database.props.has("replicateSourceDb") or database.props.has("replicationSourceIdentifier"):
        return
    if uses_own_keys(at) and not database.props.has("kmsKeyId"):
        yield "it is encrypted with the account's default key"


_not_public = setting(
    id="database-not-public",
    title="Databases have no public address",
    types=(INSTANCE, MEMBER),
    path="publiclyAccessible",
    wanted=(False,),
    default=False,
    wrong=True,
    says="the database has a public address",
    why="A public address leaves nothing but a security group and a password between the data and everybody.",
    level=MANDATORY,
    severity="critical",
    topics=("network",),
    references=("A", "P", "C17", "F RDS.2"),
    remedy="Set publiclyAccessible to false; reach the database from inside the network.",
    mends=True,
)


@graph_rule(
    id="database-managed-password",
    title="The master password is made, kept and rotated by AWS; in a free-tier stack an encrypted parameter keeps it",
    types=(INSTANCE, CLUSTER),
    level=MANDATORY,
    severity="high",
    topics=("secrets",),
    remedy="Set manageMasterUserPassword and leave the password out.",
    compliant=[
        example(_db(manageMasterUserPassword=True)),
        example(_cluster(replicationSourceIdentifier="arn")),
        example(_login("SecureString"), _db(username="app", password=ref("login", "value")), free_tier=True),
    ],
    non_compliant=[
        example(_db(username="app", password="one")),  # noqa: S106 an example
        example(_cluster(masterPassword="one")),
        example(_db(username="app", password="one"), free_tier=True),  # noqa: S106 an example
        example(_login("String"), _db(username="app", password=ref("login", "value")), free_tier=True),
        example(_login("SecureString"), _db(username="app", password=ref("login", "value"))),
    ],
)
def database_managed_password(database: Resource, at: Context) -> Iterator[str]:
    """A password that the program sets is in its state, in its settings or in both. Where a secret's $0.40 a month are
    too much (freeTier), it must at least come from an SSM parameter of type SecureString."""
    given = [key for key in ("password", "masterPassword", "passwordWo", "masterPasswordWo") if database.props.has(key)]
    if not given or database.props.get("manageMasterUserPassword"):
        return
    if not at.stack.free_tier or not _kept_in_a_parameter(database, given[0], at):
        yield f"{given[0]} is set by the program"


def _kept_in_a_parameter(database: Resource, key: str, at: Context) -> bool:
    """Whether an encrypted parameter of the stack holds the password, alone or beside its user's name."""
    kept = at.graph.targets(database, _PARAMETER, via=key)
    if not kept:
        password = database.props.text(key)
        kept = [each for each in at.graph.of_kind(_PARAMETER) if password and password in each.props.text("value")]
    return any(each.props.get("type") == "SecureString" for each in kept)


@rule(
    id="database-backups",
    title=f"Databases can be restored to any second of the last {BACKUP_DAYS} days or more",
    types=(INSTANCE, CLUSTER),
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    references=("A", "P", "N-RDS13", "C133"),
    remedy=f"Set backupRetentionPeriod to {BACKUP_DAYS} or more.",
    remediate=lambda _database, _at: {"backupRetentionPeriod": BACKUP_DAYS},
    compliant=[
        example(_db(backupRetentionPeriod=7)),
        example(_cluster(backupRetentionPeriod=35)),
        example(_db(replicateSourceDb="first")),
    ],
    non_compliant=[example(_db()), example(_db(backupRetentionPeriod=0)), example(_cluster(backupRetentionPeriod=1))],
)
def database_backups(database: Resource, _at: Context) -> Iterator[str]:
    """Nothing set means no backups for an instance and one day for a cluster. A replica's source has the backups."""
    if database.props.has("replicateSourceDb") or database.props.has("replicationSourceIdentifier"):
        return
    days = database.props.number("backupRetentionPeriod") or (1.0 if database.kind == CLUSTER else 0.0)
    if days < BACKUP_DAYS:
        yield f"backups are kept for {show(days)} days, not {BACKUP_DAYS}"


_deletion_protection = setting(
    id="database-deletion-protection",
    title="In production, databases refuse to be deleted",
    types=(INSTANCE, CLUSTER),
    path="deletionProtection",
    wanted=(True,),
    wrong=False,
    says="deletion protection is off",
    why="AWS's own switch, which also stops whoever works around Pulumi.",
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    references=("A", "N-RDS10", "C139", "C293"),
    remedy="Set deletionProtection.",
    mends=True,
)

_final_snapshot = setting(
    id="database-final-snapshot",
    title="In production, a deleted database leaves a snapshot",
    types=(INSTANCE, CLUSTER),
    path="skipFinalSnapshot",
    wanted=(False,),
    default=False,
    wrong=True,
    says="the final snapshot is skipped",
    why="The automatic backups go with the database.",
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    remedy="Set skipFinalSnapshot to false and give a finalSnapshotIdentifier.",
)


@graph_rule(
    id="database-two-zones",
    title="In production, a database survives the loss of a zone",
    types=(INSTANCE, CLUSTER),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    references=("A", "N-RDS3", "C157"),
    remedy="Set multiAz; give an Aurora cluster a reader in another zone.",
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
def database_two_zones(database: Resource, at: Context) -> Iterator[str]:
    """An instance needs a standby, a cluster two members, not both in one zone."""
    if database.kind == INSTANCE:
        if not database.props.get("multiAz") and not database.props.has("replicateSourceDb"):
            yield "there is no standby in another zone"
        return
    if database.props.has("dbClusterInstanceClass"):
        # A Multi-AZ cluster has its three instances built in.
        return
    members = at.graph.children(database, MEMBER, via="clusterIdentifier")
    zones = [member.props.maybe("availabilityZone") for member in members]
    if len(members) < 2:
        for other in at.graph.of_kind(MEMBER):
            if other not in members and not other.dependencies.get("clusterIdentifier"):
                # One whose cluster is not known yet may be the reader.
                other.props.get("clusterIdentifier")
        yield "there is one instance, and no reader to take over"
    elif all(isinstance(zone, str) for zone in zones) and len(set(zones)) == 1:
        yield f"all instances stand in {zones[0]}"


@rule(
    id="database-logs",
    title="Databases send their logs to CloudWatch",
    types=(INSTANCE, CLUSTER),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("N-RDS16", "C129", "C324"),
    remedy="Name the engine's logs in enabledCloudwatchLogsExports.",
    compliant=[example(_db(enabledCloudwatchLogsExports=["postgresql"]))],
    non_compliant=[example(_db()), example(_cluster(enabledCloudwatchLogsExports=[]))],
)
def database_logs(database: Resource, _at: Context) -> Iterator[str]:
    """Logs on the database's own disk are gone after a few days, and with the database."""
    if not len(database.props.items("enabledCloudwatchLogsExports")):
        yield "no log is exported"


_iam_login = setting(
    id="database-iam-login",
    title="Programs log in with their role, not with a password",
    types=(INSTANCE, CLUSTER),
    path="iamDatabaseAuthenticationEnabled",
    wanted=(True,),
    wrong=False,
    says="logins with IAM are off",
    why="A token of 15 minutes for a role instead of a password that somebody keeps.",
    level=ADVISORY,
    severity="low",
    topics=("IAM",),
    references=("N-RDS6", "C161", "C162"),
    remedy="Set iamDatabaseAuthenticationEnabled, and grant rds-db:connect to the roles.",
    mends=True,
)

_minor_upgrades = setting(
    id="database-minor-upgrades",
    title="Databases take minor versions by themselves",
    types=(INSTANCE, MEMBER),
    path="autoMinorVersionUpgrade",
    wanted=(True,),
    default=True,
    wrong=False,
    says="minor versions are not installed",
    why="They carry the security fixes.",
    level=ADVISORY,
    severity="low",
    topics=("network",),
    references=("C226", "F RDS.13"),
    remedy="Leave autoMinorVersionUpgrade on.",
    mends=True,
)


def _forced(group: str, kind: str, name: str, value: str) -> Any:
    return aws(f"rds/{group}:{kind}", {"parameters": [{"name": name, "value": value}]}, name="parameters")


@graph_rule(
    id="database-tls",
    title="Databases refuse connections without TLS",
    types=(INSTANCE, CLUSTER),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("C2-69",),
    remedy="Give it a parameter group with rds.force_ssl = 1 (PostgreSQL) or require_secure_transport = ON (MySQL).",
    compliant=[
        example(
            _db(engine="postgres", parameterGroupName=ref("parameters")),
            _forced("parameterGroup", "ParameterGroup", "rds.force_ssl", "1"),
        ),
        example(
            _cluster(engine="aurora-mysql", dbClusterParameterGroupName=ref("parameters")),
            _forced("clusterParameterGroup", "ClusterParameterGroup", "require_secure_transport", "ON"),
        ),
        example(_db(engine="oracle-ee")),
    ],
    non_compliant=[
        example(_db(engine="postgres")),
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
def database_tls(database: Resource, at: Context) -> Iterator[str]:
    """Encryption is an offer until a parameter makes it a condition. Said for PostgreSQL, MySQL and MariaDB."""
    parameter = _FORCES_TLS.get(str(database.props.get("engine")))
    if parameter is None or database.props.has("replicateSourceDb"):
        return
    cluster = database.kind == CLUSTER
    via = "dbClusterParameterGroupName" if cluster else "parameterGroupName"
    groups = at.graph.targets(database, _CLUSTER_PARAMETERS if cluster else _PARAMETERS, via=via)
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


_cache_encrypted = setting(
    id="cache-encrypted",
    title="Caches are encrypted",
    types=(CACHE,),
    path="atRestEncryptionEnabled",
    wanted=(True,),
    wrong=False,
    says="what the cache keeps and its snapshots are not encrypted",
    why="It cannot be switched on later.",
    level=MANDATORY,
    severity="high",
    topics=("at rest",),
    references=("N-AEC3", "C29", "C191"),
    remedy="Set atRestEncryptionEnabled, and kmsKeyId for a key of ours.",
    mends=True,
)

_cache_tls = setting(
    id="cache-tls",
    title="Caches are reached by TLS only",
    types=(CACHE,),
    path="transitEncryptionEnabled",
    wanted=(True,),
    wrong=False,
    says="connections are not encrypted",
    why="Without it the password travels in plain text, too.",
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("N-AEC3", "C30"),
    remedy="Set transitEncryptionEnabled, and transitEncryptionMode to required.",
    mends=True,
)


@rule(
    id="cache-login",
    title="Caches ask who is there",
    types=(CACHE,),
    level=MANDATORY,
    severity="high",
    topics=("secrets",),
    references=("N-AEC6", "C31"),
    remedy="Give it userGroupIds, or an authToken.",
    compliant=[example(_cache(userGroupIds=["app"])), example(_cache(authToken="from-a-secret-store"))],
    non_compliant=[example(_cache()), example(_cache(userGroupIds=[]))],
)
def cache_login(cache: Resource, _at: Context) -> Iterator[str]:
    """Without either, whoever reaches the port reads everything."""
    token = cache.props.has("authToken") or cache.props.has("authTokenWo")
    if not token and not len(cache.props.items("userGroupIds")):
        yield "there are neither users nor a token"


@rule(
    id="cache-two-zones",
    title="In production, a cache survives the loss of a zone",
    types=(CACHE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    references=("N-AEC4", "C2-50"),
    remedy="Set automaticFailoverEnabled and multiAzEnabled, with a replica.",
    compliant=[example(_cache(automaticFailoverEnabled=True, multiAzEnabled=True), environment="prod")],
    non_compliant=[
        example(_cache(), environment="prod"),
        example(_cache(automaticFailoverEnabled=True), environment="prod"),
    ],
)
def cache_two_zones(cache: Resource, _at: Context) -> Iterator[str]:
    """A replica in another zone that takes over by itself."""
    for switch in ("automaticFailoverEnabled", "multiAzEnabled"):
        if not cache.props.get(switch):
            yield f"{switch} is off"


@rule(
    id="cache-snapshots",
    title="In production, caches are backed up",
    types=(CACHE,),
    level=MANDATORY,
    severity="low",
    topics=("backup",),
    environments=("prod",),
    references=("C134",),
    remedy="Set snapshotRetentionLimit to 1 or more.",
    compliant=[example(_cache(snapshotRetentionLimit=1), environment="prod")],
    non_compliant=[
        example(_cache(), environment="prod"),
        example(_cache(snapshotRetentionLimit=0), environment="prod"),
    ],
)
def cache_snapshots(cache: Resource, _at: Context) -> Iterator[str]:
    """A cold cache may be more than its database can bear."""
    if not cache.props.number("snapshotRetentionLimit"):
        yield "no snapshots are kept"


# Names that an engine keeps for itself.
_RESERVED = {
    "postgres": ("admin", "postgres_admin", "rdsadmin", "rds_superuser", "public"),
    "mysql": ("rdsadmin", "mysql.sys", "mysql.session"),
    "maria": ("rdsadmin", "mysql.sys"),
}


@rule(
    id="database-user-free",
    title="The master user has a name that the engine does not keep for itself",
    types=(INSTANCE, CLUSTER),
    level=MANDATORY,
    severity="medium",
    topics=("runtime",),
    remedy="Choose another name, such as dbadmin.",
    compliant=[
        example(_db(engine="postgres", username="dbadmin")),
        example(_cluster(engine="aurora-mysql", masterUsername="admin")),
        example(_db(engine="postgres", replicateSourceDb="other")),
    ],
    non_compliant=[
        example(_db(engine="postgres", username="rdsadmin")),
        example(_cluster(engine="aurora-postgresql", masterUsername="Admin")),
    ],
)
def database_user_free(database: Resource, _at: Context) -> Iterator[str]:
    """AWS refuses such a name, some minutes into the deployment; no schema lists them."""
    key = "username" if database.kind == INSTANCE else "masterUsername"
    user, engine = database.props.text(key).lower(), database.props.text("engine")
    if any(part in engine and user in names for part, names in _RESERVED.items()):
        yield f"{engine} keeps {user} for itself"


@graph_rule(
    id="database-parameters-fit",
    title="A parameter group is of the family of the engine and version that use it",
    types=(INSTANCE, CLUSTER, MEMBER),
    level=MANDATORY,
    severity="medium",
    topics=("runtime",),
    remedy="Set the group's family to the engine followed by its major version, such as postgres17.",
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
def database_parameters_fit(database: Resource, at: Context) -> Iterator[str]:
    """AWS refuses another family once the database is being made, or when its version is raised."""
    engine, version = database.props.text("engine"), database.props.text("engineVersion")
    for via, kind in (("parameterGroupName", _PARAMETERS), ("dbClusterParameterGroupName", _CLUSTER_PARAMETERS)):
        for group in at.graph.targets(database, kind, via=via):
            family = group.props.text("family")
            rest = family.removeprefix(engine)
            if rest == family or not (rest[:1].isdigit() or not rest):
                yield f"the group {group.name} is of the family {family}, and the engine is {engine}"
            elif version and not f"{version}.".startswith(f"{rest}."):
                yield f"the group {group.name} is of the family {family}, and the version is {version}"


RULES = (
    _encrypted,
    database_key,
    _not_public,
    database_managed_password,
    database_backups,
    _deletion_protection,
    _final_snapshot,
    database_two_zones,
    database_logs,
    _iam_login,
    _minor_upgrades,
    database_tls,
    _cache_encrypted,
    _cache_tls,
    cache_login,
    cache_two_zones,
    cache_snapshots,
    database_user_free,
    database_parameters_fit,
)
