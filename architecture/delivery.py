"""How changes get here: the roles of workflows and of other stacks' deployers, the pipeline, and the front end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.pipelines import build_pipeline
from components.delivery.amplify_app import AmplifyApp
from components.delivery.deploy_role import DeployRole
from components.delivery.deployed import Deployed, DeployedFunction, DeployedHost, DeployedService, DeployedSite
from components.delivery.deployer_role import DeployerRole
from components.delivery.pipeline import Pipeline
from components.delivery.pipeline_work import role_name
from components.widgets import widgets_of

if TYPE_CHECKING:
    from architecture.application import Application
    from architecture.context import Context
    from architecture.host import Host
    from architecture.site import Site
    from components.compute.function import Function
    from components.compute.service import Service
    from components.widgets import Widget
    from settings import Settings


# t3 instances are x86, and the host runs what the API's folder makes.
HOST_SOURCE, HOST_PLATFORM = "workloads/api", "linux/amd64"


@dataclass(frozen=True)
class Delivery:
    """What deploys, and what it deploys to."""

    deploy_role: DeployRole | None
    front_end: AmplifyApp | None
    pipeline: Pipeline | None = None
    deployers: Mapping[str, DeployerRole] = field(default_factory=dict)
    """What deploys the other stacks."""
    github_variables: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """What the workflow that deploys this stack asks of its GitHub environment; nothing secret."""

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.pipeline, self.front_end)

    @property
    def outputs(self) -> dict[str, Any]:
        """What a GitHub environment's variables are filled with, and where the front end is."""
        told: dict[str, Any] = {}
        if self.deploy_role is not None:
            told["deployRoleArn"] = self.deploy_role.arn
            told["githubOidcProviderArn"] = self.deploy_role.provider_arn
            told["githubVariables"] = dict(self.github_variables)
        if self.pipeline is not None:
            told["pipelineName"] = self.pipeline.name
            # The same for the stages of a pipeline, which read the stack's outputs.
            told["githubVariables"] = dict(self.github_variables)
        if self.deployers:
            # For the variable INFRASTRUCTURE_ROLE_ARN of each GitHub environment, and `roleBoundary` of each stack.
            told["infrastructureRoleArns"] = {name: one.arn for name, one in self.deployers.items()}
            told["boundaryArns"] = {name: one.boundary_arn for name, one in self.deployers.items()}
        if self.front_end is not None:
            told["frontEndUrl"] = self.front_end.url
        return told


def build_delivery(
    ctx: Context, application: Application, functions: Mapping[str, Function], host: Host | None, site: Site | None
) -> Delivery:
    """The deploy role of this stack's services, functions, server and site, the pipeline to them, the roles that deploy
    other stacks, and the front end, each where the stack's YAML has its section."""
    role = front_end = pipeline = None
    variables: dict[str, pulumi.Input[str]] = {}
    args, deployed = ctx.settings.delivery, _deployed(ctx, application, functions, host, site)
    if args is not None or ctx.settings.pipeline is not None:
        variables = {
            "AWS_REGION": ctx.settings.region,
            **_container_variables(application),
            **_host_variables(host),
            **_site_variables(ctx.settings, site),
        }
    if args is not None:
        trusted = args.staging_of and role_name(f"{ctx.settings.product}-{args.staging_of}-pipeline", "staging")
        role = DeployRole(ctx.name("delivery"), args, deployed=deployed, pipeline_role=trusted, opts=ctx.opts)
        variables["DEPLOY_ROLE_ARN"] = role.arn
        if args.answers is not None:
            variables["ANSWERS_ADDRESS"], variables["ANSWERS_CHECKS"] = args.answers
    if ctx.settings.pipeline is not None:
        pipeline = build_pipeline(ctx, ctx.settings.pipeline, application, deployed)
    if ctx.settings.front_end is not None:
        stage = "PRODUCTION" if ctx.settings.environment == "prod" else "DEVELOPMENT"
        front_end = AmplifyApp(ctx.name("front-end"), ctx.settings.front_end, stage=stage, opts=ctx.opts)
    deployers = {
        name: DeployerRole(ctx.name(name), one, policies=one.documents, opts=ctx.opts)
        for name, one in sorted(ctx.settings.deployers.items())
    }
    return Delivery(
        deploy_role=role, front_end=front_end, pipeline=pipeline, deployers=deployers, github_variables=variables
    )


def _deployed(
    ctx: Context, application: Application, functions: Mapping[str, Function], host: Host | None, site: Site | None
) -> Deployed:
    images = [image for _, image in sorted(application.images.items())]
    return Deployed(
        image_repositories=[
            *(image.repository.arn for image in images),
            *([host.repository.arn] if host is not None else []),
        ],
        image_tags=[image.live.parameter_arn for image in images],
        services=[_service(service) for _, service in sorted(application.deployed.items())],
        functions=[shifted for _, function in sorted(functions.items()) for shifted in _shifted(function)],
        hosts=[DeployedHost(name=host.server.name, document_arn=host.server.deployment_document_arn)] if host else [],
        sites=_uploaded(ctx.settings, site),
    )


def _container_variables(application: Application) -> dict[str, pulumi.Input[str]]:
    """For deploy.yml; the words of an image are those of .github/scripts/images.sh."""
    if application.cluster is None or not application.images:
        return {}
    images = [
        pulumi.Output.concat(each.repository.name, f",{each.source},{each.platform},{each.parameter}")
        for _, each in sorted(application.images.items())
    ]
    return {
        "ECS_CLUSTER": application.cluster.name,
        # A variable of GitHub's cannot be empty; the scripts know the word.
        "ECS_SERVICES": " ".join(sorted(each.family for each in application.deployed.values())) or "none",
        "ECS_IMAGES": pulumi.Output.all(*images).apply(" ".join),
    }


def _host_variables(host: Host | None) -> dict[str, pulumi.Input[str]]:
    """For deploy-host.yml. The host itself keeps which image it runs, so that there is no parameter."""
    if host is None:
        return {}
    return {
        "HOST_NAME": host.server.name,
        "HOST_DOCUMENT": host.server.deployment_document,
        "HOST_IMAGE": pulumi.Output.concat(host.repository.name, f",{HOST_SOURCE},{HOST_PLATFORM}"),
    }


def _site_variables(settings: Settings, site: Site | None) -> dict[str, pulumi.Input[str]]:
    if site is None or site.site is None or not _uploaded(settings, site):
        return {}
    return {"SITE_BUCKET": site.site.bucket.name, "SITE_DISTRIBUTION": site.site.distribution_id}


def _uploaded(settings: Settings, site: Site | None) -> list[DeployedSite]:
    # What the stack has put there itself, a pipeline must not change behind its back.
    if site is None or site.site is None or settings.site is None or settings.site.content is not None:
        return []
    return [DeployedSite(bucket_arn=site.site.bucket.arn, distribution_arn=site.site.arn)]


def _service(service: Service) -> DeployedService:
    return DeployedService(
        service_arn=service.arn,
        # Not from the definition's ARN: each deployment would preview a change of this policy.
        family=service.family,
        roles=[service.task_role.arn, service.execution_role.arn],
    )


def _shifted(function: Function) -> list[DeployedFunction]:
    if function.traffic_shifting is None:
        return []
    return [
        DeployedFunction(
            function_arn=function.arn,
            application_arn=function.traffic_shifting.application_arn,
            group_arn=function.traffic_shifting.group_arn,
        )
    ]
