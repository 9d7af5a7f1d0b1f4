"""How changes get here: the role of the GitHub workflow, and the front end that Amplify builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from architecture.refusals import says
from components.delivery.amplify_app import AmplifyApp, AmplifyAppArgs
from components.delivery.deploy_role import (
    DeployedFunction,
    DeployedHost,
    DeployedService,
    DeployedSite,
    DeployRole,
    DeployRoleArgs,
)

if TYPE_CHECKING:
    import pulumi
    import pulumi_aws as aws

    from architecture.host import Host
    from architecture.platform import Platform
    from architecture.site import Site
    from components.compute.function import Function
    from settings import Settings
    from settings.delivery import DeliverySettings, FrontEndSettings


class Deployable(Protocol):
    """A service that can be given another image."""

    @property
    def arn(self) -> pulumi.Output[str]: ...
    @property
    def name(self) -> pulumi.Output[str]: ...
    @property
    def task_role(self) -> aws.iam.Role: ...
    @property
    def execution_role(self) -> aws.iam.Role: ...


class ImageRepository(Protocol):
    """Where the images of a service are kept."""

    @property
    def arn(self) -> pulumi.Output[str]: ...


class Deployables(Protocol):
    """What the deploy role is for; the application layer has it."""

    @property
    def services(self) -> Mapping[str, Deployable]: ...
    @property
    def repositories(self) -> Mapping[str, ImageRepository]: ...


@dataclass(frozen=True)
class Delivery:
    """What deploys, and what it deploys to."""

    deploy_role: DeployRole | None
    front_end: AmplifyApp | None


def build_delivery(
    settings: Settings,
    platform: Platform,
    application: Deployables | None = None,
    functions: Mapping[str, Function] | None = None,
    host: Host | None = None,
    site: Site | None = None,
) -> Delivery:
    """The deploy role of this stack's services, functions, server and site, and the front end, each where the stack's
    YAML has its section."""
    role = front_end = None
    if settings.delivery is not None:
        args = deploy_role_args(
            settings.delivery,
            settings,
            [*_repositories(application), *([host.repository.arn] if host else [])],
            [_deployed(each) for _, each in sorted(application.services.items())] if application else [],
            [shifted for _, each in sorted((functions or {}).items()) for shifted in _shifted(each)],
            [DeployedHost(name=host.server.name, document_arn=host.server.deployment_document_arn)] if host else [],
            _uploaded(settings, site),
        )
        role = DeployRole(platform.name("delivery"), args, platform.options())
    if settings.front_end is not None:
        args = front_end_args(settings.front_end, settings)
        front_end = AmplifyApp(platform.name("front-end"), args, platform.options())
    return Delivery(deploy_role=role, front_end=front_end)


def _repositories(application: Deployables | None) -> list[pulumi.Output[str]]:
    return [each.arn for _, each in sorted(application.repositories.items())] if application else []


def _uploaded(settings: Settings, site: Site | None) -> list[DeployedSite]:
    # What the stack has put there itself, a pipeline must not change behind its back.
    if site is None or site.site is None or settings.site is None or settings.site.content != "none":
        return []
    return [DeployedSite(bucket_arn=site.site.bucket.arn, distribution_arn=site.site.arn)]


def _deployed(service: Deployable) -> DeployedService:
    return DeployedService(
        service_arn=service.arn,
        # The two have one name. Not from the definition's ARN: each deployment would preview a change of this policy.
        family=service.name,
        roles=[service.task_role.arn, service.execution_role.arn],
    )


def _shifted(function: Function) -> list[DeployedFunction]:
    if function.gradual is None:
        return []
    return [
        DeployedFunction(
            function_arn=function.arn,
            application_arn=function.gradual.application_arn,
            group_arn=function.gradual.group_arn,
        )
    ]


def deploy_role_args(
    delivery: DeliverySettings,
    settings: Settings,
    image_repositories: Sequence[pulumi.Input[str]] = (),
    services: Sequence[DeployedService] = (),
    functions: Sequence[DeployedFunction] = (),
    hosts: Sequence[DeployedHost] = (),
    sites: Sequence[DeployedSite] = (),
) -> DeployRoleArgs:
    """What the stack's YAML says of the deploy role."""
    with says("delivery", {"environment": "github_environment", "provider_arn": "oidc_provider"}):
        return DeployRoleArgs(
            repository=delivery.repository,
            environment=delivery.github_environment or settings.environment,
            provider_arn=None if delivery.oidc_provider == "create" else delivery.oidc_provider,
            image_repositories=image_repositories,
            services=services,
            functions=functions,
            hosts=hosts,
            sites=sites,
        )


def front_end_args(front_end: FrontEndSettings, settings: Settings) -> AmplifyAppArgs:
    """What the stack's YAML says of the front end."""
    with says("front_end"):
        return AmplifyAppArgs(
            repository=front_end.repository,
            branch=front_end.branch,
            token_secret_arn=front_end.token_secret_arn,
            stage="PRODUCTION" if settings.environment == "prod" else "DEVELOPMENT",
            variables=front_end.variables,
            domain=front_end.domain,
            subdomain=front_end.subdomain,
        )
