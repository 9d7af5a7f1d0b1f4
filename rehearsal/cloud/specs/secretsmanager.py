"""Secrets, their values and their rotation."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec


def _rules(inputs: dict[str, Any]) -> dict[str, Any]:
    if "rotationLambdaArn" not in inputs:
        return inputs
    return {
        **{k: v for k, v in inputs.items() if k != "rotationLambdaArn"},
        "RotationLambdaARN": inputs["rotationLambdaArn"],
    }


SPECS: Final[dict[str, Spec]] = {
    "aws:secretsmanager/secret:Secret": Spec(
        service="secretsmanager",
        create=Call(operation="CreateSecret"),
        id="ARN",
        autoname="name",
        left_out={"recoveryWindowInDays": "read by the provider on deletion"},
        then=[
            Call(
                operation="PutResourcePolicy",
                takes={"policy": "ResourcePolicy"},
                fixed={"SecretId": "{id}"},
            )
        ],
        outputs={"arn": "ARN"},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Spec(
        service="secretsmanager",
        create=Call(operation="PutSecretValue"),
        id=lambda context: f"{context.inputs['secretId']}|{context.response['VersionId']}",
        outputs={"arn": "ARN", "versionId": "VersionId"},
    ),
    "aws:secretsmanager/secretRotation:SecretRotation": Spec(
        service="secretsmanager",
        create=Call(operation="RotateSecret", reshape=_rules),
        id="{secretId}",
        outputs={"rotationEnabled": lambda _making: True},
    ),
}
