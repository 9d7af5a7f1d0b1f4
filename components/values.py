"""Kinds of values that the arguments of several components take, and what to write instead of a wrong one."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from .errors import nearest

Environment = Literal["prod", "staging", "dev", "test"]

# The regions whose data centres are in Japan come first; which of all a stack may use is a setting of its own.
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


@dataclass(frozen=True)
class Text:
    """A text of a pattern; `words` tell somebody who wrote another what to write."""

    pattern: re.Pattern[str]
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # A schema's pattern may match anywhere.
        return {**handler(schema), "pattern": f"^({self.pattern.pattern})$"}

    def _checked(self, value: str) -> str:
        if not self.pattern.fullmatch(value):
            raise ValueError(f"is not allowed; {self.words}")
        return value


def text(pattern: str, words: str) -> Text:
    """A text of this pattern, else `words` say what to write."""
    return Text(re.compile(pattern), words)


def _known_region(region: str) -> str:
    if region not in REGIONS:
        raise ValueError(f"is not an AWS region; {nearest(region, REGIONS)}use one such as ap-northeast-1")
    return region


LARGEST_PREFIX, SMALLEST_PREFIX = 16, 28
"""The sizes that AWS allows for a VPC and for a subnet."""


def _network_cidr(cidr: str) -> str:
    try:
        network = ipaddress.IPv4Network(cidr, strict=False)
    except ValueError:
        raise ValueError("is not an IPv4 CIDR; write one such as 10.0.0.0/16") from None
    if "/" not in cidr or not LARGEST_PREFIX <= network.prefixlen <= SMALLEST_PREFIX:
        raise ValueError(f"has the prefix /{network.prefixlen}; AWS allows /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}")
    if str(network) != cidr:
        raise ValueError(f"does not begin at a network address; use {network}")
    return cidr


FixedTag = Annotated[
    str,
    text(r"(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "use a tag that stays, such as 1.4.2, not latest"),
]
"""The tag of an image that means the same image tomorrow."""
Region = Annotated[str, AfterValidator(_known_region), WithJsonSchema({"type": "string", "enum": list(REGIONS)})]
Cidr = Annotated[str, AfterValidator(_network_cidr)]
Name = Annotated[
    str,
    text(
        r"[a-z]([a-z0-9-]*[a-z0-9])?",
        "use lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
    ),
]
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DnsLabel = Annotated[str, text(LABEL, "use one label, such as api")]
DOMAIN = rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})+"
DOMAIN_IN_WORDS = "write a domain such as example.com, in lower case, without scheme, path or final dot"
DomainName = Annotated[str, text(DOMAIN, DOMAIN_IN_WORDS)]
AccountId = Annotated[str, text(r"\d{12}", "use account numbers of 12 digits, in quotation marks")]
GitHubRepository = Annotated[
    str,
    text(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}",
        "write one as owner/name, without wildcards and without https://",
    ),
]
Days = Annotated[int, Field(ge=1, le=36500)]
Port = Annotated[int, Field(ge=1, le=65_535)]
UrlPath = Annotated[str, text(r"/.*", "write a path such as /health")]


def aws_id(prefix: str) -> Text:
    """An id as AWS gives it, such as `vpc-0123456789abcdef0`."""
    return text(rf"{prefix}-[0-9a-f]{{8,17}}", f"use an id as AWS gives it, such as {prefix}-0123456789abcdef0")
