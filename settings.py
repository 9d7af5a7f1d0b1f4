"""The settings of a stack: read once from its YAML, checked whole, every mistake named at once.

`Settings.load()` reads what the Pulumi engine passes on from `Pulumi.<stack>.yaml`. A section that is left out means
that the part does not exist. Sizes and switches only; secrets have no place here.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import pulumi
import pulumi.runtime
from pulumi.runtime import config as pulumi_config
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

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


@dataclass(frozen=True)
class Mistake:
    """One thing to mend in the stack's YAML."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class SettingsError(pulumi.RunError):
    """Every mistake in the settings of a stack. The engine prints it as one error without a stack trace."""

    def __init__(self, stack: str, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        count = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        super().__init__(
            "\n".join([f"the settings of stack {stack} have {count}:", *(f"  {mistake}" for mistake in self.mistakes)])
        )


def _known_region(region: str) -> str:
    if region not in REGIONS:
        raise ValueError(f"is not an AWS region; {_nearest(region, REGIONS)}use one such as ap-northeast-1")
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
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
Days = Annotated[int, Field(ge=1, le=36500)]


class Section(BaseModel):
    """Unknown keys are refused, values cannot change, and keys are camelCase in YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class LogSettings(Section):
    """CloudWatch log groups."""

    retention_days: LogRetentionDays = 30
    """Days until a record is deleted."""


class KeySettings(Section):
    """KMS keys of the stack's own: one for logs, one for data, each only if something uses it."""

    own: bool | None = None
    """Without own keys AWS's managed ones encrypt. Left out: yes, but not in a freeTier stack ($1 a month each)."""

    rotation_days: Annotated[int, Field(ge=90, le=2560)] = 365
    """Days between two rotations."""


class FlowLogSettings(Section):
    """The record of every connection in the VPC."""

    destination: Literal["cloudwatch", "s3"] = "cloudwatch"
    """cloudwatch: searchable at once, $0.76 a GB. s3: into the log archive, a third of that."""

    aggregation_seconds: Literal[60, 600] = 600
    """Seconds that one record sums up; 60 shows more and costs up to ten times as much."""


class SubnetSettings(Section):
    """The CIDRs of a network's subnets, one for each zone in each tier."""

    public: list[Cidr] | None = None
    private: list[Cidr] | None = None
    isolated: list[Cidr] | None = None

    def listed(self) -> dict[Tier, list[str]]:
        """The tiers that have a list, with it."""
        tiers: dict[Tier, list[str] | None] = {
            "public": self.public,
            "private": self.private,
            "isolated": self.isolated,
        }
        return {tier: cidrs for tier, cidrs in tiers.items() if cidrs is not None}


class ExistingNetworkSettings(Section):
    """A network that somebody else made."""

    vpc_id: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]{8,17}$")]
    cidr: Cidr
    public_subnet_ids: list[Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]] = []
    private_subnet_ids: list[Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]] = []
    isolated_subnet_ids: list[Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]] = []
    database_subnet_group_name: str | None = None
    endpoint_security_group_id: Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")] | None = None
    s3_prefix_list_id: Annotated[str, StringConstraints(pattern=r"^pl-[0-9a-f]{8,17}$")] | None = None
    dynamodb_prefix_list_id: Annotated[str, StringConstraints(pattern=r"^pl-[0-9a-f]{8,17}$")] | None = None


class NetworkSettings(Section):
    """The VPC: made by this stack, or `existing`, or that of another `stack`."""

    cidr: Cidr = "10.0.0.0/16"
    zones: Literal[1, 2, 3] = 2
    tiers: list[Tier] = ["public", "private", "isolated"]
    subnets: SubnetSettings | None = None
    nat: Literal["none", "single", "perZone", "regional"] = "none"
    endpoints: list[str] = []
    flow_logs: FlowLogSettings = FlowLogSettings()
    existing: ExistingNetworkSettings | None = None
    stack: Annotated[str, StringConstraints(pattern=r"^[^/\s]+/[^/\s]+/[^/\s]+$")] | None = None


