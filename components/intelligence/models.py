"""The models of Amazon Bedrock that the settings know: where each can be reached, where its requests are answered,
until when AWS offers it, and what it takes.

A row is what AWS said when it was checked. Ids, regions and profiles are those of ListFoundationModels and
ListInferenceProfiles in all regions that an account has by itself, as github.com/amazonbedrockmodels keeps them
(df190de, 2026-08-22), and of the model's own card where that is newer. Dates are Bedrock's: a provider's own platform
ends a model on another day (https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html). What a million
tokens cost is in `costs/prices.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from ..errors import Mistake, nearest
from .model import WORLD, Destinations, Kind, Model, Route

# --- Where the requests of a profile go ------------------------------------------------------------------------------

_TOKYO, _OSAKA = "ap-northeast-1", "ap-northeast-3"
JAPAN: Final = (_TOKYO, _OSAKA)
_JP: Final[Destinations] = {_TOKYO: JAPAN, _OSAKA: JAPAN}
_AU: Final[Destinations] = {"ap-southeast-2": ("ap-southeast-2", "ap-southeast-4")}

_US_THREE = ("us-east-1", "us-east-2", "us-west-2")
_US_ONLY: Final[Destinations] = dict.fromkeys(_US_THREE, _US_THREE)
_US: Final[Destinations] = {**_US_ONLY, "us-west-1": (*_US_THREE, "us-west-1")}
_US_AND_CANADA: Final[Destinations] = {**_US, "ca-central-1": (*_US_THREE, "ca-central-1")}

_EU_SIX = ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3")
_EU_FOUR = ("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3")
_EU_NOT_LONDON: Final[Destinations] = dict.fromkeys(_EU_FOUR, _EU_SIX)
_EU: Final[Destinations] = {**_EU_NOT_LONDON, "eu-west-2": (*_EU_SIX, "eu-west-2")}
_EU_NOVA: Final[Destinations] = dict.fromkeys(_EU_FOUR, _EU_FOUR)

_APAC_SIX = (_TOKYO, "ap-northeast-2", _OSAKA, "ap-south-1", "ap-southeast-1", "ap-southeast-2")
_APAC_NOVA: Final[Destinations] = dict.fromkeys((one for one in _APAC_SIX if one != _OSAKA), _APAC_SIX)

_SOURCES = (
    "ap-east-2", *_APAC_SIX, "ca-central-1", *_EU_FOUR, "eu-west-2", "sa-east-1", *_US_THREE, "us-west-1",
)  # fmt: skip


def _global(*but: str) -> Destinations:
    return {region: (region, WORLD) for region in _SOURCES if region not in but}


_CLAUDE: Final[Mapping[str, Destinations]] = {
    "jp": _JP,
    "au": _AU,
    "us": _US_AND_CANADA,
    "eu": _EU,
    "global": _global(),
}
_CLAUDE_NOT_IN_JAPAN: Final = {prefix: places for prefix, places in _CLAUDE.items() if prefix != "jp"}


def _card(model: str) -> str:
    return f"https://docs.aws.amazon.com/bedrock/latest/userguide/model-card-{model}.html"


_LIFECYCLE: Final = "https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle-legacy.html"
_LISTED: Final = date(2026, 8, 22)

MODELS: Final[Mapping[str, Model]] = {
    # --- Anthropic. Since Sonnet 4.5 temperature or top-p, since Opus 4.7 and Sonnet 5 neither
    # (https://github.com/browser-use/browser-use/pull/5448, https://github.com/simstudioai/sim/pull/5328).
    "claude-sonnet-4-6": Model(
        id="anthropic.claude-sonnet-4-6",
        profiles=_CLAUDE,
        sampling="one",
        most_output_tokens=64_000,
        source=_card("anthropic-claude-sonnet-4-6"),
        checked=_LISTED,
    ),
    "claude-haiku-4-5": Model(
        id="anthropic.claude-haiku-4-5-20251001-v1:0",
        profiles=_CLAUDE,
        sampling="one",
        most_output_tokens=64_000,
        source=_card("anthropic-claude-haiku-4-5"),
        checked=_LISTED,
    ),
    "claude-sonnet-4-5": Model(
        id="anthropic.claude-sonnet-4-5-20250929-v1:0",
        profiles=_CLAUDE,
        successor="claude-sonnet-4-6",
        sampling="one",
        most_output_tokens=64_000,
        source=_card("anthropic-claude-sonnet-4-5"),
        checked=_LISTED,
    ),
    "claude-sonnet-5": Model(
        id="anthropic.claude-sonnet-5",
        profiles=_CLAUDE_NOT_IN_JAPAN,
        sampling="none",
        most_output_tokens=128_000,
        source=_card("anthropic-claude-sonnet-5"),
        checked=_LISTED,
    ),
    "claude-opus-4-7": Model(
        id="anthropic.claude-opus-4-7",
        profiles=_CLAUDE,
        sampling="none",
        most_output_tokens=128_000,
        source=_card("anthropic-claude-opus-4-7"),
        checked=_LISTED,
    ),
    "claude-opus-4-8": Model(
        id="anthropic.claude-opus-4-8",
        profiles=_CLAUDE,
        sampling="none",
        most_output_tokens=128_000,
        source=_card("anthropic-claude-opus-4-8"),
        checked=_LISTED,
    ),
    "claude-opus-5": Model(
        id="anthropic.claude-opus-5",
        profiles=_CLAUDE_NOT_IN_JAPAN,
        sampling="none",
        most_output_tokens=128_000,
        source=_card("anthropic-claude-opus-5"),
        checked=_LISTED,
    ),
    "claude-opus-4-1": Model(
        id="anthropic.claude-opus-4-1-20250805-v1:0",
        profiles={"us": _US_ONLY},
        legacy_since=date(2026, 7, 8),
        ends=date(2027, 1, 8),
        successor="claude-opus-4-8",
        sampling="one",
        most_output_tokens=32_000,
        source=_LIFECYCLE,
        checked=_LISTED,
    ),
    "claude-sonnet-4": Model(
        id="anthropic.claude-sonnet-4-20250514-v1:0",
        legacy_since=date(2026, 4, 14),
        ends=date(2026, 10, 14),
        successor="claude-sonnet-4-6",
        source=_LIFECYCLE,
        checked=_LISTED,
    ),
    "claude-3-7-sonnet": Model(
        id="anthropic.claude-3-7-sonnet-20250219-v1:0",
        legacy_since=date(2025, 10, 28),
        ends=date(2026, 4, 28),
        successor="claude-sonnet-4-6",
        # AWS's own notice, Tokyo among its regions.
        source="https://dev.classmethod.jp/articles/how-bedrock-model-lifecycle-eol-works",
        checked=date(2025, 11, 3),
    ),
    "claude-3-5-sonnet": Model(
        id="anthropic.claude-3-5-sonnet-20240620-v1:0",
        ends=date(2026, 3, 1),
        successor="claude-sonnet-4-6",
        # AWS's own notice, of Europe and the United States. On 2026-08-22 Seoul, Mumbai and Singapore still listed it,
        # Tokyo and Osaka did not: there is no way to it that stays in Japan, nor was there ever.
        source="https://github.com/posit-dev/positron/issues/9339",
        checked=_LISTED,
    ),
    "claude-3-5-sonnet-v2": Model(
        id="anthropic.claude-3-5-sonnet-20241022-v2:0",
        # No end known by its date: Tokyo, Osaka, Europe and the United States no longer list it.
        successor="claude-sonnet-4-6",
        source=_LIFECYCLE,
        checked=_LISTED,
    ),
    "claude-3-haiku": Model(
        id="anthropic.claude-3-haiku-20240307-v1:0",
        legacy_since=date(2026, 3, 10),
        ends=date(2026, 9, 10),
        successor="claude-haiku-4-5",
        source=_LIFECYCLE,
        checked=_LISTED,
    ),
    # --- Amazon
    "nova-2-lite": Model(
        id="amazon.nova-2-lite-v1:0",
        profiles={
            "jp": {_TOKYO: JAPAN},
            "us": _US_AND_CANADA,
            "eu": _EU_NOT_LONDON,
            "global": _global(_OSAKA, "sa-east-1"),
        },
        most_output_tokens=64_000,
        source=_card("amazon-nova-2-lite"),
        checked=_LISTED,
    ),
    "nova-pro": Model(
        id="amazon.nova-pro-v1:0",
        direct=("us-east-1",),
        profiles={"us": _US, "eu": _EU_NOVA, "apac": _APAC_NOVA},
        most_output_tokens=5_000,
        source=_card("amazon-nova-pro"),
        checked=_LISTED,
    ),
    "nova-lite": Model(
        id="amazon.nova-lite-v1:0",
        direct=("us-east-1",),
        profiles={"us": _US, "eu": _EU_NOVA, "apac": _APAC_NOVA},
        successor="nova-2-lite",
        most_output_tokens=5_000,
        source=_card("amazon-nova-lite"),
        checked=_LISTED,
    ),
    "titan-embed-text-v2": Model(
        id="amazon.titan-embed-text-v2:0",
        kind="embedding",
        direct=(
            _TOKYO, "ap-northeast-2", _OSAKA, "ap-south-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
            "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-2",
        ),
        dimensions=(1024, 512, 256),
        sampling="none",
        source="https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html",
        checked=_LISTED,
    ),
    # --- Cohere
    "cohere-embed-multilingual-v3": Model(
        id="cohere.embed-multilingual-v3",
        kind="embedding",
        direct=(
            _TOKYO, "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-west-1",
            "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-west-2",
        ),
        dimensions=(1024,),
        sampling="none",
        source=_card("cohere-embed-multilingual-v3"),
        checked=_LISTED,
    ),
    "cohere-embed-v4": Model(
        id="cohere.embed-v4:0",
        kind="embedding",
        profiles={"us": _US, "eu": _EU, "global": _global("ap-east-2")},
        dimensions=(1536, 1024, 512, 256),
        sampling="none",
        source=_card("cohere-embed-v4"),
        checked=_LISTED,
    ),
}  # fmt: skip
"""By the name that a stack's file uses."""


