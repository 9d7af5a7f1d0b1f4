"""Systems Manager."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec


def _parameters(inputs: dict[str, Any]) -> dict[str, Any]:
    """One text for the provider, a list of them for AWS."""
    given = inputs.get("parameters", {})
    return {**inputs, "parameters": {key: [value] for key, value in given.items()}}


SPECS: Final[dict[str, Spec]] = {
    "aws:ssm/document:Document": Spec(
        service="ssm",
        create=Call(operation="CreateDocument", takes={"attachmentsSources": "Attachments"}),
        id="{name}",
        autoname="name",
        outputs={"arn": "arn:{partition}:ssm:{region}:{account}:document/{name}"},
    ),
    "aws:ssm/association:Association": Spec(
        service="ssm",
        create=Call(operation="CreateAssociation", reshape=_parameters),
        id="AssociationDescription.AssociationId",
        left_out={"waitForSuccessTimeoutSeconds": "how long the provider waits"},
        validated_only=lambda _inputs: "the emulator has no State Manager",
        outputs={"associationId": "AssociationDescription.AssociationId"},
    ),
    "aws:ssm/parameter:Parameter": Spec(
        service="ssm",
        create=Call(operation="PutParameter", takes={"insecureValue": "Value"}),
        id="{name}",
        autoname="name",
        outputs={
            # A name that begins with / has none of its own after "parameter".
            "arn": lambda context: (
                context.find("arn:{partition}:ssm:{region}:{account}:parameter/") + context.inputs["name"].lstrip("/")
            ),
            "version": "Version",
        },
    ),
}
