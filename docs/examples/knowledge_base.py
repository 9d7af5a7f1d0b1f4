"""A knowledge base over the documents of a bucket, brought up to date each night and when one of them changes."""

import json
from pathlib import Path

from components.data.bucket import Bucket, BucketArgs
from components.data.vector_collection import VectorCollection
from components.data.vector_collection_args import VectorCollectionArgs
from components.intelligence.knowledge_base import SYNC_DEFINITION, KnowledgeBase, KnowledgeBaseArgs
from components.intelligence.vector_index import VectorIndexArgs, VectorIndexes, VectorIndexesArgs
from components.messaging.schedule import ScheduleArgs
from settings.workloads import definitions, package

mapping = json.loads((Path(__file__).parents[2] / "workloads" / "indexes" / "pages.json").read_text(encoding="utf-8"))
indexes = VectorIndexes(
    "wiki-dev-search-indexes",
    VectorIndexesArgs(indexes={"pages": VectorIndexArgs(embedding_model="titan-embed-text-v2")}),
    collection=VectorCollection("wiki-dev-search", VectorCollectionArgs(network="public", standby_replicas=False)),
    mappings={"pages": mapping},
    package=package("indexes", "arm64"),
)

KnowledgeBase(
    "wiki-dev-wiki",
    KnowledgeBaseArgs(folder="docs", on_changes=True, schedule=ScheduleArgs(expression="cron(0 17 * * ? *)")),
    store=indexes.made["pages"],
    bucket=Bucket("wiki-dev-documents", BucketArgs(events=True)),
    sync=definitions()[SYNC_DEFINITION].read_text(encoding="utf-8"),
)
