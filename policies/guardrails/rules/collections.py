"""Collections of OpenSearch Serverless and knowledge bases of Bedrock.

Their policies are texts that the API takes as they are: what is wrong in one is told when the first request is answered
with 403. https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html,
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-network.html,
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-encryption.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/kb-create-security.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, NotYetKnown, aws, example, graph_rule, ref, rule
from guardrails.kit.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

BEDROCK = "bedrock.amazonaws.com"

_PERMISSIONS = {
    "index": ("CreateIndex", "DeleteIndex", "DescribeIndex", "ReadDocument", "UpdateIndex", "WriteDocument"),
    "collection": (
        "CreateCollectionItems", "DeleteCollectionItems", "DescribeCollectionItems", "UpdateCollectionItems",
    ),
    "model": ("CreateMLResource", "DeleteMLResource", "DescribeMLResource", "ExecuteMLResource", "UpdateMLResource"),
}  # fmt: skip
_OF_NETWORKS = ("collection", "dashboard")
_STORE = "storageConfiguration.opensearchServerlessConfiguration.collectionArn"


class _Malformed(Exception):
    """Not a policy of the kind that it says it is."""


def _parts(policy: Resource) -> list[dict[str, Any]]:
    """The parts of a policy, each with its `Rules`; raises NotYetKnown, or _Malformed with what it is instead."""
    try:
        given = json.loads(policy.inputs.text("policy"))
    except ValueError:
        raise _Malformed("the policy is not JSON") from None
    parts = given if isinstance(given, list) else [given]
    for part in parts:
        rules = part.get("Rules") if isinstance(part, dict) else None
        if not isinstance(rules, list) or not all(isinstance(one, dict) for one in rules):
            raise _Malformed("the policy has a part without Rules")
    return parts


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _covers(part: dict[str, Any], name: str) -> bool:
    """Whether a part is for the collection of this name. A pattern ends with its only wildcard."""
    return any(
        resource == f"collection/{name}"
        or (resource.endswith("*") and f"collection/{name}".startswith(resource.removesuffix("*")))
        for one in part["Rules"]
        if one.get("ResourceType") == "collection"
        for resource in _texts(one.get("Resource"))
    )


def _covering(collection: Resource, at: Context, kind: str) -> list[tuple[Resource, dict[str, Any]]]:
    """The security policies of a kind that are for a collection. Raises NotYetKnown if there is none, and one of which
    nothing is known yet."""
    name, found, some_open = collection.inputs.text("name"), [], False
    for policy in at.graph.of_kind(types.SERVERLESS_SECURITY_POLICY):
        if policy.inputs.text("type") != kind:
            continue
        try:
            found += [(policy, part) for part in _parts(policy) if _covers(part, name)]
        except NotYetKnown:
            some_open = True
        except _Malformed:
            continue
    if not found and some_open:
        raise NotYetKnown("policy")
    return found


def _of_collection(name: str = "kumiki-dev-search") -> dict[str, Any]:
    return {"Rules": [{"ResourceType": "collection", "Resource": [f"collection/{name}"]}]}


def _encryption(name: str = "encryption", **more: Any) -> Any:
    policy = json.dumps({**_of_collection(), **(more or {"AWSOwnedKey": False, "KmsARN": _KEY})})
    props = {"name": "kumiki-dev-search", "type": "encryption", "policy": policy}
    return aws(types.SERVERLESS_SECURITY_POLICY, props, name=name)


def _network(**source: Any) -> Any:
    policy = json.dumps([{**_of_collection(), **source}])
    props = {"name": "kumiki-dev-search", "type": "network", "policy": policy}
    return aws(types.SERVERLESS_SECURITY_POLICY, props, name="network")


def _collection(after: tuple[str, ...] = ("encryption",), **more: Any) -> Any:
    props = {"name": "kumiki-dev-search", "type": "VECTORSEARCH", **more}
    return aws(types.SERVERLESS_COLLECTION, props, name="search", after=after)


def _access(principal: Any = "arn:aws:iam::123456789012:role/api", **changes: Any) -> Any:
    given = {
        "ResourceType": "index",
        "Resource": ["index/kumiki-dev-search/pages"],
        "Permission": ["aoss:DescribeIndex", "aoss:ReadDocument"],
        **changes,
    }
    policy = json.dumps([{"Rules": [given], "Principal": [principal]}])
    props = {"name": "kumiki-dev-search", "type": "data", "policy": policy}
    return aws(types.SERVERLESS_ACCESS_POLICY, props, name="access")


_KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/1234"


@graph_rule(
    id="collection-encrypted-first",
    title="A collection is covered by an encryption policy that is made before it",
    types=(types.SERVERLESS_COLLECTION,),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "at rest"),
    remedy=(
        "Add a ServerlessSecurityPolicy of the type encryption for collection/<name>, and let the collection depend on "
        "it."
    ),
)
def collection_encrypted_first(collection: Resource, at: Context) -> Iterator[str]:
    """AWS refuses a collection that no encryption policy matches."""
    if collection.props.has("encryptionConfigs"):
        return
    found = [policy for policy, _part in _covering(collection, at, "encryption")]
    if not found:
        yield "no encryption policy covers it"
    elif not {policy.urn for policy in found} & at.graph.before(collection):
        yield f"{found[0].name} is not made before it"


collection_encrypted_first.examples(
    compliant=[
        example(_encryption(), _collection()),
        example(_collection(after=(), encryptionConfigs=[{"kmsKeyArn": _KEY}])),
    ],
    non_compliant=[
        example(_collection(after=())),
        example(_encryption(), _collection(after=())),
        example(_network(AllowFromPublic=True), _collection(after=("network",))),
    ],
)


@graph_rule(
    id="collection-key",
    title="Collections are encrypted with a customer-managed key",
    types=(types.SERVERLESS_COLLECTION,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("at rest",),
    remedy="Set KmsARN and AWSOwnedKey: false in its encryption policy. The key cannot be changed later.",
)
def collection_key(collection: Resource, at: Context) -> Iterator[str]:
    """Only a customer-managed key can be withheld from a reader, and leaves a trace of each use."""
    for config in collection.props.items("encryptionConfigs").blocks():
        if config.has("kmsKeyArn"):
            return
    found = [part for _policy, part in _covering(collection, at, "encryption")]
    if found and not any(part.get("KmsARN") for part in found):
        yield "the key is one that AWS owns"


collection_key.examples(
    compliant=[
        example(_encryption(), _collection()),
        example(_collection(after=(), encryptionConfigs=[{"kmsKeyArn": _KEY}])),
    ],
    non_compliant=[example(_encryption(AWSOwnedKey=True), _collection())],
)


@rule(
    id="collection-private",
    title="Collections are reached from the network only",
    types=(types.SERVERLESS_SECURITY_POLICY,),
    level=MANDATORY_IN_PROD,
    severity="high",
    topics=("network",),
    remedy="Set AllowFromPublic to false, and name the VPC endpoint in SourceVPCEs.",
)
def collection_private(policy: Resource, _at: Context) -> Iterator[str]:
    """A network policy that allows access from the internet. Who may do what is the data access policies' to say; this
    keeps a stolen credential from being of use elsewhere."""
    if policy.inputs.text("type") != "network":
        return
    try:
        public = [part for part in _parts(policy) if part.get("AllowFromPublic")]
    except _Malformed:
        return
    if public:
        yield "the collection is reached from the internet"


collection_private.examples(
    compliant=[_network(AllowFromPublic=False, SourceVPCEs=["vpce-1"]), _encryption()],
    non_compliant=[_network(AllowFromPublic=True)],
)


@rule(
    id="collection-access-named",
    title="Data access policies name principals, collections and permissions",
    types=(types.SERVERLESS_ACCESS_POLICY,),
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    remedy="Name the role, the collection, and the permissions that it needs, such as aoss:ReadDocument.",
)
def collection_access_named(policy: Resource, _at: Context) -> Iterator[str]:
    """A principal that is everybody or a whole account, a collection given by a pattern, and every permission at once.
    All indexes of one collection may be given by a pattern."""
    try:
        parts = _parts(policy)
    except _Malformed:
        return
    for part in parts:
        for principal in _texts(part.get("Principal")):
            if "*" in principal or principal.endswith(":root"):
                yield f"it is for {principal}"
        for one in part["Rules"]:
            for resource in _texts(one.get("Resource")):
                if "*" in "/".join(resource.split("/")[:2]):
                    yield f"it is for {resource}, of any collection"
            if any(permission.endswith("*") for permission in _texts(one.get("Permission"))):
                yield "it permits everything"


collection_access_named.examples(
    compliant=[_access(), _access(Resource=["index/kumiki-dev-search/*"])],
    non_compliant=[
        _access("*"),
        _access("arn:aws:iam::123456789012:root"),
        _access("arn:aws:iam::123456789012:role/*"),
        _access(Resource=["index/*/*"]),
        _access(Resource=["index/kumiki-*/pages"]),
        _access(Permission=["aoss:*"]),
    ],
)


@rule(
    id="collection-policy-fits",
    title="Policies of collections say what AWS understands",
    types=(types.SERVERLESS_ACCESS_POLICY, types.SERVERLESS_SECURITY_POLICY),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Write the policy as AWS's page on policies of its type has it.",
)
def collection_policy_fits(policy: Resource, _at: Context) -> Iterator[str]:
    """What the API refuses in the middle of a deployment: resources that are not of their type, permissions that do not
    exist, two keys, and endpoints beside the internet."""
    kind = policy.inputs.text("type")
    try:
        parts = _parts(policy)
    except _Malformed as wrong:
        yield str(wrong)
        return
    known = tuple(_PERMISSIONS) if kind == "data" else _OF_NETWORKS if kind == "network" else ("collection",)
    for part in parts:
        for one in part["Rules"]:
            yield from _rule_faults(one, known, data=kind == "data")
        if kind == "data" and not _texts(part.get("Principal")):
            yield "a part names no Principal"
        if kind == "encryption" and bool(part.get("AWSOwnedKey")) == bool(part.get("KmsARN")):
            yield "AWSOwnedKey and KmsARN: one of the two must say what encrypts"
        if (
            kind == "network"
            and part.get("AllowFromPublic")
            and (part.get("SourceVPCEs") or part.get("SourceServices"))
        ):
            yield "AllowFromPublic is true, and it names endpoints or services beside"
        if (
            kind == "network"
            and not part.get("AllowFromPublic")
            and not (part.get("SourceVPCEs") or part.get("SourceServices"))
        ):
            yield "AllowFromPublic is false, and it names no SourceVPCEs or SourceServices"


def _rule_faults(one: dict[str, Any], known: tuple[str, ...], *, data: bool) -> Iterator[str]:
    kind = one.get("ResourceType")
    if kind not in known:
        yield f"ResourceType {kind} is not one of {', '.join(known)}"
        return
    begins = "collection/" if kind == "dashboard" else f"{kind}/"
    for resource in _texts(one.get("Resource")):
        if not resource.startswith(begins):
            yield f"{resource} does not begin with {begins}"
    if data:
        allowed = {f"aoss:{name}" for name in (*_PERMISSIONS[str(kind)], "*")}
        for permission in _texts(one.get("Permission")):
            if permission not in allowed:
                yield f"{permission} is not a permission on {kind}"


collection_policy_fits.examples(
    compliant=[
        _access(),
        _encryption(),
        _encryption(AWSOwnedKey=True),
        _network(AllowFromPublic=False, SourceVPCEs=["vpce-1"], SourceServices=[BEDROCK]),
    ],
    non_compliant=[
        _access(Permission=["es:ESHttpPost"]),
        _access(Permission=["aoss:CreateCollectionItems"]),
        _access(ResourceType="collection", Permission=["aoss:DescribeCollectionItems"]),
        _access(ResourceType="indices"),
        _encryption(AWSOwnedKey=True, KmsARN=_KEY),
        _network(AllowFromPublic=True, SourceVPCEs=["vpce-1"]),
        _network(AllowFromPublic=False),
        aws(
            types.SERVERLESS_ACCESS_POLICY,
            {"name": "kumiki-dev-search", "type": "data", "policy": json.dumps([{"Principal": ["arn:x"]}])},
        ),
    ],
)


@rule(
    id="collection-standby",
    title="In production, collections have standby replicas",
    types=(types.SERVERLESS_COLLECTION, types.SERVERLESS_COLLECTION_GROUP),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    remedy="Set standbyReplicas to ENABLED. Cannot be changed without a new collection.",
)
def collection_standby(collection: Resource, _at: Context) -> Iterator[str]:
    """Without them a failing zone stops the search. AWS's default is that there are some."""
    if collection.props.get("standbyReplicas") == "DISABLED":
        yield "standby replicas are off"


