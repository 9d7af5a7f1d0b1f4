"""What follows from a stack as a whole: who reaches its data, what is encrypted by whose key, what depends on what.

The graph is that of Kumiki's own policy pack, whichever pack judges: rules and answers cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rehearsal import own_pack
from rehearsal.monitor import Registered
from rehearsal.property_values import UNKNOWN, plain

own_pack.make_importable()

from guardrails.kit import UNKNOWN as NOT_KNOWN  # noqa: E402 the pack is a program of its own, found by its folder
from guardrails.kit.firewalls import unequal  # noqa: E402
from guardrails.kit.reach import INTERNET, PLACES, STORES, Reach  # noqa: E402
from guardrails.kit.resources import Graph, Resource  # noqa: E402
from guardrails.kit.values import Props  # noqa: E402
from guardrails.types import DYNAMODB_TABLE, LB_LOAD_BALANCER  # noqa: E402

_BUCKET: Final = "aws:s3/bucket:Bucket"
_BUCKET_ENCRYPTION: Final = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

# Where a type names the key that its content is encrypted with.
_KEYS: Final[Mapping[str, str]] = {
    "aws:athena/workgroup:Workgroup": "configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn",
    "aws:backup/vault:Vault": "kmsKeyArn",
    "aws:cloudtrail/trail:Trail": "kmsKeyId",
    "aws:cloudwatch/logGroup:LogGroup": "kmsKeyId",
    "aws:dynamodb/table:Table": "serverSideEncryption.kmsKeyArn",
    "aws:ebs/volume:Volume": "kmsKeyId",
    "aws:ec2/instance:Instance": "rootBlockDevice.kmsKeyId",
    "aws:ecr/repository:Repository": "encryptionConfigurations.0.kmsKey",
    "aws:efs/fileSystem:FileSystem": "kmsKeyId",
    "aws:elasticache/replicationGroup:ReplicationGroup": "kmsKeyId",
    "aws:rds/cluster:Cluster": "kmsKeyId",
    "aws:rds/instance:Instance": "kmsKeyId",
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
    "aws:sns/topic:Topic": "kmsMasterKeyId",
    "aws:sqs/queue:Queue": "kmsMasterKeyId",
}

# What is gone when it is deleted; keys, because nobody reads without them.
_STATEFUL: Final = (
    _BUCKET,
    "aws:cognito/userPool:UserPool",
    "aws:dynamodb/table:Table",
    "aws:ebs/volume:Volume",
    "aws:efs/fileSystem:FileSystem",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:rds/cluster:Cluster",
    "aws:rds/instance:Instance",
    "aws:secretsmanager/secret:Secret",
)


@dataclass(frozen=True)
class DeletionRisk:
    """What the deletion of one resource that keeps something would mean."""

    name: str
    type: str
    dependents: int
    """Resources that take a value from it, or from one that does."""

    protected: bool
    emptied: bool
    """Whether its content goes without another question: forceDestroy, no final snapshot."""


@dataclass(frozen=True)
class Store:
    """A data store and who reaches it."""

    name: str
    reached_by: dict[str, str]
    """Each caller with the port, for one hop, or with what stands between."""

    from_internet: list[str]
    """The shortest way from the internet, both ends included; empty if there is none."""


@dataclass
class Insights:
    """The answers; empty for a stack without resources."""

    stores: list[Store] = field(default_factory=list)
    edges: list[dict[str, str]] = field(default_factory=list)
    customer_managed_keys: int = 0
    """The number of resources that are encrypted with a key of the stack's choosing."""

    aws_managed_keys: list[str] = field(default_factory=list)
    """The others, by name: encrypted with a key of AWS's, as far as AWS encrypts by itself."""

    one_zone: list[str] = field(default_factory=list)
    """What stands in one zone only."""

    deletion_risks: list[DeletionRisk] = field(default_factory=list)
    firewall_bypasses: list[dict[str, str]] = field(default_factory=list)
    """What stands behind a distribution with a web firewall, and answers those who do not come by it."""

    second_doors: list[dict[str, str]] = field(default_factory=list)
    """The same, but with a firewall of its own that blocks what the distribution's blocks."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def insights(registered: Iterable[Registered]) -> Insights:
    """Everything that follows from these resources."""
    custom = [one for one in registered if one.custom and one.type.startswith("aws:")]
    graph = Graph(_resource(one) for one in custom)
    reach = Reach(graph)
    matrix = reach.matrix()
    own, other = _encryption(graph)
    guarded: list[dict[str, str]] = []
    around: list[dict[str, str]] = []
    for one, origin in reach.ways_around():
        alike = origin.kind == LB_LOAD_BALANCER and unequal(one, origin, graph) is None
        (guarded if alike else around).append({"distribution": one.name, "origin": origin.name})
    return Insights(
        stores=[Store(name, row, reach.path(INTERNET, name)) for name, row in matrix.items()],
        edges=[{"from": edge.source, "to": edge.target, "ports": edge.ports, "by": edge.by} for edge in reach.edges],
        customer_managed_keys=len(own),
        aws_managed_keys=other,
        one_zone=sorted(_one_zone(graph, reach)),
        deletion_risks=_deletion_risks(custom),
        firewall_bypasses=around,
        second_doors=guarded,
    )


def _resource(one: Registered) -> Resource:
    inputs = _known(plain(one.inputs))
    return Resource(
        type=one.type,
        name=one.name,
        urn=one.urn,
        props=Props({"id": one.id, **_known(plain(one.outputs)), **inputs}),
        inputs=Props(inputs),
        parent=one.parent,
        protect=one.protect,
        dependencies={key: tuple(urns) for key, urns in one.property_dependencies.items()},
    )


def _known(value: Any) -> Any:
    """The values as the pack's rules read them."""
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return NOT_KNOWN if value is UNKNOWN else value


