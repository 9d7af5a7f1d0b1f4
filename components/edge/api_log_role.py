"""The setting, one in each region of an account, by which API Gateway may write logs of REST and WebSocket APIs.

AWS refuses the stage of such an API a log while the region has no such role; HTTP APIs need none. The setting is the
account's, not the API's: whoever destroys the stack that made it takes it from all others. Where stacks share an
account, one creates it and the others adopt it.

Use: logs = ApiLogRole("talk-dev-api-logs", ApiLogRoleArgs())
     RestApi(…, RestApiArgs(log_role=logs.setting, …))
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children, Transform
from components.policy import document, statement


@dataclass(frozen=True, kw_only=True)
class ApiLogRoleArgs:
    """What the caller decides: nothing. It costs nothing."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""


class ApiLogRole(pulumi.ComponentResource):
    """A role that API Gateway takes to write logs, and the setting that names it."""

    CHILDREN = ("role", "policy", "setting")

    setting: aws.apigateway.Account
    """What stages must wait for."""

    def __init__(self, name: str, args: ApiLogRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:edge:ApiLogRole", name, None, opts)
        child = Children(self, args.transform, self.CHILDREN)
        account = Account.of(self)
        role = aws.iam.Role(
            f"{name}-role",
            description="Lets API Gateway write the logs of this account's APIs.",
            # Without conditions: AWS tries the role when it is set, and documents none that would hold then.
            assume_role_policy=document(
                {
                    "Sid": "AssumedByApiGateway",
                    "Effect": "Allow",
                    "Principal": {"Service": "apigateway.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ),
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
