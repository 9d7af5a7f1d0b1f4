"""How another image comes to a host: a document of Systems Manager that runs there."""

from __future__ import annotations

import json
from typing import Final

import pulumi
import pulumi_aws as aws

from .host_user_data import SCRIPT

DEPLOYMENT: Final = {
    "schemaVersion": "2.2",
    "description": "Bring another image of the application: migrate, start, look, and go back if it does not answer",
    "parameters": {
        "tag": {
            "type": "String",
            "description": "The tag of the image",
            # Anything else could be more than a tag: the parameter becomes part of a command.
            "allowedPattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$",
        }
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "deploy",
            "precondition": {"StringEquals": ["platformType", "Linux"]},
            "inputs": {"runCommand": [f"{SCRIPT} deploy '{{{{ tag }}}}'"], "timeoutSeconds": "1500"},
        }
    ],
}


def make_deployment(prefix: str, opts: pulumi.ResourceOptions) -> aws.ssm.Document:
    """A document of its own: whoever may send it can bring another tag of this image, and run nothing else."""
    return aws.ssm.Document(
        f"{prefix}-deployment",
        name=f"{prefix}-deploy",
        document_type="Command",
        document_format="JSON",
        target_type="/AWS::EC2::Instance",
        content=json.dumps(DEPLOYMENT, sort_keys=True),
        opts=opts,
    )
