"""Systems Manager."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

SPECS: Final[dict[str, Spec]] = {
    "aws:ssm/parameter:Parameter": Spec(
        service="ssm",
        create=Call(operation="PutParameter", takes={"insecureValue": "Value"}),
        id="{name}",
        autoname="name",
        outputs={
            # A name that begins with / has none of its own after "parameter".
            "arn": lambda making: (
                making.find("arn:{partition}:ssm:{region}:{account}:parameter/") + making.inputs["name"].lstrip("/")
            ),
            "version": "Version",
        },
    ),
}
