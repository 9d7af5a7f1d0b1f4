"""The models of the wiki: what they are asked in which words, and how long it waits for them (`api.bedrock`)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from api import bedrock, trace
from api.bedrock import BadParameters, Embedder, ModelRefused

if TYPE_CHECKING:
    from wiki.settings import Settings

log = logging.getLogger("wiki.model")


@dataclass(kw_only=True)
class Models(bedrock.Models):
    """What the wiki asks of models."""

    @staticmethod
    def of(settings: Settings, *, attempts: int = 6, read_seconds: int = 90) -> Models:
        """The models that the settings name. A search has no time for many attempts; a page has."""
        runtime = trace.watch(boto3.client("bedrock-runtime", config=bedrock.patience(read_seconds)))
        parameters = bedrock.parameters_below(settings.models, trace.watch(boto3.client("ssm")))
        return Models(runtime=runtime, parameters=parameters, attempts=attempts)

    def embedder(self) -> Embedder:
        """The model that embeds now, for the index."""
        found = super().embedder()
        if found.dimensions != dimensions():
            raise BadParameters(
                f"embedder/dimensions is {found.dimensions}, and the index has vectors of {dimensions()}"
            )
        return found

    def write(self, task: str, material: str, pause: Callable[[float], None]) -> str:
        """What the model makes of the material, which is nobody's instruction. `pause` waits, or raises where there is
        no time."""
        writer = self.writer()
        written = self.converse(writer, task, [{"role": "user", "content": [writer.material(material)]}], pause)
        if written.declined:
            raise ModelRefused(f"the model wrote nothing that may be kept: {written.reason}")
        if written.reason == "max_tokens":
            log.warning("a page ends early: the model has written %d tokens", writer.max_tokens)
        return written.text


@cache
def dimensions() -> int:
    """How many numbers a vector of the index has: said in `index.json`. Titan Text Embeddings V2 gives so many, for at
    most 50,000 letters (docs.aws.amazon.com/bedrock/latest/userguide/titan-embedding-models.html)."""
    mapping = json.loads(Path(__file__).with_name("index.json").read_text(encoding="utf-8"))
    return mapping["mappings"]["properties"]["embedding"]["dimension"]
