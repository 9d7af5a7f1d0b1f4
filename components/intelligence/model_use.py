"""For what a stack uses a model, and with which settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from ..args import Args, ComponentArgs
from ..errors import Mistake
from ..values import Name
from .guardrail import GuardrailArgs
from .model import Model
from .models import MODELS, ModelName, ended, unreachable, vector_length

_TEMPERATURE, _TOP_P, _MAX_TOKENS = 0.1, 0.9, 4096
_CHAT_ONLY = ("temperature", "top_p", "max_tokens", "streaming")


class ModelUse(Args):
    """A model, and how programs are to ask it."""

    model: ModelName
    """Its name in the table of models; one that has ended is refused, with the name of its successor."""

    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    """How much chance there is in an answer. Left out: 0.1, where the model takes it."""

    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """The share of likely words from which is chosen. Left out: 0.9, where the model takes it beside a temperature."""

    max_tokens: Annotated[int, Field(ge=1)] = _MAX_TOKENS
    """The longest answer."""

    dimensions: Annotated[int, Field(ge=1)] | None = None
    """The length of an embedding's vector; that of the index. Left out: what the model gives by itself."""

    streaming: bool = False
    """Whether answers may be read while they are written."""

    alarm_latency_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """From which a request counts as slow: if one in twenty takes longer."""

    alarm_tokens_per_hour: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1_000_000
    """Tokens in and out within an hour from which somebody should look: each of them costs."""

    @property
    def known(self) -> Model:
        """The row of the table."""
        return MODELS[self.model]

    @property
    def settings(self) -> dict[str, float | int]:
        """What a request may say, and nothing that the model would refuse it for: name → value."""
        model = self.known
        if model.kind == "embedding":
            return {"dimensions": vector_length(self.model, self.dimensions)}
        sampling: dict[str, float | int] = {}
        if model.sampling == "both":
            sampling = {
                "temperature": _TEMPERATURE if self.temperature is None else self.temperature,
                "top-p": _TOP_P if self.top_p is None else self.top_p,
            }
        elif model.sampling == "one":
            sampling = (
                {"top-p": self.top_p}
                if self.top_p is not None
                else {"temperature": _TEMPERATURE if self.temperature is None else self.temperature}
            )
        return {"max-tokens": self.max_tokens, **sampling}

    def mistakes(self) -> Iterator[Mistake]:
        model = self.known
        if (why := ended(self.model)) is not None:
            yield Mistake("model", self.model, why)
            return
        if model.kind == "embedding":
            for field in _CHAT_ONLY:
                if field in self.model_fields_set:
                    yield Mistake(
                        field, getattr(self, field), f"is for chat models, and {self.model} embeds; remove it"
                    )
            if self.dimensions is not None and self.dimensions not in model.dimensions:
                known = ", ".join(map(str, sorted(model.dimensions)))
                yield Mistake("dimensions", self.dimensions, f"is no length that {self.model} gives; use {known}")
            return
        if self.dimensions is not None:
            yield Mistake("dimensions", self.dimensions, f"is for embeddings, and {self.model} chats; remove it")
        if model.most_output_tokens and self.max_tokens > model.most_output_tokens:
            reason = f"is more than {self.model} writes; use 1 to {model.most_output_tokens}"
            yield Mistake("max_tokens", self.max_tokens, reason)
        given = [field for field in ("temperature", "top_p") if getattr(self, field) is not None]
        if model.sampling == "none":
            for field in given:
                yield Mistake(
                    field, getattr(self, field), f"is refused by {self.model}, which takes neither; remove it"
                )
        elif model.sampling == "one" and len(given) > 1:
            reason = f"and temperature are refused together by {self.model}; keep one of the two"
            yield Mistake("top_p", self.top_p, reason)


class ModelAccessArgs(ComponentArgs):
    """Models at Bedrock, priced by the token: nothing while nobody asks."""

    models: Annotated[dict[Name, ModelUse], Field(min_length=1)]
    """What each model is for (`writer`, `embedder`) → which one, and its settings. Programs find them in the Parameter
    Store under `/{product}/{environment}/models/<name>/`: id, and what they may say in a request."""

    guardrail: GuardrailArgs | None = GuardrailArgs()
    """Before and behind every chat model; null: none."""

    def mistakes_in(self, region: str, within: Sequence[str]) -> Iterator[Mistake]:
        """What cannot be had in a region whose data stays in the regions `within`."""
        for name, use in self.models.items():
            if ended(use.model) is None and (why := unreachable(use.model, region, list(within))) is not None:
                yield Mistake(("models", name, "model"), use.model, why)
