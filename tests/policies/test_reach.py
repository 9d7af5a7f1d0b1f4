"""Who reaches whom, told from a graph of which perhaps nothing is known but who depends on whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from guardrails.kit import UNKNOWN, aws, example, ref
from guardrails.kit.reach import INTERNET, Reach
from guardrails.kit.resources import Graph
from guardrails.kit.values import Props

FILES = aws("s3/bucket:Bucket", name="files")
FUNCTION = aws("lambda/function:Function", {"role": ref("role")}, name="function")
HOST = (
    aws("iam/instanceProfile:InstanceProfile", {"role": ref("role")}, name="profile"),
    aws("ec2/instance:Instance", {"iamInstanceProfile": ref("profile")}, name="host"),
)


def policy(action: str, store: str) -> tuple[Any, ...]:
    """A role and what it may do with one store, whose ARN is an output."""
    props = {"role": ref("role"), "policy": [ref(store, "arn")], "name": action}
    return (
        aws("iam/role:Role", {"assumeRolePolicy": "{}"}, name="role"),
        aws("iam/rolePolicy:RolePolicy", props, name="policy"),
    )


def reach(*resources: Any, preview: bool = False) -> Reach:
    made = []
    for one in example(*resources).made():
        if one.kind == "aws:iam/rolePolicy:RolePolicy":
            # The document as the program would have written it; in a preview a whole text is unknown.
            statement = {"Effect": "Allow", "Action": one.props.text("name"), "Resource": "arn:aws:x:::y"}
            text = UNKNOWN if preview else json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            object.__setattr__(one, "props", Props({**one.props.raw, "policy": text}))
        made.append(one)
    return Reach(Graph(made))


def hops(found: Reach) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.by) for edge in found.edges}


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize(("caller", "name"), [((FUNCTION,), "function"), (HOST, "host")])
def test_a_bucket_is_reached_by_whoever_has_a_role_that_may(caller: Any, name: str, preview: bool) -> None:
    found = reach(FILES, *policy("s3:GetObject", "files"), *caller, preview=preview)
    assert hops(found) == {(name, "files", "IAM")}
    assert found.matrix() == {"files": {name: "443"}}


def test_a_policy_that_names_a_bucket_for_something_else_opens_nothing() -> None:
    assert hops(reach(FILES, *policy("kms:Decrypt", "files"), FUNCTION)) == set()


def test_a_role_that_nobody_has_reaches_nothing() -> None:
    assert reach(FILES, *policy("s3:*", "files")).matrix() == {"files": {}}


@pytest.mark.parametrize("api", ["apigatewayv2/api:Api", "apigateway/restApi:RestApi"])
@pytest.mark.parametrize("called", ["function", "alias"])
def test_an_api_is_on_the_internet_and_calls_the_functions_that_let_it(api: str, called: str) -> None:
    found = reach(
        FILES,
        *policy("s3:GetObject", "files"),
        FUNCTION,
        aws("lambda/alias:Alias", {"functionName": ref("function"), "name": "live"}, name="alias"),
        aws(api, {"protocolType": "HTTP"}, name="api"),
        aws("lambda/permission:Permission", {"function": ref(called), "sourceArn": ref("api", "executionArn")}),
    )
    assert found.path(INTERNET, "files") == [INTERNET, "api", "function", "files"]


def test_a_site_s_bucket_is_behind_cloudfront() -> None:
    origin = {"originId": "files", "domainName": ref("files", "bucketRegionalDomainName")}
    found = reach(FILES, aws("cloudfront/distribution:Distribution", {"origins": [origin]}, name="shown"))
    assert found.path(INTERNET, "files") == [INTERNET, "shown", "files"]
    assert found.matrix() == {"files": {"shown": "443", INTERNET: "via shown"}}
