"""CodeDeploy: applications and their groups. moto keeps them and shifts nothing."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec


def _named(inputs: dict[str, Any]) -> dict[str, Any]:
    """Alarms are names in the program, and objects with a name in the request."""
    alarms = inputs.get("alarmConfiguration")
    if alarms is None:
        return inputs
    return {**inputs, "alarmConfiguration": {**alarms, "alarms": [{"name": name} for name in alarms.get("alarms", [])]}}


SPECS: Final[dict[str, Spec]] = {
    "aws:codedeploy/application:Application": Spec(
        service="codedeploy",
        create=Call(operation="CreateApplication", takes={"name": "applicationName"}),
        id="applicationId",
        autoname="name",
        outputs={
            "applicationId": "applicationId",
            "arn": "arn:{partition}:codedeploy:{region}:{account}:application:{name}",
        },
    ),
    "aws:codedeploy/deploymentGroup:DeploymentGroup": Spec(
        service="codedeploy",
        create=Call(
            operation="CreateDeploymentGroup",
            takes={"appName": "applicationName"},
            reshape=_named,
        ),
        id="deploymentGroupId",
        outputs={
            "deploymentGroupId": "deploymentGroupId",
            "arn": "arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:{appName}/{deploymentGroupName}",
        },
    ),
}
