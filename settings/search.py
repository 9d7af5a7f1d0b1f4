"""Settings of collections, their indexes, and the knowledge bases on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from components.args import as_far_as_known
from components.data.index_mapping import parsed
from components.data.vector_collection_args import IndexName, VectorCollectionArgs
from components.errors import ArgumentError, Mistake, nearest
from components.intelligence.knowledge_base import KnowledgeBaseArgs
from components.intelligence.models import MODELS, unreachable
from components.intelligence.vector_index import VectorIndexArgs
from components.values import Name
from settings.workloads import index_mappings, package

if TYPE_CHECKING:
    from settings import Settings

INDEXES_PACKAGE: Final = ("indexes", "arm64")
"""What the function runs that creates indexes: the folder of workloads/, and for which processor."""

CollectionUse = Literal["search", "write", "searchAndWrite"]
KnowledgeBaseUse = Literal["retrieve", "generate"]


class VectorIndexSettings(VectorIndexArgs):
    """An index, and the file of its mapping."""

    mapping: Name
    """The file workloads/indexes/<mapping>.json, or an application's own, workloads/<mapping>/index.json."""

    def mistakes(self) -> Iterator[Mistake]:
        own = list(super().mistakes())
        yield from own
        known = index_mappings()
        if self.mapping not in known:
            hint, names = nearest(self.mapping, known), ", ".join(known)
            reason = f"has no file workloads/indexes/{self.mapping}.json; {hint}there are: {names}"
            yield Mistake("mapping", self.mapping, reason)
            return
        body = self.body
        if isinstance(body, Mistake):
            yield body
        elif not own:
            yield from self.mistakes_with(body)

    @property
    def body(self) -> dict[str, Any] | Mistake:
        """What the file says."""
        return parsed(index_mappings()[self.mapping].read_text(encoding="utf-8"))


class VectorCollectionSettings(VectorCollectionArgs):
    """A collection and its indexes."""

    indexes: Annotated[dict[IndexName, VectorIndexSettings], Field(min_length=1)]
    """By name; the deployment creates each. One that is taken out stays in the collection, with its documents."""


