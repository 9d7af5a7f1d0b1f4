"""The setting, one in each region of an account, by which API Gateway may write logs of REST and WebSocket APIs.

AWS refuses the stage of such an API a log while the region has no such role; HTTP APIs need none. The setting is the
account's, not the API's: whoever destroys the stack that made it takes it from all others. Where stacks share an
account, one creates it and the others adopt it.

Use: logs = ApiLogRole("talk-dev-api-logs", ApiLogRoleArgs())
     RestApi(…, log_role=logs)
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..policy import document, statement, trust_of_service


class ApiLogRoleArgs(ComponentArgs):
    """The role and the setting cost nothing, and there is nothing to decide."""


class ApiLogRole(Component):
    """A role that API Gateway takes to write logs, and the setting that names it."""

    CHILDREN = ("role", "policy", "setting")

    setting: aws.apigateway.Account
    """What stages must wait for."""

    def __init__(self, name: str, args: ApiLogRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        child = self._child
        account = Account.of(self)
        role = aws.iam.Role(
            f"{name}-role",
            description="Lets API Gateway write the logs of this account's APIs.",
            # Without conditions: AWS tries the role when it is set, and documents none that would hold then.
            assume_role_policy=trust_of_service("AssumedByApiGateway", "apigateway.amazonaws.com"),
            opts=child("role"),
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.id,
            # What AWS's own policy AmazonAPIGatewayPushToCloudWatchLogs allows, which AWS tries when the role is set;
            # here for the logs of one region. The names of execution logs are AWS's choice.
            policy=document(
                statement(
                    "WriteLogs",
                    actions=[
                        "logs:CreateLogGroup",
                        "logs:CreateLogStream",
                        "logs:DescribeLogGroups",
                        "logs:DescribeLogStreams",
                        "logs:FilterLogEvents",
                        "logs:GetLogEvents",
                        "logs:PutLogEvents",
                    ],
                    resources=account.arn("logs", "*"),
                )
            ),
            opts=child("policy"),
        )
        self.setting = aws.apigateway.Account(
            f"{name}-setting", cloudwatch_role_arn=role.arn, opts=child("setting", depends_on=[policy])
        )
        self.register_outputs({"roleArn": role.arn})
