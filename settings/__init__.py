"""The settings of a stack: read once from its YAML, checked whole, every mistake named at once.

`Settings.load()` reads what the Pulumi engine passes on from `Pulumi.<stack>.yaml`. A section that is left out means
that the part does not exist. Sizes and switches only; secrets have no place here. One file for each layer's sections.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import pulumi
import pulumi.runtime
from pulumi.runtime import config as pulumi_config
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from settings import (
    analytics,
    apis,
    application,
    baseline,
    copies,
    cost,
    data,
    delivery,
    edge,
    functions,
    host,
    lake,
    messaging,
    names,
    network,
    observability,
    recovery,
    site,
    storage,
    users,
)
from settings.analytics import LogAnalyticsSettings
from settings.apis import ApiSettings
from settings.application import ClusterSettings, LogRouterSettings, ServiceSettings
from settings.baseline import BaselineSettings
from settings.copies import DatabaseCopySettings
from settings.cost import CostGuardSettings, ExpectedSettings
from settings.data import CacheSettings, DatabaseSettings, ParameterSettings, SecretSettings, TableSettings
from settings.delivery import BuildSettings, DeliverySettings, FrontEndSettings
from settings.edge import DomainSettings, LoadBalancerSettings
from settings.functions import FunctionSettings
from settings.host import HostSettings
from settings.lake import LakeSettings
from settings.messaging import QueueSettings, WorkflowSettings
from settings.mistakes import Mistake, SettingsError, in_our_words
from settings.network import NetworkSettings
from settings.observability import AlertSettings
from settings.recovery import BackupSettings
from settings.section import AccountId, Environment, Name, Region, Section, text
from settings.site import SiteSettings
from settings.storage import BucketSettings, KeySettings, LogArchiveSettings, LogSettings
from settings.users import UserPoolSettings

__all__ = ["Mistake", "Settings", "SettingsError"]

_PARTS = (
    names,
    network,
    storage,
    data,
    edge,
    messaging,
    observability,
    delivery,
    baseline,
    analytics,
    copies,
    application,
    site,
    cost,
    functions,
    host,
    recovery,
    users,
    apis,
    lake,
)
"""Each knows which of its settings cannot work together."""


class Settings(Section):
    """Everything that a stack's YAML says."""

    product: Name
    environment: Environment
    owner: Annotated[str, text(r"[\w .:/=+@-]{1,256}", "use 1 to 256 letters, digits, spaces and _.:/=+@-")]
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
    database: DatabaseSettings | None = None
    domain: DomainSettings | None = None
    load_balancer: LoadBalancerSettings | None = None
    alerts: AlertSettings | None = None
    queues: dict[Name, QueueSettings] = {}
    workflows: dict[Name, WorkflowSettings] = {}
    cache: CacheSettings | None = None
    tables: dict[Name, TableSettings] = {}
    secrets: dict[Name, SecretSettings] = {}
    parameters: ParameterSettings | None = None
    delivery: DeliverySettings | None = None
    build: BuildSettings | None = None
    front_end: FrontEndSettings | None = None
    baseline: BaselineSettings | None = None
    backup: BackupSettings | None = None
    user_pool: UserPoolSettings | None = None
    log_analytics: LogAnalyticsSettings | None = None
    lake: LakeSettings | None = None
    cost_guard: CostGuardSettings | None = None
    database_copy: DatabaseCopySettings | None = None
    expected: ExpectedSettings = ExpectedSettings()
    cluster: ClusterSettings = ClusterSettings()
    log_router: LogRouterSettings = LogRouterSettings()
    services: dict[Name, ServiceSettings] = {}
    functions: dict[Name, FunctionSettings] = {}
    apis: dict[Name, ApiSettings] = {}
    api_log_role: Literal["create", "adopt"] = "create"
    """Who makes the role by which REST and WebSocket APIs write logs: one in each region of an account."""
    host: HostSettings | None = None
    site: SiteSettings | None = None

    @property
    def own_keys(self) -> bool:
        """Whether the stack encrypts with keys of its own."""
        return not self.free_tier if self.keys.own is None else self.keys.own

    @property
    def writes_logs(self) -> bool:
        """Whether any part of the stack has a CloudWatch log group."""
        network_logs = self.network is not None and self.network.logs_to_cloudwatch
        stores = self.database or self.cache
        runs = self.services or self.workflows or self.functions or self.apis or self.build or self.host
        return network_logs or self.has_firewall or bool(stores or runs)

    @property
    def keeps_data(self) -> bool:
        """Whether any part of the stack encrypts data at rest with the stack's key for data."""
        stores = self.buckets or self.database or self.cache or self.tables or self.secrets
        runs = self.services or self.functions or self.build or self.host
        return bool(stores or self.parameters or runs or self.has_origin_secret)

    @property
    def has_origin_secret(self) -> bool:
        """Whether the load balancer wants to see a secret, because this stack's site is the only way to it."""
        if self.site is None or self.load_balancer is None or self.load_balancer.allow_from != ["cloudFront"]:
            return False
        return any(origin.source == "loadBalancer" for origin in self.site.origins.values())

    @property
    def has_firewall(self) -> bool:
        """Whether a web firewall stands before the load balancer."""
        return self.load_balancer is not None and self.load_balancer.firewall is not None

    @property
    def has_us_east_metrics(self) -> bool:
        """Whether an alarm must be in us-east-1, where the metrics of services without a region are."""
        billing = self.cost_guard is not None and self.cost_guard.billing_alarm
        return billing or self.site is not None

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
            mistakes += [in_our_words(Settings, project, detail, hidden) for detail in details]
            raise SettingsError(stack, mistakes) from None
        combinations = (found for part in _PARTS for found in part.combinations(settings))
        mistakes += [Mistake(f"{project}:{key}", message) for key, message in combinations]
        if mistakes:
            raise SettingsError(stack, mistakes)
        return settings


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