class KnowledgeBaseSettings(KnowledgeBaseArgs):
    """A knowledge base, and between what it stands."""

    collection: Name
    """The collection in which it keeps its vectors."""

    index: IndexName
    """Which of its indexes."""

    bucket: Name
    """The bucket that it reads."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.vector_collections:
        try:
            package(*INDEXES_PACKAGE)
        except ArgumentError as error:
            yield "vectorCollections", f"{error.value!r} {error.reason}"
    for name, collection in settings.vector_collections.items():
        yield from as_far_as_known(_collection(f"vectorCollections.{name}", collection, settings))
    for name, base in settings.knowledge_bases.items():
        yield from as_far_as_known(_knowledge_base(f"knowledgeBases.{name}", base, settings))
    taken = {
        name: f"{section}.{name}"
        for section in ("buckets", "tables", "queues", "workflows", "services", "functions", "apis")
        for name in getattr(settings, section)
    }
    for section, parts in (
        ("vector_collections", ("-indexes",)),
        ("knowledge_bases", ("-sync", "-changes", "-schedule")),
    ):
        key = {"vector_collections": "vectorCollections", "knowledge_bases": "knowledgeBases"}[section]
        for name in getattr(settings, section):
            for one in (name, *(f"{name}{part}" for part in parts)):
                if one in taken:
                    yield f"{key}.{name}", f"is, or needs for its parts, the name of {taken[one]} too; choose another"
            taken[name] = f"{key}.{name}"
    yield from as_far_as_known(_other_vectors(settings))
    for section in ("services", "functions"):
        for name, one in getattr(settings, section).items():
            yield from as_far_as_known(_uses(f"{section}.{name}", one.collections, one.knowledge_bases, settings))


def _collection(key: str, collection: VectorCollectionSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    network = settings.network
    if settings.free_tier:
        yield key, "costs $244 a month at the least, and freeTier is true; search in PostgreSQL"
    if collection.network == "public":
        return
    if network is None:
        yield key, "stands in a network, which is missing; add the section network, or set network to public"
    elif network.existing is None and network.stack is None and "private" not in network.tiers:
        yield "network.tiers", f"lacks private, from which {key} is reached; add it"


def _knowledge_base(key: str, base: KnowledgeBaseSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    bucket = settings.buckets.get(base.bucket)
    if bucket is None:
        known = ", ".join(sorted(settings.buckets)) or "none"
        yield f"{key}.bucket", f"{base.bucket} is not a bucket of this stack; the buckets are: {known}"
    elif base.on_changes and not bucket.events:
        yield f"buckets.{base.bucket}.events", f"must be true: {key}.onChanges hears of changes by them"
    collection = settings.vector_collections.get(base.collection)
    if collection is None:
        known = ", ".join(sorted(settings.vector_collections)) or "none"
        yield f"{key}.collection", f"{base.collection} is not a collection of this stack; the collections are: {known}"
        return
    if collection.network == "private" and not collection.bedrock:
        yield f"vectorCollections.{base.collection}.bedrock", f"must be true: {key} reaches the collection from Bedrock"
    index = collection.indexes.get(base.index)
    if index is None:
        known = ", ".join(sorted(collection.indexes))
        yield f"{key}.index", f"{base.index} is not an index of {base.collection}; the indexes are: {known}"
        return
    if index.metadata_field is None:
        at = f"vectorCollections.{base.collection}.indexes.{base.index}.metadataField"
        yield at, f"null leaves {key} no place for what it knows of a text; name a field of the mapping"
    model = index.embedding_model
    where = f"vectorCollections.{base.collection}.indexes.{base.index}.embeddingModel"
    if (why := unreachable(model, settings.region, settings.residency.regions)) is not None:
        yield where, f"{model} {why}"
    elif settings.region not in MODELS[model].direct:
        yield where, f"{model} is reached by a profile only, and {key} invokes models in {settings.region} itself"


def _uses(
    key: str, collections: Mapping[str, Any], bases: Mapping[str, Any], settings: Settings
) -> Iterator[tuple[str, str]]:
    for section, uses, there in (
        ("collections", collections, settings.vector_collections),
        ("knowledgeBases", bases, settings.knowledge_bases),
    ):
        for name in uses:
            if name not in there:
                known = ", ".join(sorted(there)) or "none"
                yield f"{key}.{section}.{name}", f"is not one of this stack; there are: {known}"
    if bases and settings.network is not None and settings.network.lacks("bedrock-agent-runtime"):
        yield "network.endpoints", f"lacks bedrock-agent-runtime, by which {key} asks where there is no NAT; add it"


def _other_vectors(settings: Settings) -> Iterator[tuple[str, str]]:
    """Indexes whose programs embed by another model, or in another length: an index refuses vectors of another length,
    and finds anything by those of another model."""
    models = settings.model_access.models if settings.model_access is not None else {}
    for name, collection in settings.vector_collections.items():
        users = {
            f"{section}.{key}": [models[use] for use in one.models if use in models]
            for section in ("services", "functions")
            for key, one in getattr(settings, section).items()
            if name in one.collections
        }
        for index_name, index in collection.indexes.items():
            wanted = (index.embedding_model, index.length)
            for key, uses in users.items():
                given = {(use.model, use.settings["dimensions"]) for use in uses if use.known.kind == "embedding"}
                if given and wanted not in given:
                    said = " or ".join(f"{model} with {length}" for model, length in sorted(given))
                    where = "dimension" if wanted[0] in {model for model, _ in given} else "embeddingModel"
                    reason = f"{wanted[0]} with {wanted[1]} is not what {key} embeds by: {said}; use the same for both"
                    yield f"vectorCollections.{name}.indexes.{index_name}.{where}", reason
                    break


def unreached(key: str, uses: Mapping[str, Any], settings: Settings, *, private: bool) -> Iterator[tuple[str, str]]:
    """Collections that a program outside of the network is to use, and that answer inside of it only."""
    for name in uses:
        collection = settings.vector_collections.get(name)
        if collection is not None and collection.network == "private" and not private:
            yield f"{key}.private", f"must be true: the collection {name} answers inside the network only"
