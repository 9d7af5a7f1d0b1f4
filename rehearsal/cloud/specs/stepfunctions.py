"""Step Functions. moto reads the definition as AWS does and runs it (see rehearsal/cloud/account.py)."""

from __future__ import annotations

import json
from typing import Any, Final

from rehearsal.cloud import moto_patches
from rehearsal.cloud.creation import Call, Spec
from rehearsal.problems import RequestError


def _request(inputs: dict[str, Any]) -> dict[str, Any]:
    """A definition that can be read; and log destinations, which the provider takes as a text and AWS as a list."""
    moto_patches.apply_to_workflows()
    try:
        json.loads(inputs["definition"])
    except ValueError as error:
        raise RequestError(f"definition: is not JSON: {error}") from None
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
        create=Call(operation="CreateStateMachine", reshape=_request),
        id="stateMachineArn",
        autoname="name",
        defaults={"type": "STANDARD"},
        outputs={"arn": "stateMachineArn"},
    ),
}
