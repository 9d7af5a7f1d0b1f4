"""What a collection is called, keeps and may use."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from ..args import Args, ComponentArgs
from ..retention import Retention
from ..values import text

SHORTEST_NAME: Final = 3
LONGEST_NAME: Final = 32
"""Of a collection, and of each of its policies. The API has come to take longer collections; the provider has not.
https://docs.aws.amazon.com/opensearch-service/latest/ServerlessAPIReference/API_CreateCollection.html"""

DEFAULT_MOST_OCUS: Final = 10
"""Of an account, for indexing and for searching each, unless somebody has changed it.
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scaling.html"""

_OCUS: Final = (1, 2, 4, 8)
_OCU_STEP: Final = 16
# Of what an account gets on request, the last that is a multiple; what is more has been mistyped.
_MOST_OCUS: Final = 1696


def _ocus(most: int) -> int:
    if most not in _OCUS and (most % _OCU_STEP or not _OCU_STEP <= most <= _MOST_OCUS):
        raise ValueError(f"is not allowed; use 1, 2, 4, 8, 16 or another multiple of 16, up to {_MOST_OCUS}")
    return most


# https://docs.aws.amazon.com/opensearch-service/latest/developerguide/collection-groups-capacity-limits.html
Ocus = Annotated[int, AfterValidator(_ocus)]

INDEX_NAME: Final = text(
    r"[a-z0-9][a-z0-9_-]{0,254}",
    "use lower-case letters, digits, hyphens and underscores, beginning with a letter or digit",
)
IndexName = Annotated[str, INDEX_NAME]


class OcuLimits(Args):
    """The most that a collection may grow to. It then has capacity of its own, of which 1 OCU for indexing and 1 for
    searching are always paid: $488 a month in ap-northeast-1."""

    indexing: Ocus
    """OCUs for indexing."""

    search: Ocus
    """OCUs for searching."""


class VectorCollectionArgs(ComponentArgs):
    """OpenSearch Serverless. An OCU (6 GiB of memory and its processor) costs $0.334 an hour in ap-northeast-1 and
    $0.24 in us-east-1, and some are always paid, whether anybody asks or not: 0.5 for indexing and 0.5 for searching,
    $244 a month ($175), and twice that with standby replicas. Collections under one key share them. A GB of data costs
    $0.026 a month."""

    description: Annotated[str, Field(max_length=1000)] = ""
    """What is searched; shown beside the collection in the console."""

    network: Literal["private", "public"] = "private"
    """private: reached from the network only, by its endpoint. public: reached from the internet, too, by whoever has
    the permissions."""

    bedrock: bool = False
    """Whether Bedrock may reach it from AWS's side, which its knowledge bases need where `network` is private."""

    standby_replicas: bool = True
    """A second copy in another zone, which takes over when the first one fails, for as much again: $244 a month in
    ap-northeast-1 at the least. Off, a failing zone stops the search, and AWS restores the data from S3 when it is
    back. Cannot be changed without a new collection. In YAML left out: only in prod."""

    limits: OcuLimits | None = None
    """A limit of its own. Left out: that of the account, 10 OCUs for each unless somebody has changed it."""

    slow_search_ms: Annotated[int, Field(ge=10, le=60_000)] = 1000
    """From which average on a search is slow, and an alarm goes off."""

    retention: Retention = "protected"
    """protected: refuses to be deleted. ephemeral: goes with everything in it. In YAML left out: the stack's."""
