"""The knowledge base on the wiki's pages: chunks that fit a question in whole sentences, found by Bedrock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from api import trace
from botocore.config import Config


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A part of a page."""

    text: str
    source: str
    """The object in the bucket."""
    score: float


class Knowledge:
    """Asks the knowledge base that the settings name."""

    def __init__(self, id_: str) -> None:
        patience = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2, "mode": "standard"})
        self._id, self._runtime = id_, trace.watch(boto3.client("bedrock-agent-runtime", config=patience))

    def find(self, question: str, most: int) -> list[Chunk]:
        """The chunks that fit best, the best first."""
        answer: dict[str, Any] = self._runtime.retrieve(
            knowledgeBaseId=self._id, retrievalQuery={"text": question},
            retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": most}},
        )  # fmt: skip
        return [
            Chunk(
                text=one["content"].get("text", ""),
                source=one.get("location", {}).get("s3Location", {}).get("uri", ""),
                score=one.get("score", 0.0),
            )
            for one in answer["retrievalResults"]
        ]
