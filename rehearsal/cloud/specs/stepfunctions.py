"""Step Functions. moto reads the definition as AWS does and runs it (see rehearsal/cloud/account.py)."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud import mends
from rehearsal.cloud.creation import Call, Spec


def _logging(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider takes one destination as a text, AWS a list of structures."""
    mends.apply_to_workflows()
    if "loggingConfiguration" not in inputs:
        return inputs
    logging = dict(inputs["loggingConfiguration"])
    destination = logging.pop("logDestination", None)
    if destination is not None:
        logging["destinations"] = [{"cloudWatchLogsLogGroup": {"logGroupArn": destination}}]
    return {**inputs, "loggingConfiguration": logging}


SPECS: Final[dict[str, Spec]] = {
    "aws:sfn/stateMachine:StateMachine": Spec(
        service="stepfunctions",
        create=Call(operation="CreateStateMachine", reshape=_logging),
        id="stateMachineArn",
        autoname="name",
        defaults={"type": "STANDARD"},
        outputs={"arn": "stateMachineArn"},
    ),
}
