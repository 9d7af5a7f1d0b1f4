"""An index whose mapping is a file, created while the stack is deployed."""

import json
from pathlib import Path

from components.data.vector_collection import VectorCollection
from components.data.vector_collection_args import VectorCollectionArgs
from components.intelligence.vector_index import VectorIndexArgs, VectorIndexes, VectorIndexesArgs
from settings.workloads import package

mapping = json.loads((Path(__file__).parents[2] / "workloads" / "indexes" / "pages.json").read_text(encoding="utf-8"))
# A public one needs no network; whoever calls it needs the permissions all the same.
search = VectorCollection("wiki-dev-search", VectorCollectionArgs(network="public", standby_replicas=False))

VectorIndexes(
    "wiki-dev-search-indexes",
    VectorIndexesArgs(indexes={"pages": VectorIndexArgs(embedding_model="titan-embed-text-v2")}),
    collection=search,
    mappings={"pages": mapping},
    package=package("indexes", "arm64"),
)