collection_standby.examples(
    compliant=[
        example(aws(types.SERVERLESS_COLLECTION, {"standbyReplicas": "ENABLED"}), environment="prod"),
        example(aws(types.SERVERLESS_COLLECTION, {"name": "kumiki-prod-search"}), environment="prod"),
    ],
    non_compliant=[
        example(aws(types.SERVERLESS_COLLECTION, {"standbyReplicas": "DISABLED"}), environment="prod"),
        example(aws(types.SERVERLESS_COLLECTION_GROUP, {"standbyReplicas": "DISABLED"}), environment="prod"),
    ],
)


@graph_rule(
    id="knowledge-base-reaches-collection",
    title="A knowledge base is let into its collection before it is made",
    types=(types.AGENT_KNOWLEDGE_BASE,),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy=(
        "Name its role in a data access policy and bedrock.amazonaws.com in SourceServices of the network policy, and "
        "let the knowledge base depend on both."
    ),
)
def knowledge_base_reaches_collection(base: Resource, at: Context) -> Iterator[str]:
    """Bedrock looks at the index when the knowledge base is made, and refuses it with a 403 of the collection's."""
    before = at.graph.before(base)
    for collection in at.graph.targets(base, types.SERVERLESS_COLLECTION, via=_STORE):
        for role in at.graph.targets(base, types.IAM_ROLE, via="roleArn"):
            policies = list(at.graph.of_kind(types.SERVERLESS_ACCESS_POLICY))
            linked = [one for one in policies if role.urn in one.dependencies.get("policy", ())]
            # Before its ARN is known, any of them may name it.
            unnamed = role.props.maybe("arn") is UNKNOWN
            naming = linked or (policies if unnamed else [one for one in policies if _names(one, role)])
            if not naming:
                yield f"no data access policy names {role.name}"
            elif not {one.urn for one in naming} & before:
                yield f"{naming[0].name} is not made before it"
        letting = [
            policy
            for policy, part in _covering(collection, at, "network")
            if part.get("AllowFromPublic") or BEDROCK in _texts(part.get("SourceServices"))
        ]
        if not letting:
            yield f"no network policy lets {BEDROCK} into {collection.name}"
        elif not {one.urn for one in letting} & before:
            yield f"{letting[0].name} is not made before it"