class LogArchiveSettings(Section):
    """The bucket to which AWS services write their logs."""

    glacier_after_days: Days = 90
    """Days until a log moves to Glacier Flexible Retrieval (reading then takes hours)."""

    delete_after_days: Days = 365
    """Days until a log is deleted."""

    noncurrent_days: Days = 30
    """Days for which an overwritten or deleted log is still kept."""


class LifecycleSettings(Section):
    """What becomes of the objects under a prefix."""

    prefix: str = ""
    transitions: dict[StorageClass, Annotated[int, Field(ge=0)]] = {}
    delete_after_days: Days | None = None


class ObjectLockSettings(Section):
    """Versions that nobody can delete for a time."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: Days


class BucketSettings(Section):
    """One further bucket."""

    versioning: bool = True
    noncurrent_days: Days = 30
    abort_uploads_days: Days = 7
    lifecycle: list[LifecycleSettings] = []
    intelligent_tiering: bool = False
    object_lock: ObjectLockSettings | None = None
    replicate_to: Region | None = None


class Settings(Section):
    """Everything that a stack's YAML says."""

    product: Name
    environment: Environment
    owner: Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@-]+$", max_length=256)]
    region: Region = "ap-northeast-1"
    accounts: list[AccountId] = []
    """The accounts to which this stack may be deployed; empty means any."""
    free_tier: bool = False
    retention: Literal["protected", "ephemeral"] = "protected"
    logs: LogSettings = LogSettings()
    keys: KeySettings = KeySettings()
    network: NetworkSettings | None = None
    log_archive: LogArchiveSettings | None = None
    buckets: dict[Name, BucketSettings] = {}

    @property
    def own_keys(self) -> bool:
        """Whether the stack encrypts with keys of its own."""
        return not self.free_tier if self.keys.own is None else self.keys.own

    @staticmethod
    def load() -> Settings:
        """The settings of the stack that runs, as the engine (or a test, by `set_all_config`) passes them."""
        config = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
        secrets = {key for key in config if pulumi_config.is_config_secret(key)}
        return Settings.parse(
            config,
            project=pulumi.get_project(),
            stack=pulumi.get_stack(),
            secrets=secrets | set(pulumi_config.get_config_secret_keys_env()),
        )

    @staticmethod
    def parse(
        config: Mapping[str, Any], *, project: str = "kumiki", stack: str = "dev", secrets: Iterable[str] = ()
    ) -> Settings:
        """The settings in `config`, whose values are strings (objects as JSON), or all mistakes in them."""
        hidden = set(secrets)
        mistakes = [
            Mistake(
                key, f"is not read: this program uses one provider of its own; set {project}:region and remove this key"
            )
            for key in sorted(config)
            if key.startswith("aws:")
        ]
        sections: dict[str, Any] = {}
        for key, value in sorted(config.items()):
            namespace, _, name = key.partition(":")
            if namespace != project:
                continue
            sections[name] = _decoded(name, value)
            if key in hidden:
                mistakes.append(Mistake(key, "is a secret; the settings hold none, store it without --secret"))
        try:
            settings = Settings.model_validate(sections)
        except ValidationError as error:
            details = error.errors(include_url=False)
            mistakes += [_mistake(project, detail, hidden) for detail in details]
            raise SettingsError(stack, mistakes) from None
        mistakes += [Mistake(f"{project}:{key}", message) for key, message in _combinations(settings)]
        if mistakes:
            raise SettingsError(stack, mistakes)
        return settings


# --- What cannot work together ---------------------------------------------------------------------------------------


def _combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    yield from _names_that_fit(settings)
    yield from _free_tier(settings)
    if settings.network is not None:
        yield from _network(settings.network, settings)
    yield from _buckets(settings)


def _free_tier(settings: Settings) -> Iterator[tuple[str, str]]:
    if not settings.free_tier:
        return
    network = settings.network
    if network is not None and network.nat != "none":
        yield "network.nat", f"{network.nat} costs money and freeTier is true; use none"
    if network is not None and network.endpoints:
        yield (
            "network.endpoints",
            f"{', '.join(network.endpoints)} cost $10 a month for each zone and freeTier is true; use []",
        )
    if settings.keys.own:
        yield "keys.own", "true costs $1 a month for each key and freeTier is true; use false"
    for name, bucket in settings.buckets.items():
        if bucket.replicate_to:
            yield (
                f"buckets.{name}.replicateTo",
                "costs money and freeTier is true; leave it out",
            )


