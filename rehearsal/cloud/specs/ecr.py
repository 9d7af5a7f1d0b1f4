"""Image repositories."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

SPECS: Final[dict[str, Spec]] = {
    "aws:ecr/repository:Repository": Spec(
        service="ecr",
        create=Call(
            operation="CreateRepository",
            takes={"name": "repositoryName", "encryptionConfigurations": "encryptionConfiguration"},
        ),
        id="{name}",
        autoname="name",
        left_out={"forceDelete": "read by the provider on deletion"},
        outputs={
            "arn": "repository.repositoryArn",
            "registryId": "repository.registryId",
            "repositoryUrl": "repository.repositoryUri",
        },
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Spec(
        service="ecr",
        create=Call(
            operation="PutLifecyclePolicy", takes={"repository": "repositoryName", "policy": "lifecyclePolicyText"}
        ),
        id="{repository}",
        outputs={"registryId": "registryId"},
    ),
}
