"""A foundation model: the ways to it, and until when Bedrock offers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, Literal

Kind = Literal["chat", "embedding"]
State = Literal["active", "legacy", "ended"]
Sampling = Literal["both", "one", "none"]
"""What a model takes of temperature and top-p: both, one of the two, or neither. Bedrock answers anything else with a
ValidationException, so nothing before the first request would tell."""

Destinations = Mapping[str, tuple[str, ...]]
"""Region in which a request is made → regions in which it may be answered."""

WORLD: Final = ""
"""The destination of a global profile: any commercial region. So empty is the region in the model's ARN, too."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """One way to a model from one region."""

    model_id: str
    """What a program names: the model, or its inference profile."""

    foundation_model: str
    """The model's own id."""

    destinations: tuple[str, ...]
    """Regions in which a request may be answered."""

    @property
    def profile(self) -> str | None:
        """The inference profile by which the model is reached; none if it is reached itself."""
        return self.model_id if self.model_id != self.foundation_model else None


@dataclass(frozen=True, kw_only=True)
class Model:
    """A foundation model at Bedrock."""

    id: str
    kind: Kind = "chat"
    direct: tuple[str, ...] = ()
    """Regions in which it can be invoked by its own id. In the others a profile is needed."""

    profiles: Mapping[str, Destinations] = field(default_factory=dict)
    """Prefix of an inference profile (`jp`) → where its requests go."""

    legacy_since: date | None = None
    """From then on Bedrock lets no new customers in, and no quotas grow."""

    ends: date | None = None
    """From then on every request fails."""

    successor: str | None = None
    """The name of the model to take instead."""

    dimensions: tuple[int, ...] = ()
    """The lengths of vector that an embedding model gives; the first unless asked otherwise."""

    sampling: Sampling = "both"
    most_output_tokens: int = 0
    """The longest answer that a request may ask for; 0 for embeddings."""

    source: str
    checked: date
    """When the source said so."""

    def state(self, on: date | None = None) -> State:
        """What it is today, or on another day."""
        day = on or datetime.now(UTC).date()
        if self.ends is not None and self.ends <= day:
            return "ended"
        return "legacy" if self.legacy_since is not None and self.legacy_since <= day else "active"

    def routes(self, region: str) -> Iterator[Route]:
        """The ways to it from `region`, the nearest first: itself, then what stays in a country, then further."""
        if region in self.direct:
            yield Route(model_id=self.id, foundation_model=self.id, destinations=(region,))
        near_first = sorted(self.profiles.items(), key=lambda one: (one[0] == "global", len(one[1].get(region, ()))))
        for prefix, destinations in near_first:
            if region in destinations:
                yield Route(model_id=f"{prefix}.{self.id}", foundation_model=self.id, destinations=destinations[region])

    def route(self, region: str, within: tuple[str, ...] | list[str]) -> Route | None:
        """The nearest way to it from `region` whose requests stay in the regions `within`; none if all leave them."""
        return next((one for one in self.routes(region) if set(one.destinations) <= set(within)), None)
