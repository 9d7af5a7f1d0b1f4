"""The settings of a stack: read once from its YAML, checked whole, every mistake named at once.

`Settings.load()` reads what the Pulumi engine passes on from `Pulumi.<stack>.yaml`. A section that is left out means
that the part does not exist. Sizes and switches only; secrets have no place here. One file for each layer's sections.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import pulumi
import pulumi.runtime
from pulumi.runtime import config as pulumi_config
from pydantic import Field, ValidationError, model_validator

from components import errors
from components.args import EXAMPLES, FROM_YAML, Args, as_far_as_known, found_by, in_yaml, known, mistakes_of_known
from components.compute.counted import NAMESPACE
from components.compute.log_router import LogRouterArgs
from components.data.bucket import BucketArgs
from components.data.cache_args import CacheArgs
from components.data.parameters import ParameterTreeArgs
from components.data.secrets import Secret
from components.data.table_args import TableArgs
from components.delivery.amplify_app import AmplifyAppArgs
from components.edge.web_acl import WebAclArgs
from components.errors import nearest
from components.identity.user_pool_args import UserPoolArgs
from components.messaging.queue import QueueArgs
from components.operations.backup import BackupArgs
from components.operations.office_hours import OfficeHoursArgs
from components.operations.topics import TopicsArgs
from components.operations.tracing import TracingArgs
from components.spelling import to_camel
from components.values import AccountId, Environment, Name, Region, text
from settings import (
    analytics,
    apis,
    application,
    backups,
    baseline,
    cost,
    data,
    database_copies,
    defaults,
    delivery,
    edge,
    functions,
    host,
    lake,
    messaging,
    models,
    names,
    network,
    observability,
    office_hours,
    recovery,
    residency,
    search,
    simple_service,
    site,
    storage,
    tracing,
    twins,
    users,
)
from settings.analytics import LogAnalyticsSettings
from settings.apis import ApiSettings
from settings.application import ClusterSettings, ServiceSettings
from settings.baseline import BaselineSettings
from settings.cost import CostGuardSettings, ExpectedSettings
from settings.data import DatabaseSettings
from settings.database_copies import DatabaseCopySettings
from settings.delivery import BuildSettings, DeliverySettings, DeployerSettings, PipelineSettings
from settings.edge import DomainSettings, LoadBalancerSettings
from settings.free_tier import FreeTier
from settings.functions import FunctionSettings
from settings.host import HostSettings
from settings.lake import LakeSettings
from settings.messaging import WorkflowSettings
from settings.mistakes import Mistake, SettingsError, of_argument
from settings.models import ModelAccessSettings
from settings.network import NetworkSettings
from settings.recovery import RecoverySettings
from settings.residency import ResidencySettings
from settings.search import KnowledgeBaseSettings, VectorCollectionSettings
from settings.simple_service import SimpleServiceSettings
from settings.site import SiteSettings
from settings.storage import KeySettings, LogArchiveSettings, LogSettings

__all__ = ["Mistake", "Settings", "SettingsError"]

_PARTS = (
    names,
    network,
    storage,
    data,
    edge,
    messaging,
    models,
    observability,
    tracing,
    delivery,
    baseline,
    analytics,
    database_copies,
    application,
    simple_service,
    site,
    cost,
    functions,
    host,
    backups,
    recovery,
    residency,
    search,
    users,
    apis,
    lake,
    office_hours,
)
"""Each knows which of its settings cannot work together."""

_READ_BY_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    # https://www.pulumi.com/docs/iac/concepts/config/
    "pulumi": ("autonaming", "disable-default-providers", "tags", "template"),
    # The policy pack's.
    "policy": ("exemptions",),
}
"""Namespaces besides the project's own, and their keys: they may get more, so only what looks like one is judged."""


