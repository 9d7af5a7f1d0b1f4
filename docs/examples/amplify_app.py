"""The front end of the branch main, at www.example.com."""

from components.delivery.amplify_app import AmplifyApp, AmplifyAppArgs

kept = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:github-token-AbCdEf"
args = AmplifyAppArgs(
    repository="acme/wiki-web",
    token_secret_arn=kept,
    domain="example.com",
    subdomain="www",
)
AmplifyApp("wiki-dev-front-end", args, stage="PRODUCTION")
