"""The indexes of a collection, made by the deployment: a function inside the network, called once for each, creates it.

Use: indexes = VectorIndexes("wiki-dev-search-indexes", VectorIndexesArgs(indexes={"pages": VectorIndexArgs(...)}),
                             collection=search, mappings={"pages": mapping}, network=network, package=package)
     indexes.made["pages"]   # what a knowledge base stands on

An index is there when the deployment ends, or the deployment fails. One that is there with the same mapping stays as it
is; another mapping is another index, because OpenSearch cannot change a vector's length in one that has documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import Args, ComponentArgs
from ..component import Component
from ..compute.function import Function
from ..compute.function_args import FunctionArgs
from ..compute.package import Package
from ..data.index_mapping import Role, field_mistakes, mapping_mistakes
from ..data.vector_collection import VectorCollection
from ..data.vector_collection_args import IndexName
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..network.network import Network
from ..values import LogRetentionDays
from .models import ModelName, embedding_mistakes, vector_length

HANDLER: Final = "indexes.create.handler"

TIMEOUT_SECONDS: Final = 300
"""A data access policy takes a minute or more to be in force, and the function asks again meanwhile."""


class VectorIndexArgs(Args):
    """An index for full text and vectors."""

    embedding_model: ModelName
    """The model that makes its vectors."""

    dimension: int | None = None
    """The length of its vectors, one of those that the model gives; also in its mapping. Left out: the model's own."""

    vector_field: str = "embedding"
    """The field with the vector."""

    text_field: str = "text"
    """The field with the text that the vector is of."""

    metadata_field: str | None = "metadata"
    """The field in which a knowledge base keeps what it knows of the text's source; null for an index that programs
    fill themselves, on which no knowledge base stands."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from embedding_mistakes(self.embedding_model, self.dimension)
        fields = [one for one in (self.vector_field, self.text_field, self.metadata_field) if one is not None]
        if len(set(fields)) < len(fields):
            yield Mistake("text_field", self.text_field, "and another of its fields are one; use a field for each")

    @property
    def length(self) -> int:
        """What `dimension` means where it is left out."""
        return vector_length(self.embedding_model, self.dimension)

    def mistakes_with(self, mapping: Mapping[str, Any]) -> Iterator[Mistake]:
        """What its mapping has otherwise."""
        for mistake in mapping_mistakes(mapping, self.length):
            yield mistake.at("mapping")
        fields: dict[Role, str] = {"vector": self.vector_field, "text": self.text_field}
        if self.metadata_field is not None:
            fields["metadata"] = self.metadata_field
        yield from field_mistakes(mapping, fields)


class VectorIndexesArgs(ComponentArgs):
    """Indexes of a collection. A call at a deployment costs nothing to speak of."""

    indexes: Annotated[dict[IndexName, VectorIndexArgs], Field(min_length=1)]
    """By name. One that is taken out of the list stays in the collection, with its documents."""

    settle_seconds: Annotated[int, Field(ge=0, le=120)] = 45
    """How long the deployment waits behind a new index before it makes a knowledge base on it: Bedrock refuses one that
    it does not see yet."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record in the function's log is deleted. In YAML left out: the stack's."""


