"""What finds things by their words and their meaning: collections, their indexes, and knowledge bases on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from architecture.context import require
from components.data.collection_endpoint import CollectionEndpoint, CollectionEndpointArgs
from components.data.vector_collection import VectorCollection
from components.intelligence.knowledge_base import SYNC_DEFINITION, KnowledgeBase
from components.intelligence.vector_index import VectorIndexes, VectorIndexesArgs
from components.widgets import widgets_of
from settings.search import INDEXES_PACKAGE
from settings.workloads import definitions, package

if TYPE_CHECKING:
    import pulumi
    import pulumi_aws as aws

    from architecture.context import Context
    from architecture.storage import Storage
    from components.network.network import Network
    from components.widgets import Widget
    from settings.search import CollectionUse, KnowledgeBaseUse, VectorCollectionSettings


class Caller(Protocol):
    """A program in the network."""

    @property
    def security_group_id(self) -> pulumi.Output[str] | None: ...
    def allow_to(self, security_group_id: pulumi.Input[str], port: pulumi.Input[int], what: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Search:
    """What programs may search; nothing where the stack has no collections."""

    endpoint: CollectionEndpoint | None = None
    collections: Mapping[str, VectorCollection] = field(default_factory=dict)
    indexes: Mapping[str, VectorIndexes] = field(default_factory=dict)
    """Those of each collection."""
    bases: Mapping[str, KnowledgeBase] = field(default_factory=dict)

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(*self.collections.values(), *self.bases.values())

    @property
    def outputs(self) -> dict[str, Any]:
        """Where to search, and what knowledge bases are called."""
        told: dict[str, Any] = {}
        if self.collections:
            told["collectionUrls"] = {name: one.url for name, one in self.collections.items()}
        if self.bases:
            told["knowledgeBaseIds"] = {name: one.id for name, one in self.bases.items()}
        return told

    def environment(
        self, collections: Mapping[str, CollectionUse], bases: Mapping[str, KnowledgeBaseUse]
    ) -> dict[str, pulumi.Input[str]]:
        """What the code of who uses them is told: COLLECTION_SEARCH_URL, KNOWLEDGE_BASE_WIKI."""
        told: dict[str, pulumi.Input[str]] = {
            f"COLLECTION_{_variable(name)}_URL": self.collections[name].url for name in collections
        }
        return told | {f"KNOWLEDGE_BASE_{_variable(name)}": self.bases[name].id for name in bases}

    def admit(
        self,
        name: str,
        caller: Caller,
        role: aws.iam.Role,
        collections: Mapping[str, CollectionUse],
        bases: Mapping[str, KnowledgeBaseUse],
    ) -> None:
        """Let a program do with each what its settings say, and nothing more."""
        endpoint = self.endpoint
        if endpoint is not None and any(self.collections[one].endpoint is not None for one in collections):
            endpoint.allow_from(require(caller.security_group_id, f"{name}.private"), name)
            caller.allow_to(endpoint.security_group_id, endpoint.port, "collections")
        for each, use in sorted(collections.items()):
            collection, indexes = self.collections[each], sorted(self.indexes[each].made)
            {
                "search": collection.grant_search,
                "write": collection.grant_write,
                "searchAndWrite": collection.grant_search_and_write,
            }[use](role, *indexes)
        for each, use in sorted(bases.items()):
            self.bases[each].grant_retrieve(role, generate=use == "generate")


def _variable(name: str) -> str:
    return name.replace("-", "_").upper()


def build_search(ctx: Context, network: Network | None, storage: Storage) -> Search:
    """Each collection of the stack's YAML with its indexes, and each knowledge base; alarms where there are topics."""
    settings = ctx.settings
    private = any(one.network == "private" for one in settings.vector_collections.values())
    endpoint = (
        CollectionEndpoint(
            ctx.name("collections"), CollectionEndpointArgs(), network=require(network, "network"), opts=ctx.opts
        )
        if private
        else None
    )
    collections, indexes = {}, {}
    for name, args in sorted(settings.vector_collections.items()):
        collections[name] = VectorCollection(
            ctx.name(name),
            args,
            endpoint=endpoint if args.network == "private" else None,
            key=ctx.keys.data,
            opts=ctx.opts,
        )
        indexes[name] = _indexes(ctx, name, args, collections[name], network)
    bases = {
        name: KnowledgeBase(
            ctx.name(name),
            base,
            store=indexes[base.collection].made[base.index],
            bucket=storage.buckets[base.bucket],
            sync=definitions()[SYNC_DEFINITION].read_text(encoding="utf-8"),
            key=ctx.keys.data,
            log_key=ctx.keys.logs,
            opts=ctx.opts,
        )
        for name, base in sorted(settings.knowledge_bases.items())
    }
    if ctx.topics is not None:
        for part in (*collections.values(), *bases.values()):
            part.alarms(ctx.topics)
    return Search(endpoint=endpoint, collections=collections, indexes=indexes, bases=bases)


def _indexes(
    ctx: Context, name: str, args: VectorCollectionSettings, collection: VectorCollection, network: Network | None
) -> VectorIndexes:
    bodies: dict[str, Mapping[str, Any]] = {}
    for index, one in args.indexes.items():
        body = one.body
        assert isinstance(body, dict), "the settings refuse a file that is no mapping"
        bodies[index] = body
    return VectorIndexes(
        ctx.name(f"{name}-indexes"),
        VectorIndexesArgs(indexes=dict(args.indexes), log_retention_days=ctx.settings.logs.retention_days),
        collection=collection,
        mappings=bodies,
        network=network if args.network == "private" else None,
        package=package(*INDEXES_PACKAGE),
        key=ctx.keys.data,
        log_key=ctx.keys.logs,
        opts=ctx.opts,
    )
