"""A collection for full text and vectors: OpenSearch Serverless, encrypted, private, and open to named roles only.

Use: search = VectorCollection("wiki-dev-search", VectorCollectionArgs(), endpoint=endpoint, key=key)
     search.grant_search(api_task_role, "pages")
     search.grant_write(worker_task_role, "pages")

Who calls needs two permissions: IAM's `aoss:APIAccessAll` on this collection, which is the only action that there is
for its HTTP API, and a data access policy, which says what may be done with which index. A grant gives both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmOptions, AlarmTopics, Metric
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..policy import statement
from ..widgets import Widget
from .collection_endpoint import CollectionEndpoint
from .vector_collection_args import (
    DEFAULT_MOST_OCUS,
    INDEX_NAME,
    LONGEST_NAME,
    SHORTEST_NAME,
    VectorCollectionArgs,
)

# What each permits: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-genref.html
SEARCH_PERMISSIONS: Final = ("aoss:DescribeIndex", "aoss:ReadDocument")
WRITE_PERMISSIONS: Final = ("aoss:DescribeIndex", "aoss:WriteDocument")
CREATE_PERMISSIONS: Final = ("aoss:CreateIndex", "aoss:DescribeIndex")
CALL_ACTION: Final = "aoss:APIAccessAll"

BEDROCK: Final = "bedrock.amazonaws.com"


OCUS: Final = {"indexing": "IndexingOCU", "search": "SearchOCU"}


class VectorCollection(Component):
    """An encrypted collection that lets nobody in until it is told to."""

    CHILDREN = (
        *("encryption_policy", "network_policy", "collection_group", "collection"),
        *("access_policy", "grant", "alarm"),
    )

    arn: pulumi.Output[str]
    id: pulumi.Output[str]
    name: str
    """Its name in AWS, by which data access policies know it: the component's."""
    url: pulumi.Output[str]
    """Where one indexes and searches."""
    args: VectorCollectionArgs
    endpoint: CollectionEndpoint | None
    """By which it is reached; None if it is public."""

    def __init__(
        self,
        name: str,
        args: VectorCollectionArgs,
        *,
        endpoint: CollectionEndpoint | None = None,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param endpoint: Of the network from which it is reached; none if it is public.
        :param key: What encrypts it. Without one the key that AWS keeps (free). Cannot be changed without a new
            collection; collections under other keys do not share capacity.
        """
        super().__init__(name, args, opts)
        self.args, self.name, self.endpoint = args, name, endpoint
        if wrong := list(_connection_mistakes(name, args, endpoint)):
            raise ArgumentError.of(wrong)
        self._account = Account.of(self)
        self._group = self._own_capacity()
        collection = self._collection(key)
        self.arn, self.id, self.url = collection.arn, collection.id, collection.collection_endpoint
        self.register_outputs({"arn": self.arn, "url": self.url})

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None:
        """Let the members of one security group reach it. A public collection needs no such rule."""
        if self.endpoint is not None:
            self.endpoint.allow_from(security_group_id, name)

    def grant_search(self, role: aws.iam.Role, *indexes: str) -> aws.iam.RolePolicy:
        """Let `role` search and read these indexes, and nothing more."""
        return self._grant(role, "search", SEARCH_PERMISSIONS, indexes)

    def grant_write(self, role: aws.iam.Role, *indexes: str) -> aws.iam.RolePolicy:
        """Let `role` add, change and delete documents of these indexes, and nothing more."""
        return self._grant(role, "write", WRITE_PERMISSIONS, indexes)

    def grant_search_and_write(self, role: aws.iam.Role, *indexes: str) -> aws.iam.RolePolicy:
        """Let `role` do both, and nothing more."""
        return self._grant(role, "search-and-write", sorted({*SEARCH_PERMISSIONS, *WRITE_PERMISSIONS}), indexes)

    def grant_create(self, role: aws.iam.Role, *indexes: str) -> aws.iam.RolePolicy:
        """Let `role` create these indexes and look at their mappings, and nothing more."""
        return self._grant(role, "create", CREATE_PERMISSIONS, indexes)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Searches that are slow or fail, requests that are refused, and capacity that is at its limit."""
        codes = {f"c{first}": self._metric(f"{first}xx", "Sum") for first in (2, 3, 4, 5)}
        answers = "(FILL(c2, 0) + FILL(c3, 0) + FILL(c4, 0) + FILL(c5, 0))"
        failed = {
            "searches": self._metric("SearchRequestErrors", "Sum"),
            "writes": self._metric("IngestionRequestErrors", "Sum"),
        }
        every_five_minutes = AlarmOptions(threshold=5, period_seconds=300, periods=1, severity="warning", topics=topics)
        return [
            self._alarm(
                "search-latency",
                description=f"searches take more than {self.args.slow_search_ms} ms on average. Look at its OCUs, then "
                "at the queries.",
                **{
                    **every_five_minutes,
                    "metric": self._metric("SearchRequestLatency", "Average"),
                    "threshold": self.args.slow_search_ms,
                },
            ),
            self._alarm(
                "server-errors",
                description="more than 5 % of the requests are answered with 5xx for 5 minutes. Callers try again; "
                "look at AWS Health.",
                **{
                    **every_five_minutes,
                    "expression": (f"100 * FILL(c5, 0) / {answers}", codes),
                    "severity": "critical",
                },
            ),
            self._alarm(
                "refused",
                description="more than 5 % of the requests are answered with 4xx for 5 minutes. 403: a data access "
                "policy lacks the caller or the index. 429: more requests than its OCUs can answer. 400 and 404: the "
                "program.",
                **{**every_five_minutes, "expression": (f"100 * FILL(c4, 0) / {answers}", codes)},
            ),
            self._alarm(
                "request-errors",
                description="searches or writes fail for 15 minutes. Read what the callers log.",
                **{
                    **every_five_minutes,
                    "expression": ("SUM(FILL(METRICS(), 0))", failed),
                    "threshold": 0,
                    "periods": 3,
                },
            ),
            *self._capacity_alarms(topics),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How long searches take, how requests end, what fails, and the capacity that is in use."""
        section = "Search (OpenSearch)"
        ends = {f"{first}xx": self._metric(f"{first}xx", "Sum") for first in (2, 3, 4, 5)}
        counted = [self._metric(name, "Sum") for name in ("SearchRequestErrors", "IngestionRequestErrors")]
        shown = (self._metric("SearchRequestLatency", "Average"), ends, *counted, *map(self._ocus, OCUS.values()))
        return [self._graph(section, one) for one in shown]

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _own_capacity(self) -> aws.opensearch.ServerlessCollectionGroup | None:
        """A group of one: only groups have limits that an account's other collections do not count into."""
        limits = self.args.limits
        if limits is None:
            return None
        return aws.opensearch.ServerlessCollectionGroup(
            f"{self._prefix}-collection-group",
            name=self._prefix,
            standby_replicas=_switched(self.args.standby_replicas),
            capacity_limits=[
                aws.opensearch.ServerlessCollectionGroupCapacityLimitArgs(
                    min_indexing_capacity_in_ocu=1,
                    max_indexing_capacity_in_ocu=limits.indexing,
                    min_search_capacity_in_ocu=1,
                    max_search_capacity_in_ocu=limits.search,
                )
            ],
            tags={"Name": f"{self._prefix}-collection-group"},
            opts=self._child("collection_group"),
        )

    def _collection(self, key: AnyKey | None) -> aws.opensearch.ServerlessCollection:
        name, args = self._prefix, self.args
        resource = [{"Resource": [f"collection/{name}"], "ResourceType": "collection"}]
        keys = {"AWSOwnedKey": False, "KmsARN": key.arn} if key is not None else {"AWSOwnedKey": True}
        encryption = aws.opensearch.ServerlessSecurityPolicy(
            f"{name}-encryption-policy",
            name=name,
            type="encryption",
            description=f"What encrypts {name}",
            policy=pulumi.Output.json_dumps({"Rules": resource, **keys}, sort_keys=True),
            opts=self._child("encryption_policy"),
        )
        network = aws.opensearch.ServerlessSecurityPolicy(
            f"{name}-network-policy",
            name=name,
            type="network",
            description=f"From where {name} is reached",
            # The rule is for the collection only: nobody reaches OpenSearch Dashboards.
            policy=pulumi.Output.json_dumps([{"Rules": resource, **self._sources()}], sort_keys=True),
            opts=self._child("network_policy"),
        )
        protected = args.retention == "protected"
        return aws.opensearch.ServerlessCollection(
            f"{name}-collection",
            name=name,
            type="VECTORSEARCH",
            description=args.description or None,
            standby_replicas=_switched(args.standby_replicas),
            collection_group_name=self._group.name if self._group is not None else None,
            tags={"Name": f"{name}-collection"},
            # AWS refuses a collection that no encryption policy covers.
            opts=self._child("collection", protect=protected, depends_on=[encryption, network]),
        )

    def _sources(self) -> dict[str, object]:
        if self.endpoint is None:
            return {"AllowFromPublic": True}
        services = {"SourceServices": [BEDROCK]} if self.args.bedrock else {}
        return {"AllowFromPublic": False, "SourceVPCEs": [self.endpoint.id], **services}

    # --- Permissions -------------------------------------------------------------------------------------------------

    def _grant(
        self, role: aws.iam.Role, verb: str, permissions: Sequence[str], indexes: Sequence[str]
    ) -> aws.iam.RolePolicy:
        if wrong := list(index_mistakes(indexes)):
            raise ArgumentError.of(wrong)
        to = f"{verb}-access-for-{role.pulumi_resource_name}"
        rule = {
            "Resource": [f"index/{self.name}/{index}" for index in sorted(indexes)],
            "ResourceType": "index",
            "Permission": list(permissions),
        }
        data = aws.opensearch.ServerlessAccessPolicy(
            f"{self._prefix}-{to}",
            name=_short(self._prefix, to),
            type="data",
            description=f"{self._prefix}: {verb} for {role.pulumi_resource_name}",
            policy=pulumi.Output.json_dumps([{"Rules": [rule], "Principal": [role.arn]}], sort_keys=True),
            opts=self._child("access_policy"),
        )
        # Whoever waits for the one has both.
        call = statement("CallTheCollection", actions=CALL_ACTION, resources=self.arn)
        return self._allow(role, verb, call, after=[data])

    # --- Alarms ------------------------------------------------------------------------------------------------------

    def _metric(self, name: str, statistic: str) -> Metric:
        # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/monitoring-cloudwatch.html
        dimensions = {"ClientId": self._account.id, "CollectionId": self.id, "CollectionName": self.name}
        return Metric(namespace="AWS/AOSS", name=name, dimensions=dimensions, statistic=statistic)

    def _capacity_alarms(self, topics: AlarmTopics) -> Iterator[aws.cloudwatch.MetricAlarm]:
        limits = self.args.limits
        for what, metric in OCUS.items():
            most = getattr(limits, what) if limits else DEFAULT_MOST_OCUS
            # At 1 OCU there is nothing to grow to: it would be at its limit for ever.
            if most > 1:
                mend = "raise limits" if limits else "raise the account's limit"
                yield self._alarm(
                    f"{what}-ocus",
                    description=f"has used all of the {most} OCUs for {what} that it may for 15 minutes, and cannot "
                    f"grow. Look at what asks so much, then {mend}.",
                    metric=self._ocus(metric),
                    comparison="GreaterThanOrEqualToThreshold",
                    threshold=most,
                    # One value a minute: over more of them the sum would count the same OCUs again.
                    period_seconds=60,
                    periods=15,
                    severity="warning",
                    topics=topics,
                )

    def _ocus(self, name: str) -> Metric:
        dimensions: dict[str, pulumi.Input[str]] = {"ClientId": self._account.id}
        if self._group is not None:
            dimensions |= {"CollectionGroupId": self._group.id, "CollectionGroupName": self._group.name}
        return Metric(namespace="AWS/AOSS", name=name, dimensions=dimensions, statistic="Sum")


def index_mistakes(indexes: Sequence[str]) -> Iterator[Mistake]:
    """Indexes that no policy can name, or names twice."""
    if not indexes:
        yield Mistake("indexes", list(indexes), "names none; name each index that may be used")
    for number, index in enumerate(indexes):
        if not INDEX_NAME.pattern.fullmatch(index):
            yield Mistake(("indexes", number), index, f"is not allowed; {INDEX_NAME.words}")
    if len(set(indexes)) < len(indexes):
        yield Mistake("indexes", list(indexes), "names one of them twice; leave one out")


def _connection_mistakes(
    name: str, args: VectorCollectionArgs, endpoint: CollectionEndpoint | None
) -> Iterator[Mistake]:
    if not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        yield Mistake("name", name, f"has {len(name)} characters; AWS takes {SHORTEST_NAME} to {LONGEST_NAME}")
    if args.network == "private" and endpoint is None:
        yield Mistake("endpoint", None, "is missing, and network is private; pass one, or set network to public")
    if args.network == "public" and endpoint is not None:
        yield Mistake("endpoint", "given", "is not used by a collection whose network is public; leave one of them out")


def _switched(on: bool) -> str:
    return "ENABLED" if on else "DISABLED"


def _short(prefix: str, what: str) -> str:
    """A name of a policy that always fits and is always the same."""
    ending = hashlib.sha256(f"{prefix}-{what}".encode()).hexdigest()[:8]
    return f"{prefix[: LONGEST_NAME - len(ending) - 1].rstrip('-')}-{ending}"