def _network(network: NetworkSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    elsewhere = {"existing", "stack"} & network.model_fields_set
    if len(elsewhere) == 2:
        yield "network.stack", "and existing are both given; a stack has one network, keep one of them"
    if elsewhere:
        other = min(elsewhere)
        for field in sorted(network.model_fields_set - {"existing", "stack"}):
            yield (
                f"network.{to_camel(field)}",
                f"says what to build, but the network is the one in {other}; remove this key or {other}",
            )
        return
    if network.nat in {"single", "perZone"} and "public" not in network.tiers:
        yield (
            "network.nat",
            f"{network.nat} stands in the public tier, which is missing; add public to tiers or use regional",
        )
    if network.flow_logs.destination == "s3" and settings.log_archive is None:
        yield "network.flowLogs.destination", "s3 needs the log archive, which is missing; add logArchive: {}"


def _buckets(settings: Settings) -> Iterator[tuple[str, str]]:
    archive = settings.log_archive
    if archive is not None and archive.delete_after_days <= archive.glacier_after_days:
        yield (
            "logArchive.deleteAfterDays",
            f"{archive.delete_after_days} must come after glacierAfterDays, which is {archive.glacier_after_days}",
        )
    for name, bucket in settings.buckets.items():
        if bucket.replicate_to == settings.region:
            yield f"buckets.{name}.replicateTo", f"{bucket.replicate_to} is the stack's own region; use another"
        if bucket.replicate_to and settings.keys.own is False:
            yield f"buckets.{name}.replicateTo", "needs keys at both ends; set keys.own to true"


# --- Names that AWS accepts ------------------------------------------------------------------------------------------

# The children of each part whose names come nearest to AWS's limit: what is added to {product}-{environment}-{service}
# (with Pulumi's own suffix of 8, where it adds one), and the limit. The architecture's tests keep this table true.
_PULUMI_SUFFIX = len("-1234567")
_TIGHTEST_NAMES: dict[str, tuple[tuple[str, int, int], ...]] = {
    "network": (("role", len("-flow-log-role") + _PULUMI_SUFFIX, 64),),
    "bucket": (("bucket", len("-bucket") + _PULUMI_SUFFIX, 63),),
    "replicated bucket": (
        ("role", len("-replica-role") + _PULUMI_SUFFIX, 64),
        ("bucket", len("-replica-bucket") + _PULUMI_SUFFIX, 63),
    ),
}

RESERVED_SERVICES = ("network", "logs", "data", "data-replica", "log-archive")
"""Services that the program names itself."""


def _names_that_fit(settings: Settings) -> Iterator[tuple[str, str]]:
    stem = f"{settings.product}-{settings.environment}"
    ours: list[tuple[str, str]] = [("network", "network")] if settings.network else []
    ours += [("log-archive", "bucket")] if settings.log_archive else []
    # All services share the product: one line for the worst of them.
    overflows = [over for service, part in ours for over in _overflows(f"{stem}-{service}", part)]
    if overflows:
        excess, text = max(overflows)
        yield "product", f"{settings.product!r} {text}; shorten the product by {excess}"
    for service, bucket in settings.buckets.items():
        if service in RESERVED_SERVICES:
            yield (
                f"buckets.{service}",
                f"is a name that the program uses itself ({', '.join(RESERVED_SERVICES)}); choose another",
            )
        overflows = _overflows(f"{stem}-{service}", "replicated bucket" if bucket.replicate_to else "bucket")
        if overflows:
            excess, text = max(overflows)
            yield f"buckets.{service}", f"{text}; shorten the bucket's key or the product by {excess}"


def _overflows(name: str, part: str) -> list[tuple[int, str]]:
    return [
        (
            len(name) + added - limit,
            f"makes the name of the {kind} of {name} {len(name) + added} characters long, and AWS allows {limit}",
        )
        for kind, added, limit in _TIGHTEST_NAMES[part]
        if len(name) + added > limit
    ]


# --- From pydantic's words to ours -----------------------------------------------------------------------------------


def _decoded(name: str, value: Any) -> Any:
    """A configuration value as data: objects and lists come as JSON, everything else as a plain string."""
    field = {to_camel(field): info for field, info in Settings.model_fields.items()}.get(name)
    if not isinstance(value, str) or field is None or not _is_nested(field.annotation):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _is_nested(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return True
    return get_origin(annotation) in {list, dict} or any(
        _is_nested(part) for part in get_args(annotation) if isinstance(part, type)
    )


def _mistake(project: str, detail: ErrorDetails, hidden: set[str]) -> Mistake:
    location = [part for part in detail["loc"] if part != "[key]"]
    section = f"{project}:{location[0]}"
    key = _path(project, location)
    value = "[secret]" if section in hidden else json.dumps(detail["input"], default=str, ensure_ascii=False)
    match detail["type"]:
        case "missing":
            return Mistake(key, _missing(location))
        case "extra_forbidden":
            known = _keys_of(location[:-1])
            where = f"key of {_path(project, location[:-1])}" if len(location) > 1 else "section"
            return Mistake(
                key, f"is not a known {where}; {_nearest(str(location[-1]), known)}known: {', '.join(sorted(known))}"
            )
        case "literal_error":
            return Mistake(
                key, f"{_plain(value)} is not allowed; use {detail.get('ctx', {})['expected'].replace(chr(39), '')}"
            )
        case "value_error":
            return Mistake(key, f"{_plain(value)} {detail.get('ctx', {})['error']}")
        case "string_pattern_mismatch":
            return Mistake(key, f"{_plain(value)} is not allowed; {_pattern_in_words(location)}")
        case "model_type" | "model_attributes_type" | "dict_type":
            return Mistake(key, f"{_plain(value)} is not allowed; write keys and values, for example {{key: value}}")
        case "list_type":
            return Mistake(key, f"{_plain(value)} is not allowed; write a list, for example [a, b]")
        case _:
            words = detail["msg"].removeprefix("Input ").replace("should be", "must be")
            return Mistake(key, f"{_plain(value)} {words[:1].lower()}{words[1:]}")


def _plain(value: str) -> str:
    return value.strip('"') or "an empty value"


def _path(project: str, location: Iterable[Any]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return f"{project}:{text.lstrip('.')}"


_EXAMPLES = {"product": "wiki", "environment": "dev", "owner": "platform"}


def _missing(location: list[Any]) -> str:
    example = _EXAMPLES.get(str(location[0])) if len(location) == 1 else None
    return f"is missing; set it, for example {location[0]}: {example}" if example else "is missing; it has no default"


def _pattern_in_words(location: list[Any]) -> str:
    match location:
        case ["owner"]:
            return "use 1 to 256 letters, digits, spaces and _.:/=+@-"
        case ["accounts", *_]:
            return "use account numbers of 12 digits, in quotation marks"
        case ["network", "stack"]:
            return "name the stack as organization/project/stack"
        case ["network", "existing", field, *_]:
            return f"use an id as AWS gives it for {field}"
        case _:
            return "use lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen"


def _keys_of(location: Iterable[Any]) -> list[str]:
    """The keys that may stand at a place in the YAML."""
    model: type[Section] | None = Settings
    in_dict = False
    for part in location:
        if isinstance(part, int) or model is None:
            continue
        if in_dict:  # a name that the user chose, such as a bucket's
            in_dict = False
            continue
        fields = {to_camel(name): info.annotation for name, info in model.model_fields.items()}
        annotation = fields.get(str(part))
        in_dict = get_origin(annotation) is dict
        model = _section_in(annotation)
    return [to_camel(name) for name in model.model_fields] if model is not None else []


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)


def _nearest(word: str, known: Iterable[str]) -> str:
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), sorted(by_lower), n=1, cutoff=0.6)
    return f"did you mean {by_lower[matches[0]]}? " if matches else ""