class Settings(Args):
    """Everything that a stack's YAML says."""

    product: Name
    environment: Environment
    owner: Annotated[str, text(r"[\w .:/=+@-]{1,256}", "use 1 to 256 letters, digits, spaces and _.:/=+@-")]
    region: Region = "ap-northeast-1"
    residency: ResidencySettings = ResidencySettings()
    accounts: list[AccountId] = []
    """The accounts to which this stack may be deployed; empty means any."""
    free_tier: FreeTier = None
    retention: Literal["protected", "ephemeral"] = "protected"
    logs: LogSettings = LogSettings()
    keys: KeySettings = KeySettings()
    network: NetworkSettings | None = None
    log_archive: LogArchiveSettings | None = None
    buckets: dict[Name, BucketArgs] = {}
    database: DatabaseSettings | None = None
    domain: DomainSettings | None = None
    load_balancer: LoadBalancerSettings | None = None
    alerts: TopicsArgs | None = None
    tracing: TracingArgs | None = None
    queues: dict[Name, QueueArgs] = {}
    workflows: dict[Name, WorkflowSettings] = {}
    model_access: ModelAccessSettings | None = None
    vector_collections: dict[Name, VectorCollectionSettings] = {}
    knowledge_bases: dict[Name, KnowledgeBaseSettings] = {}
    cache: CacheArgs | None = None
    tables: dict[Name, TableArgs] = {}
    secrets: dict[Name, Secret] = {}
    parameters: ParameterTreeArgs | None = None
    delivery: DeliverySettings | None = None
    deployers: dict[Name, DeployerSettings] = {}
    role_boundary: (
        Annotated[
            str,
            text(r"arn:aws[a-z-]*:iam::\d{12}:policy/[\w+=,.@/-]{1,512}", "use arn:aws:iam::<account>:policy/<name>"),
        ]
        | None
    ) = None
    """The permissions boundary of every role of the stack, as the stack with its deployer tells it (boundaryArns)."""
    build: BuildSettings | None = None
    pipeline: PipelineSettings | None = None
    front_end: AmplifyAppArgs | None = None
    baseline: BaselineSettings | None = None
    backup: BackupArgs | None = None
    recovery: RecoverySettings | None = None
    user_pool: UserPoolArgs | None = None
    log_analytics: LogAnalyticsSettings | None = None
    lake: LakeSettings | None = None
    cost_guard: CostGuardSettings | None = None
    database_copy: DatabaseCopySettings | None = None
    office_hours: OfficeHoursArgs | None = None
    expected: ExpectedSettings = ExpectedSettings()
    cluster: ClusterSettings = ClusterSettings()
    log_router: LogRouterArgs = LogRouterArgs()
    services: dict[Name, ServiceSettings] = {}
    simple_service: SimpleServiceSettings | None = None
    functions: dict[Name, FunctionSettings] = {}
    function_quota: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """The concurrent executions of Lambda that the account has in the region; needed where a function holds some. The
    upper bound is no limit of AWS's: what is more has been mistyped."""
    apis: dict[Name, ApiSettings] = {}
    api_log_role: Literal["create", "adopt"] = "create"
    """Who makes the role by which REST and WebSocket APIs write logs: one in each region of an account."""
    host: HostSettings | None = None
    site: SiteSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _takes_from_the_stack(cls, data: Any) -> Any:
        return defaults.spread(cls, data) if isinstance(data, Mapping) else data

    @property
    def stem(self) -> str:
        """`{product}-{environment}`, with which every name begins."""
        return f"{self.product}-{self.environment}"

    @property
    def path(self) -> str:
        """`/{product}/{environment}`, under which the parameters of the stack are."""
        return f"/{self.product}/{self.environment}"

    @property
    def own_keys(self) -> bool:
        """Whether the stack encrypts with keys of its own."""
        return not self.free_tier if self.keys.own is None else self.keys.own

    @property
    def has_cluster(self) -> bool:
        """Whether anything of the stack runs in a cluster."""
        return bool(self.services) or (self.simple_service is not None and self.simple_service.kind == "express")

    @property
    def writes_logs(self) -> bool:
        """Whether any part of the stack has a CloudWatch log group."""
        network_logs = self.network is not None and self.network.logs_to_cloudwatch
        stores = self.database or self.cache
        runs = (
            self.has_cluster
            or self.workflows
            or self.functions
            or self.apis
            or self.build
            or self.host
            or self.pipeline
        )
        trail = self.baseline is not None and self.baseline.trail_logs
        asked = self.model_access is not None and self.model_access.creates_logs
        # A function creates the indexes of a collection, and a workflow fills a knowledge base.
        found = self.vector_collections or self.knowledge_bases
        return network_logs or trail or asked or bool(self.firewall or stores or runs or found)

    @property
    def keeps_data(self) -> bool:
        """Whether any part of the stack encrypts data at rest with the stack's key for data."""
        stores = self.buckets or self.database or self.cache or self.tables or self.secrets or self.vector_collections
        runs = self.services or self.simple_service or self.functions or self.build or self.pipeline or self.host
        return bool(
            stores or self.parameters or runs or self.has_origin_secret or self.gated_apis or self.has_second_door
        )

    @property
    def traced(self) -> list[str]:
        """What sends traces, by name."""
        return tracing.traced(self)

    @property
    def copies_buckets(self) -> bool:
        """Whether a bucket has a copy in another region."""
        return any(bucket.replicate_to for bucket in self.buckets.values())

    @property
    def copies_region(self) -> str | None:
        """The region in which copies are kept: one for all of them, or none."""
        return next((region for _, region in storage.copies(self)), None)

    @property
    def has_origin_secret(self) -> bool:
        """Whether the load balancer wants to see a secret: where CloudFront alone gets to it, whose addresses are
        everybody's, or an API that the site leads to. A distribution that is not this stack's site reads the secret
        from the Parameter Store."""
        balancer = self.load_balancer
        if balancer is None or balancer.from_cloudfront:
            return balancer is not None
        return balancer.internal and bool(self.private_apis)

    @property
    def has_second_door(self) -> bool:
        """Whether the load balancer answers everybody, and the site leads to it as well: its firewall then knows by the
        site's secret what was counted there."""
        return self.firewall is not None and self.is_behind_site("loadBalancer")

    @property
    def private_apis(self) -> list[str]:
        """The APIs through which the site alone gets to the load balancer: they pass on the secret that it shows."""
        return [name for name in self.apis_into_vpc if self.is_behind_site(f"apis.{name}")]

    @property
    def apis_into_vpc(self) -> list[str]:
        """The APIs that lead to the load balancer, by one link into the VPC."""
        return [name for name, api in self.apis.items() if api.kind == "http" and api.uses_load_balancer]

    @property
    def gated_apis(self) -> list[str]:
        """The REST APIs that answer the site alone, because it has the firewall. AWS WAF does not stand before other
        kinds, nor do they ask for a header; what stands behind them may (`private_apis`)."""
        if self.site is None or self.site.firewall is None:
            return []
        return [name for name, api in self.apis.items() if api.kind == "rest" and self.is_behind_site(f"apis.{name}")]

    @property
    def site_needs_servers(self) -> bool:
        """Whether the site leads to services or the host, by way of the load balancer or an API or not."""
        behind = {f"apis.{name}" for name in self.apis_into_vpc} | {"loadBalancer", "host"}
        return self.site is not None and any(origin.source in behind for origin in self.site.origins.values())

    def is_behind_site(self, source: str) -> bool:
        """Whether the site leads to this part of the stack: loadBalancer, host or apis.<name>."""
        return self.site is not None and any(origin.source == source for origin in self.site.origins.values())

    @property
    def firewall(self) -> WebAclArgs | None:
        """The web firewall before the load balancer; none behind CloudFront or API Gateway, whose few addresses it
        would count."""
        balancer = self.load_balancer
        if balancer is None or balancer.may_ask_for_secret:
            return None
        if "firewall" in balancer.model_fields_set:
            return balancer.firewall
        return WebAclArgs(log_retention_days=self.logs.retention_days)

    @property
    def has_us_east_metrics(self) -> bool:
        """Whether an alarm must be in us-east-1, where the metrics of services without a region are."""
        billing = self.cost_guard is not None and self.cost_guard.billing_alarm
        return billing or self.site is not None or (self.domain is not None and self.domain.dnssec)

    @property
    def metrics_namespaces(self) -> list[str]:
        """Where CloudWatch keeps what programs count."""
        programs = (*self.functions.values(), *self.services.values())
        return sorted({one.environment[NAMESPACE] for one in programs if NAMESPACE in one.environment})

    @staticmethod
    def load() -> Settings:
        """The settings of the stack that runs, as the engine (or a test, by `set_all_config`) passes them."""
        config = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
        secrets = {key for key in config if pulumi_config.is_config_secret(key)}
        project, stack = pulumi.get_project(), pulumi.get_stack()
        root = pulumi.runtime.get_root_directory()
        files = twins.read(Path(root), project) if root else {}
        return Settings.parse(
            config,
            project=project,
            stack=stack,
            secrets=secrets | set(pulumi_config.get_config_secret_keys_env()),
            others={name: file for name, file in files.items() if name != stack},
        )

    @staticmethod
    def parse(
        config: Mapping[str, Any],
        *,
        project: str = "kumiki",
        stack: str = "dev",
        secrets: Iterable[str] = (),
        others: twins.Files | None = None,
    ) -> Settings:
        """The settings in `config`, whose values are strings (objects as JSON), or all mistakes in them. `others` are
        the files of the project's other stacks."""
        hidden = set(secrets)
        mistakes = [
            Mistake(
                key, f"is not read: this program uses one provider of its own; set {project}:region and remove this key"
            )
            for key in sorted(config)
            if key.startswith("aws:")
        ]
        mistakes += _read_by_nobody(config, project)
        sections: dict[str, Any] = {}
        for key, value in sorted(config.items()):
            namespace, _, name = key.partition(":")
            if namespace != project:
                continue
            sections[name] = _decoded(name, value)
            if key in hidden:
                mistakes.append(Mistake(key, "is a secret; the settings hold none, store it without --secret"))
        settings, wrong = _judged(sections)
        mistakes += [of_argument(project, mistake, hidden) for mistake in wrong]
        combinations = [found for part in _PARTS for found in as_far_as_known(part.combinations(settings))]
        combinations += as_far_as_known(twins.of(settings, others or {}))
        mistakes += [Mistake(f"{project}:{key}", message) for key, message in combinations]
        if mistakes:
            raise SettingsError(stack, mistakes, "" if sections else _smallest(project, stack))
        return settings