def _names(policy: Resource, role: Resource) -> bool:
    text = policy.inputs.text("policy")
    return any(f'"{name}"' in text for name in role.identifiers)


def _base(*, after: tuple[str, ...] = ("access", "network")) -> Any:
    storage = {"type": "OPENSEARCH_SERVERLESS"}
    storage["opensearchServerlessConfiguration"] = {"collectionArn": ref("search", "arn"), "vectorIndexName": "pages"}  # pyright: ignore[reportArgumentType]
    props = {"name": "kumiki-dev-wiki", "roleArn": ref("role", "arn"), "storageConfiguration": storage}
    return aws(types.AGENT_KNOWLEDGE_BASE, props, name="base", after=after)


_ROLE = aws(types.IAM_ROLE, {"assumeRolePolicy": "{}"}, name="role")
_ROLE_ARN = "arn:aws:example:ap-northeast-1:123456789012:role"
_FOR_BEDROCK = _network(AllowFromPublic=False, SourceVPCEs=["vpce-1"], SourceServices=[BEDROCK])

knowledge_base_reaches_collection.examples(
    compliant=[
        example(_encryption(), _collection(), _FOR_BEDROCK, _ROLE, _access(_ROLE_ARN), _base()),
        example(_encryption(), _collection(), _network(AllowFromPublic=True), _ROLE, _access(_ROLE_ARN), _base()),
    ],
    non_compliant=[
        example(_encryption(), _collection(), _FOR_BEDROCK, _ROLE, _base(after=("network",))),
        example(_encryption(), _collection(), _FOR_BEDROCK, _ROLE, _access(_ROLE_ARN), _base(after=("network",))),
        example(_encryption(), _collection(), _FOR_BEDROCK, _ROLE, _access(_ROLE_ARN), _base(after=("access",))),
        example(
            _encryption(),
            _collection(),
            _network(AllowFromPublic=False, SourceVPCEs=["vpce-1"]),
            _ROLE,
            _access(_ROLE_ARN),
            _base(),
        ),
    ],
)