def _encryption(graph: Graph) -> tuple[list[str], list[str]]:
    own: list[str] = []
    other: list[str] = []
    for resource in graph.resources:
        if resource.kind == _BUCKET:
            configurations = graph.known_children(resource, _BUCKET_ENCRYPTION, via="bucket")
            keyed = any(
                each.props.has("rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId") for each in configurations
            )
        elif resource.kind in _KEYS:
            keyed = resource.props.has(_KEYS[resource.kind])
        else:
            continue
        (own if keyed else other).append(resource.name)
    return own, sorted(other)


def _one_zone(graph: Graph, reach: Reach) -> Iterator[str]:
    for resource in graph.of_kind(*PLACES):
        zones = {subnet.props.maybe("availabilityZone") for subnet in reach.subnets(resource)}
        if len(zones) == 1 and NOT_KNOWN not in zones and resource.kind not in (DYNAMODB_TABLE, *STORES):
            yield resource.name
    for kind in STORES:
        for resource in graph.of_kind(kind):
            members = graph.known_children(resource, "aws:rds/clusterInstance:ClusterInstance", via="clusterIdentifier")
            spread = (
                resource.props.maybe("multiAz") is True
                or resource.props.maybe("multiAzEnabled") is True
                or len({member.props.maybe("availabilityZone") for member in members}) > 1
            )
            if not spread:
                yield resource.name


def _deletion_risks(registered: list[Registered]) -> list[DeletionRisk]:
    users: dict[str, set[str]] = {}
    for one in registered:
        sources = {urn for urns in one.property_dependencies.values() for urn in urns} | set(one.depends_on)
        for urn in sources:
            users.setdefault(urn, set()).add(one.urn)
    deletion_risks = (
        DeletionRisk(one.name, one.type, len(_closure(one.urn, users)), one.protect, _is_emptied(one))
        for one in registered
        if one.type in _STATEFUL
    )
    return sorted(deletion_risks, key=lambda risk: (risk.name, risk.type))


def _closure(urn: str, users: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [urn]
    while waiting:
        new = users.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found - {urn}


def _is_emptied(one: Registered) -> bool:
    inputs = plain(one.inputs)
    return (
        inputs.get("forceDestroy") is True
        or inputs.get("skipFinalSnapshot") is True
        or inputs.get("recoveryWindowInDays") == 0
    )