def _known(name: str) -> str:
    if name not in MODELS:
        raise ValueError(f"is not a known model; {nearest(name, MODELS)}known: {', '.join(sorted(MODELS))}")
    return name


ModelName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": sorted(MODELS)})]
"""The name of a model of the table."""


def ended(name: str, on: date | None = None) -> str | None:
    """Why a model cannot be used any more, as the rest of a sentence; None while it can."""
    model = MODELS[name]
    if model.state(on) != "ended":
        return None
    return f"ended at Bedrock on {model.ends}{_instead(model)} (source: {model.source})"


def legacy(name: str, on: date | None = None) -> str | None:
    """What is to be known of a model that AWS will end, as the rest of a sentence; None of any other."""
    model = MODELS[name]
    if model.state(on) != "legacy":
        return None
    return f"is in the legacy state since {model.legacy_since} and ends at Bedrock on {model.ends}{_instead(model)}"


def _instead(model: Model) -> str:
    return f"; use {model.successor}" if model.successor else ""


def unreachable(name: str, region: str, within: tuple[str, ...] | list[str]) -> str | None:
    """Why a model cannot be invoked from `region` without leaving the regions `within`; None if it can."""
    model = MODELS[name]
    if model.route(region, within) is not None:
        return None
    routes = list(model.routes(region))
    if not routes:
        others = offered(region, within, model.kind)
        return f"is not offered in {region}{_instead(model) or _of_those(others)}"
    leaving = "; ".join(f"{one.model_id} answers in {_places(one, within)}" for one in routes)
    return f"leaves {', '.join(within)}: {leaving}{_of_those(offered(region, within, model.kind))}"


