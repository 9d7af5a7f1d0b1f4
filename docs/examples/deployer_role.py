"""A role with which jobs of the GitHub environment dev run `pulumi up` of the stack wiki-dev, which has one queue."""

from components.delivery.deployer_role import DeployerRole, DeployerRoleArgs

# As `python -m permissions dev --json` writes them.
policies = [
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Sqs",
                "Effect": "Allow",
                "Action": ["sqs:CreateQueue", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sqs:TagQueue"],
                "Resource": "arn:aws:sqs:ap-northeast-1:123456789012:wiki-dev-*",
            }
        ],
    }
]
args = DeployerRoleArgs(
    product="wiki",
    environment="dev",
    repository="acme/wiki",
    job_environment="dev",
    oidc_provider="arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
)
DeployerRole("wiki-ops-prod-dev", args, policies=policies)
