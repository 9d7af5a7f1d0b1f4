"""What a deployment brings: services, functions, hosts and a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi


@dataclass(frozen=True, kw_only=True)
class DeployedService:
    """An ECS service that may be given another image."""

    service_arn: pulumi.Input[str]
    """The service."""

    family: pulumi.Input[str]
    """The family of its task definitions; new revisions may be registered in it."""

    roles: Sequence[pulumi.Input[str]]
    """The ARNs of its task role and its execution role: the only ones that a new revision may name."""


@dataclass(frozen=True, kw_only=True)
class DeployedFunction:
    """A function whose alias CodeDeploy moves to new versions."""

    function_arn: pulumi.Input[str]
    """The function."""

    application_arn: pulumi.Input[str]
    """Its CodeDeploy application."""

    group_arn: pulumi.Input[str]
    """The deployment group in it, which knows when to go back."""


@dataclass(frozen=True, kw_only=True)
class DeployedHost:
    """A server that may be told to run another image."""

    name: str
    """Its tag `Name`, which stays when the instance is replaced."""

    document_arn: pulumi.Input[str]
    """The SSM document that brings the image; no other may be sent."""


@dataclass(frozen=True, kw_only=True)
class DeployedSite:
    """A site whose files may be replaced."""

    bucket_arn: pulumi.Input[str]
    """Where its files are."""

    distribution_arn: pulumi.Input[str]
    """What keeps copies of them, and may be told to drop those."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What the role may deploy to, and nothing more."""

    image_repositories: Sequence[pulumi.Input[str]] = ()
    """ARNs of the ECR repositories to which images may be pushed."""

    image_tags: Sequence[pulumi.Input[str]] = ()
    """ARNs of the SSM parameters that say which images run."""

    services: Sequence[DeployedService] = ()
    """The services that may be updated."""

    functions: Sequence[DeployedFunction] = ()
    """The functions whose calls may be moved to versions that an update of the stack has published."""

    hosts: Sequence[DeployedHost] = ()
    """The servers that may be given another image."""

    sites: Sequence[DeployedSite] = ()
    """The sites that may be given another front end."""


NOTHING: Final = Deployed()