def _places(route: Route, within: tuple[str, ...] | list[str]) -> str:
    if WORLD in route.destinations:
        return "any region of the world"
    return ", ".join(one for one in route.destinations if one not in within)


def _of_those(names: list[str]) -> str:
    return f"; use one that stays, such as {' or '.join(names)}" if names else ""


def offered(region: str, within: tuple[str, ...] | list[str], kind: Kind, on: date | None = None) -> list[str]:
    """The active models of a kind that can be invoked from `region` and stay in the regions `within`."""
    return sorted(
        name
        for name, model in MODELS.items()
        if model.kind == kind and model.state(on) == "active" and model.route(region, within) is not None
    )


# --- Vectors ---------------------------------------------------------------------------------------------------------


def embedding_mistakes(name: str, dimension: int | None, on: date | None = None) -> Iterator[Mistake]:
    """Why a model cannot give vectors of this length; None is its own."""
    model = MODELS[name]
    if model.kind != "embedding":
        others = ", ".join(sorted(one for one, other in MODELS.items() if other.kind == "embedding"))
        yield Mistake("embedding_model", name, f"answers with text, not with vectors; use one of {others}")
    elif (why := ended(name, on)) is not None:
        yield Mistake("embedding_model", name, why)
    elif dimension is not None and dimension not in model.dimensions:
        lengths = " or ".join(map(str, sorted(model.dimensions)))
        yield Mistake("dimension", dimension, f"is not a length of vector that {name} gives; use {lengths}")


def vector_length(name: str, dimension: int | None) -> int:
    """What a dimension that is left out means."""
    return dimension if dimension is not None else MODELS[name].dimensions[0]
