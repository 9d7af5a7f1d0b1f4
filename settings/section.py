"""What sections of settings are made of: their base class, and the kinds of values that several of them take."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from settings.mistakes import nearest

Environment = Literal["prod", "staging", "dev", "test"]

# The regions whose data centres are in Japan come first; the policy pack decides which of all a stack may use.
REGIONS = (
    "ap-northeast-1", "ap-northeast-3",
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-2", "ap-south-1", "ap-south-2", "ap-southeast-1",
    "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
    "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
    "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1",
    "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip

LogRetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
StorageClass = Literal["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
Tier = Literal["public", "private", "isolated"]


class Section(BaseModel):
    """Unknown keys are refused, values cannot change, and keys are camelCase in YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


def text(pattern: str, words: str) -> AfterValidator:
    """A text of this pattern; `words` tell somebody who wrote another what to write."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"is not allowed; {words}")
        return value

    return AfterValidator(check)


def _known_region(region: str) -> str:
    if region not in REGIONS:
        raise ValueError(f"is not an AWS region; {nearest(region, REGIONS)}use one such as ap-northeast-1")
    return region


def _network_cidr(cidr: str) -> str:
    try:
        network = ipaddress.IPv4Network(cidr, strict=False)
    except ValueError:
        raise ValueError("is not an IPv4 CIDR; write one such as 10.0.0.0/16") from None
    if "/" not in cidr or not 16 <= network.prefixlen <= 28:
        raise ValueError(f"has the prefix /{network.prefixlen}; AWS allows /16 to /28")
    if str(network) != cidr:
        raise ValueError(f"does not begin at a network address; use {network}")
    return cidr


Region = Annotated[str, AfterValidator(_known_region)]
Cidr = Annotated[str, AfterValidator(_network_cidr)]
Name = Annotated[
    str,
    text(
        r"[a-z]([a-z0-9-]*[a-z0-9])?",
        "use lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
    ),
]
AccountId = Annotated[str, text(r"\d{12}", "use account numbers of 12 digits, in quotation marks")]
Days = Annotated[int, Field(ge=1, le=36500)]


def aws_id(prefix: str) -> AfterValidator:
    """An id as AWS gives it, such as `vpc-0123456789abcdef0`."""
    return text(rf"{prefix}-[0-9a-f]{{8,17}}", f"use an id as AWS gives it, such as {prefix}-0123456789abcdef0")