def _smallest(project: str, stack: str) -> str:
    """For a file in which nothing is said yet."""
    least = [
        f"    {project}:{name}: {EXAMPLES[name]}"
        for name, field in Settings.model_fields.items()
        if field.is_required()
    ]
    return "\n".join([f"  the smallest Pulumi.{stack}.yaml:", "  config:", *least])


def _judged(sections: Mapping[str, Any]) -> tuple[Settings, list[errors.Mistake]]:
    """The settings in `sections`, as far as they are right, and what is wrong with the rest."""
    try:
        return Settings.model_validate(sections, context=FROM_YAML), []
    except ValidationError as error:
        settings = known(Settings, defaults.spread(Settings, sections))
        assert isinstance(settings, Settings)
        further = [in_yaml(Settings, mistake) for mistake in mistakes_of_known(settings)]
        return settings, [*found_by(Settings, error), *further]


def _read_by_nobody(config: Iterable[str], project: str) -> Iterator[Mistake]:
    """Keys of namespaces that are nobody's, most of them misspelt: without a word, their sections would not exist."""
    for key in sorted(config):
        namespace, _, name = key.partition(":")
        known = _READ_BY_OTHERS.get(namespace)
        if namespace == project or (known is not None and name in known):
            continue
        if known is not None:
            hint = nearest(name, known)
            if hint:
                yield Mistake(key, f"is not read; {hint}keys of {namespace} are: {', '.join(known)}")
        elif importlib.util.find_spec(re.sub(r"\W", "_", f"pulumi_{namespace}")) is None:
            # What a provider is told by its namespace is the provider's; there is none of this name.
            hint = nearest(key, [f"{one}:{name}" for one in (project, *_READ_BY_OTHERS)])
            yield Mistake(
                key,
                f"is in a namespace that nobody reads; {hint}namespaces are {project}, {', '.join(_READ_BY_OTHERS)} "
                "and those of the installed providers",
            )


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
    if isinstance(annotation, type) and issubclass(annotation, Args):
        return True
    return get_origin(annotation) in {list, dict} or any(
        _is_nested(part) for part in get_args(annotation) if isinstance(part, type) or get_args(part)
    )