@dataclass(frozen=True, kw_only=True)
class VectorIndex:
    """An index of a collection, for what is built on it."""

    name: str
    args: VectorIndexArgs
    collection: VectorCollection
    created: pulumi.Resource
    """What is there when the index is."""

    @property
    def embedding_model(self) -> str:
        return self.args.embedding_model

    @property
    def length(self) -> int:
        return self.args.length

    @property
    def for_bedrock(self) -> bool:
        """Whether Bedrock reaches it."""
        return self.collection.args.bedrock or self.collection.args.network == "public"

    @property
    def storage(self) -> aws.bedrock.AgentKnowledgeBaseStorageConfigurationArgsDict:
        """As a knowledge base names it."""
        if self.args.metadata_field is None:
            raise ArgumentError(
                "metadata_field", None, "is needed for a knowledge base; name the field of its metadata"
            )
        return {
            "type": "OPENSEARCH_SERVERLESS",
            "opensearch_serverless_configuration": {
                "collection_arn": self.collection.arn,
                "vector_index_name": self.name,
                "field_mapping": {
                    "vector_field": self.args.vector_field,
                    "text_field": self.args.text_field,
                    "metadata_field": self.args.metadata_field,
                },
            },
        }

    def grant_use(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role`, a knowledge base's, search and write it, and nothing more."""
        return self.collection.grant_search_and_write(role, self.name)


class VectorIndexes(Component):
    """Indexes that are there when the deployment ends; it fails if one of them cannot be created."""

    CHILDREN = ("invocation",)

    made: Mapping[str, VectorIndex]
    """By name."""

    def __init__(
        self,
        name: str,
        args: VectorIndexesArgs,
        *,
        collection: VectorCollection,
        mappings: Mapping[str, Mapping[str, Any]],
        package: Package,
        network: Network | None = None,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param collection: In which they are created.
        :param mappings: By the name of the index, its settings and mappings, as OpenSearch takes them.
        :param package: workloads/indexes, built.
        :param network: From which the collection is reached; none if it is public.
        :param key: Of the function's environment. Without one AWS's own key.
        :param log_key: What encrypts the function's log.
        """
        super().__init__(name, args, opts)
        if wrong := list(_connection_mistakes(args, collection, mappings, network)):
            raise ArgumentError.of(wrong)
        function = Function(
            name,
            FunctionArgs(
                handler=HANDLER,
                description="Creates indexes of OpenSearch Serverless while the stack is deployed",
                memory_mib=256,
                timeout_seconds=TIMEOUT_SECONDS,
                # A trace for each deployment; the first 100,000 a month are free.
                tracing=True,
                log_retention_days=args.log_retention_days,
            ),
            package=package,
            network=network,
            environment={"COLLECTION_URL": collection.url},
            key=key,
            logs_key=log_key,
            opts=pulumi.ResourceOptions(parent=self),
        )
        if collection.endpoint is not None and function.security_group_id is not None:
            collection.allow_from(function.security_group_id, f"{collection.name}-indexes")
            function.allow_to(collection.endpoint.security_group_id, collection.endpoint.port, "collection")
        grant = collection.grant_create(function.role, *sorted(args.indexes))
        self.made = {
            index: VectorIndex(
                name=index,
                args=args.indexes[index],
                collection=collection,
                created=aws.lambda_.Invocation(
                    f"{name}-{index}-invocation",
                    function_name=function.name,
                    qualifier=function.alias_name,
                    input=pulumi.Output.json_dumps(
                        {"index": index, "body": mappings[index], "settle_seconds": args.settle_seconds}, sort_keys=True
                    ),
                    # Another mapping, another collection or another version of the code is another call.
                    triggers={"collection": collection.id, "version": function.version},
                    # Not before the collection lets the function in. (A component stands for all of its parts.)
                    opts=self._child("invocation", depends_on=[function, grant, *_resources(collection)]),
                ),
            )
            for index in sorted(args.indexes)
        }
        self.register_outputs({})


def _resources(collection: VectorCollection) -> list[pulumi.Resource]:
    return [collection, *([collection.endpoint] if collection.endpoint is not None else [])]


def _connection_mistakes(
    args: VectorIndexesArgs,
    collection: VectorCollection,
    mappings: Mapping[str, Mapping[str, Any]],
    network: Network | None,
) -> Iterator[Mistake]:
    if (network is None) != (collection.endpoint is None):
        yield Mistake(
            "network",
            "none" if network is None else "given",
            "must be there exactly if the collection has an endpoint, which is what the function calls",
        )
    for name in sorted(args.indexes.keys() - mappings.keys()):
        yield Mistake(("mappings", name), None, "is missing; pass the mapping of each index")
    for name in sorted(mappings.keys() - args.indexes.keys()):
        yield Mistake(("mappings", name), "given", "is of no index; leave it out")
    for name in sorted(args.indexes.keys() & mappings.keys()):
        for mistake in args.indexes[name].mistakes_with(mappings[name]):
            yield mistake.at("indexes", name)
