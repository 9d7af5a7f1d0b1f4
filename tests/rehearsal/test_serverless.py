"""The serverless chat platform, as it was deployed in the rehearsal."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest

from packages.build import build
from packages.plan import sources, usable
from tests.iam import allowed
from tests.rehearsal.conftest import Rehearsed

TABLES = ("connections", "deliveries", "sessions", "settings")
CHAT = ("chat-authorizer", "chat-connect", "chat-disconnect", "chat-message")
FUNCTIONS = ("api", *CHAT, "webhook-receive", "webhook-work")


@pytest.fixture(scope="session")
def stack(rehearsed: Callable[[str], Rehearsed]) -> Rehearsed:
    for name in ("api", "authorizer", "chat", "webhook"):
        build(sources()[name], "arm64")
    return rehearsed("serverless")


def inputs(stack: Rehearsed, name: str) -> dict[str, Any]:
    return stack.resource(f"chat-prod-{name}")["inputs"]


def output(stack: Rehearsed, name: str, key: str) -> str:
    return stack.resource(f"chat-prod-{name}")["outputs"][key]


def every(stack: Rehearsed, kind: str) -> dict[str, dict[str, Any]]:
    """The inputs of each resource of a type, by its name without the stack's."""
    return {
        one["name"].removeprefix("chat-prod-"): one["inputs"]
        for one in stack.report["resources"]
        if one["type"].endswith(f":{kind}")
    }


def told(stack: Rehearsed, function: str) -> dict[str, str]:
    return inputs(stack, f"{function}-function")["environment"]["variables"]


def may(stack: Rehearsed, function: str, action: str, resource: str) -> bool:
    role = stack.resource(f"chat-prod-{function}-role")["id"]
    policies = [json.loads(one["policy"]) for one in every(stack, "RolePolicy").values() if one["role"] == role]
    # What is for Lambda itself has a condition; here nobody asks for it.
    for policy in policies:
        policy["Statement"] = [one for one in policy["Statement"] if "Condition" not in one]
    return allowed(policies, action, resource)


def who_may(stack: Rehearsed, action: str, resource: str) -> set[str]:
    return {function for function in FUNCTIONS if may(stack, function, action, resource)}


@pytest.mark.covers("B17")
def test_the_stack_deploys_and_nothing_is_wrong_with_it(stack: Rehearsed) -> None:
    assert (stack.status, stack.report["problems"]) == (0, [])


@pytest.mark.covers("B17")
def test_there_is_every_part_of_the_pattern_and_no_server(stack: Rehearsed) -> None:
    kinds = {one["type"].rpartition(":")[2] for one in stack.report["resources"]}
    parts = {"Distribution", "RestApi", "Api", "Function", "Table", "ReplicationGroup", "UserPool", "Dashboard", "Plan"}
    assert parts <= kinds
    assert list(every(stack, "rds/instance:Instance")) == ["database-instance"]
    assert not {"Cluster", "TaskDefinition", "NatGateway", "LoadBalancer"} & kinds
    assert not every(stack, "ec2/instance:Instance")


# --- What the outside calls ------------------------------------------------------------------------------------------


@pytest.mark.covers("B7", "B17")
def test_each_route_of_the_api_leads_to_the_live_version_and_asks_for_a_token_but_health(stack: Rehearsed) -> None:
    methods = {name: one for name, one in every(stack, "Method").items() if "-options-" not in name}
    asked = {name: one["authorization"] for name, one in methods.items()}
    assert asked == {"app-get-health-method": "NONE"} | {
        f"app-{route}-method": "COGNITO_USER_POOLS"
        for route in (
            *("get-items", "post-items", "get-items-id", "delete-items-id"),
            *("get-conversations", "post-conversations", "get-conversations-id"),
            *("get-conversations-id-messages", "post-conversations-id-messages"),
            "get-conversations-id-messages-message",
            "post-conversations-id-messages-message-answer",
            *("post-search", "get-session", "delete-session"),
        )
    }
    authorizer = stack.resource("chat-prod-app-authorizer")
    assert authorizer["inputs"]["providerArns"] == [output(stack, "users-user-pool", "arn")]
    tokens = {one.get("authorizerId") for one in methods.values() if one["authorization"] != "NONE"}
    assert tokens == {authorizer["id"]}
    for name, one in every(stack, "apigateway/integration:Integration").items():
        if "-options-" not in name:
            assert one["uri"].endswith(":function:chat-prod-api:live/invocations"), name


@pytest.mark.covers("B7")
@pytest.mark.parametrize(
    ("route", "needed"),
    [("items", ["name"]), ("conversations", []), ("conversations-id-messages", ["text"]), ("search", ["text"])],
)
def test_what_is_no_item_and_no_question_is_refused_before_the_function_is_called(
    stack: Rehearsed, route: str, needed: list[str]
) -> None:
    method = inputs(stack, f"app-post-{route}-method")
    model = inputs(stack, f"app-post-{route}-model")
    assert method["requestModels"] == {"application/json": model["name"]}
    schema = json.loads(model["schema"])
    assert (schema.get("required", []), schema["additionalProperties"]) == (needed, False)
    validator = stack.resource("chat-prod-app-validator")
    assert (method["requestValidatorId"], validator["inputs"]["validateRequestBody"]) == (validator["id"], True)


@pytest.mark.covers("B7")
def test_every_api_has_both_limits(stack: Rehearsed) -> None:
    settings = inputs(stack, "app-limits")
    assert settings["methodPath"] == "*/*"
    limits = {"app": settings["settings"]}
    limits |= {name: inputs(stack, f"{name}-stage")["defaultRouteSettings"] for name in ("hooks", "talk")}
    found = {name: (one["throttlingRateLimit"], one["throttlingBurstLimit"]) for name, one in limits.items()}
    assert found == {"app": (100, 200), "hooks": (20, 50), "talk": (100, 200)}


@pytest.mark.covers("B7")
def test_browsers_of_the_site_may_ask_the_function_without_a_token_what_they_may_do(stack: Rehearsed) -> None:
    asked = {name: one["authorization"] for name, one in every(stack, "Method").items() if "-options-" in name}
    paths = {
        *("health", "items", "items-id", "search", "session"),
        *("conversations", "conversations-id", "conversations-id-messages", "conversations-id-messages-message"),
        "conversations-id-messages-message-answer",
    }
    assert asked == {f"app-options-{path}-method": "NONE" for path in paths}
    for path in paths:
        uri = inputs(stack, f"app-options-{path}-integration")["uri"]
        assert uri.endswith(":function:chat-prod-api:live/invocations")
    assert told(stack, "api")["CORS_ORIGINS"] == stack.report["outputs"]["siteUrl"]


def test_a_firewall_stands_before_the_site_and_the_api_answers_the_site_alone(stack: Rehearsed) -> None:
    distribution = inputs(stack, "site-distribution")
    assert distribution["webAclId"] == output(stack, "site-firewall-web-acl", "arn")
    association = inputs(stack, "app-web-acl-association")
    assert association["webAclArn"] == output(stack, "app-gate-web-acl", "arn")
    assert association["resourceArn"] == output(stack, "app-stage", "arn")
    gate = inputs(stack, "app-gate-web-acl")
    assert gate["defaultAction"] == {"block": {}}
    (admits,) = gate["rules"]
    assert admits["statement"]["byteMatchStatement"]["fieldToMatch"] == {"singleHeader": {"name": "x-origin-secret"}}
    shown = {
        one["originId"]: [each["name"] for each in one.get("customHeaders", [])] for one in distribution["origins"]
    }
    assert shown == {"files": [], "api": ["X-Origin-Secret"], "talk": []}


def test_the_report_says_who_walks_around_the_firewall(stack: Rehearsed) -> None:
    around = {"distribution": "chat-prod-site-distribution", "origin": "chat-prod-talk-api"}
    assert stack.report["insights"]["firewall_bypasses"] == [around]
    assert "chat-prod-talk-api answers by its own address too" in stack.text


# --- The chat --------------------------------------------------------------------------------------------------------


@pytest.mark.covers("B7", "B17")
def test_each_route_of_the_chat_leads_to_its_function(stack: Rehearsed) -> None:
    integrations = {
        f"integrations/{one['id']}": one["inputs"]["integrationUri"]
        for one in stack.report["resources"]
        if one["type"] == "aws:apigatewayv2/integration:Integration"
    }
    routes = {
        one["routeKey"]: integrations[one["target"]].partition(":function:chat-prod-")[2].partition("/")[0]
        for name, one in every(stack, "Route").items()
        if name.startswith("talk-")
    }
    assert routes == {
        "$connect": "chat-connect:live",
        "$disconnect": "chat-disconnect:live",
        "$default": "chat-message:live",
        "send": "chat-message:live",
    }
    runs = {name: inputs(stack, f"{name}-function") for name in CHAT}
    assert {name: one["handler"] for name, one in runs.items()} == {
        "chat-authorizer": "authorizer.tokens.handler",
        "chat-connect": "chat.connect.handler",
        "chat-disconnect": "chat.disconnect.handler",
        "chat-message": "chat.message.handler",
    }
    # The zips that the tests of the chat run, built for Lambda.
    for one in runs.values():
        assert one["code"]["path"] == str(usable(sources()[one["handler"].partition(".")[0]], "arm64").code)


@pytest.mark.covers("B7", "B9")
def test_who_connects_is_asked_for_a_token_of_the_user_pool(stack: Rehearsed) -> None:
    route = inputs(stack, "talk-connect-route")
    authorizer = stack.resource("chat-prod-talk-authorizer")
    assert (route["authorizationType"], route["authorizerId"]) == ("CUSTOM", authorizer["id"])
    assert authorizer["inputs"]["identitySources"] == ["route.request.querystring.token"]
    assert ":function:chat-prod-chat-authorizer:live/" in authorizer["inputs"]["authorizerUri"]
    variables = told(stack, "chat-authorizer")
    outputs = stack.report["outputs"]
    assert variables["USER_POOL_ISSUER"] == outputs["userPoolIssuer"]
    assert variables["USER_POOL_CLIENT_IDS"] == outputs["userPoolClientIds"]["web"]
    permission = inputs(stack, "chat-authorizer-chat-prod-talk-authorizer-permission")
    assert permission["sourceArn"].endswith(f"/authorizers/{authorizer['id']}")


@pytest.mark.covers("B7")
def test_only_who_brings_messages_may_speak_to_connections_and_only_to_those_of_this_api(stack: Rehearsed) -> None:
    api = output(stack, "talk-api", "executionArn")
    for method in ("POST", "GET", "DELETE"):
        ours = f"{api}/live/{method}/@connections/x="
        assert who_may(stack, "execute-api:ManageConnections", ours) == {"chat-message"}
        other = f"{api.rpartition(':')[0]}:another/live/{method}/@connections/x="
        assert not who_may(stack, "execute-api:ManageConnections", other)
    assert not who_may(stack, "execute-api:Invoke", f"{api}/live/POST/send")


@pytest.mark.covers("B2", "B7")
def test_who_is_connected_is_found_by_room_expires_and_is_known_to_the_chat_alone(stack: Rehearsed) -> None:
    table = inputs(stack, "connections-table")
    assert table["ttl"] == {"attributeName": "expires", "enabled": True}
    keys = {one["name"]: [key["attributeName"] for key in one["keySchemas"]] for one in table["globalSecondaryIndexes"]}
    assert (table["hashKey"], keys) == ("connection", {"by-room": ["room"]})
    arn = output(stack, "connections-table", "arn")
    assert who_may(stack, "dynamodb:PutItem", arn) == {"chat-connect", "chat-disconnect", "chat-message"}
    assert who_may(stack, "dynamodb:GetItem", arn) == {"chat-message"}
    assert who_may(stack, "dynamodb:Query", f"{arn}/index/by-room") == {"chat-message"}
    for function in ("chat-connect", "chat-disconnect", "chat-message"):
        assert told(stack, function)["TABLE_CONNECTIONS"] == table["name"]


@pytest.mark.covers("B8")
def test_the_sites_address_leads_to_the_files_the_api_and_the_chat_and_keeps_nothing_of_calls(stack: Rehearsed) -> None:
    distribution = inputs(stack, "site-distribution")
    origins = {one["originId"]: one["domainName"] for one in distribution["origins"]}
    ways = {one["pathPattern"]: one for one in distribution["orderedCacheBehaviors"]}
    urls = stack.report["outputs"]["apiUrls"]
    assert {path: origins[one["targetOriginId"]] for path, one in ways.items()} == {
        "/api/*": urls["app"].removeprefix("https://"),
        "/chat": urls["talk"].removeprefix("wss://"),
    }
    # AWS's policies CachingDisabled and AllViewerExceptHostHeader, by which a WebSocket's headers and its token pass.
    for one in ways.values():
        assert one["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert one["originRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    chat = inputs(stack, "site-talk-prefix")
    assert 'PREFIX = "/chat"' in chat["code"]
    # The token in the query of a WebSocket must not be in the record of requests.
    assert not [field for field in inputs(stack, "site-log-delivery")["recordFields"] if "query" in field]


@pytest.mark.covers("B8")
def test_the_files_are_read_by_the_distribution_alone_and_errors_have_pages(stack: Rehearsed) -> None:
    policy = json.loads(inputs(stack, "site-content-policy")["policy"])
    reads = [one for one in policy["Statement"] if one["Effect"] == "Allow" and "s3:GetObject" in str(one["Action"])]
    assert [one["Principal"] for one in reads] == [{"Service": "cloudfront.amazonaws.com"}]
    assert str(reads[0]["Condition"]).count(output(stack, "site-distribution", "arn")) == 1
    pages = {
        one["errorCode"]: one["responsePagePath"] for one in inputs(stack, "site-distribution")["customErrorResponses"]
    }
    assert {502, 504} <= set(pages)


# --- Where it keeps what it knows ------------------------------------------------------------------------------------


@pytest.mark.covers("B1", "B3", "B17")
def test_the_api_reaches_the_database_and_the_cache_and_nothing_else_but_what_creates_extensions_does(
    stack: Rehearsed,
) -> None:
    ours, extensions = (
        stack.resource(f"chat-prod-{name}-security-group")["id"] for name in ("api", "database-extensions")
    )
    for store, port, callers in (("database", 5432, {ours, extensions}), ("cache", 6379, {ours})):
        group = stack.resource(f"chat-prod-{store}-security-group")["id"]
        let_in = [one for one in every(stack, "SecurityGroupIngressRule").values() if one["securityGroupId"] == group]
        ways_in = sorted((one["referencedSecurityGroupId"], one["fromPort"], one["toPort"]) for one in let_in)
        assert ways_in == sorted((caller, port, port) for caller in callers)
        let_out = [
            one for one in every(stack, "SecurityGroupEgressRule").values()
            if one.get("referencedSecurityGroupId") == group
        ]  # fmt: skip
        assert sorted((one["securityGroupId"], one["fromPort"]) for one in let_out) == sorted(
            (caller, port) for caller in callers
        )
    variables = told(stack, "api")
    for store in ("database", "cache"):
        assert variables[f"{store.upper()}_HOST"] == stack.report["outputs"][f"{store}Endpoint"]
        secret = variables[f"{store.upper()}_SECRET_ARN"]
        assert who_may(stack, "secretsmanager:GetSecretValue", secret) == {"api"}
    outside = [name for name in FUNCTIONS if "vpcConfig" not in inputs(stack, f"{name}-function")]
    assert outside == [name for name in FUNCTIONS if name != "api"]


@pytest.mark.covers("B1")
def test_pgvector_is_there_when_the_deployment_ends(stack: Rehearsed) -> None:
    call = inputs(stack, "database-extensions-invocation")
    assert json.loads(call["input"]) == {"extensions": ["vector"]}
    assert call["triggers"]["database"] == stack.report["outputs"]["databaseEndpoint"]


@pytest.mark.covers("B1")
def test_the_database_has_a_standby_and_is_backed_up(stack: Rehearsed) -> None:
    database = inputs(stack, "database-instance")
    assert (database["multiAz"], database["backupRetentionPeriod"]) == (True, 35)
    assert (database["storageEncrypted"], database["publiclyAccessible"]) == (True, False)


@pytest.mark.covers("B3")
def test_the_cache_fails_over_and_is_a_cluster(stack: Rehearsed) -> None:
    cache = inputs(stack, "cache-replication-group")
    assert (cache["automaticFailoverEnabled"], cache["multiAzEnabled"]) == (True, True)
    assert (cache["clusterMode"], cache["numNodeGroups"], cache["replicasPerNodeGroup"]) == ("enabled", 1, 1)


@pytest.mark.covers("B2")
def test_sessions_expire_and_sessions_and_settings_scale_with_their_use(stack: Rehearsed) -> None:
    assert inputs(stack, "sessions-table")["ttl"] == {"attributeName": "expires", "enabled": True}
    targets = {
        (one["resourceId"], one["scalableDimension"].rpartition(":")[2]): (one["minCapacity"], one["maxCapacity"])
        for one in every(stack, "Target").values()
        if one["serviceNamespace"] == "dynamodb"
    }
    scaled = {resource for resource, _ in targets}
    assert scaled == {"table/chat-prod-sessions", "table/chat-prod-sessions/index/by-user", "table/chat-prod-settings"}
    assert len(targets) == 6
    assert set(targets.values()) == {(1, 100)}


@pytest.mark.covers("B2", "B10")
def test_each_table_and_secret_is_for_the_functions_that_need_it(stack: Rehearsed) -> None:
    readers = {
        name: who_may(stack, "dynamodb:GetItem", output(stack, f"{name}-table", "arn")) for name in TABLES
    }  # fmt: skip
    assert readers == {
        "connections": {"chat-message"}, "deliveries": set(), "sessions": {"api"}, "settings": {"api"},
    }  # fmt: skip
    secrets = stack.report["outputs"]["secretArns"]
    assert {name: who_may(stack, "secretsmanager:GetSecretValue", arn) for name, arn in secrets.items()} == {
        "session-key": {"api"},
        "webhook-key": {"webhook-receive"},
    }


@pytest.mark.covers("B9")
def test_people_sign_in_with_a_second_factor_by_the_code_flow(stack: Rehearsed) -> None:
    pool = inputs(stack, "users-user-pool")
    assert (pool["mfaConfiguration"], pool["softwareTokenMfaConfiguration"]) == ("ON", {"enabled": True})
    client = inputs(stack, "users-web-client")
    assert (client["allowedOauthFlows"], client["allowedOauthFlowsUserPoolClient"]) == (["code"], True)
    assert client["callbackUrls"] == [f"{stack.report['outputs']['siteUrl']}/signed-in"]
    providers = {one["providerName"]: one["providerType"] for one in every(stack, "IdentityProvider").values()}
    assert providers == {"Google": "Google", "GitHub": "OIDC"}
    assert set(client["supportedIdentityProviders"]) == {"COGNITO", *providers}


# --- The models ------------------------------------------------------------------------------------------------------


@pytest.mark.covers("B4", "B17")
def test_the_api_alone_may_ask_two_models_in_japan_and_reads_how_by_endpoints(stack: Rehearsed) -> None:
    roles = {stack.resource(f"chat-prod-{function}-role")["id"]: function for function in FUNCTIONS}
    asked: dict[str, dict[str, set[str]]] = {}
    for one in every(stack, "RolePolicy").values():
        for each in json.loads(one["policy"])["Statement"]:
            for action in each["Action"] if isinstance(each["Action"], list) else [each["Action"]]:
                resources = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
                if action.startswith("bedrock:"):
                    asked.setdefault(roles[one["role"]], {}).setdefault(action, set()).update(resources)
    assert asked.keys() == {"api"}
    assert asked["api"].keys() == {"bedrock:InvokeModel", "bedrock:ApplyGuardrail"}
    models = asked["api"]["bedrock:InvokeModel"]
    assert {arn.split(":")[3] for arn in models} <= {"ap-northeast-1", "ap-northeast-3"}
    assert {name for arn in models for name in ("claude-sonnet-4-6", "titan-embed-text-v2") if name in arn} == {
        "claude-sonnet-4-6", "titan-embed-text-v2",
    }  # fmt: skip
    assert not [arn for arn in models if "*" in arn]
    # How they are asked stands below the path that the function is told, and only there may it read.
    path = told(stack, "api")["MODELS_PATH"]
    named = {one["name"]: one.get("insecureValue", "") for one in every(stack, "ssm/parameter:Parameter").values()}
    assert {f"{path}/writer/id", f"{path}/writer/guardrail-id", f"{path}/embedder/dimensions"} <= named.keys()
    assert named[f"{path}/writer/id"].startswith("jp.anthropic.claude-sonnet-4-6")
    parameter = f"arn:aws:ssm:ap-northeast-1:123456789012:parameter{path}"
    assert who_may(stack, "ssm:GetParametersByPath", f"{parameter}/writer") == {"api"}
    assert not who_may(stack, "ssm:GetParametersByPath", parameter.rpartition("/")[0])
    # In the VPC, without a way to the internet.
    assert {"bedrock-runtime", "ssm", "secretsmanager"} <= stack.report["outputs"]["interfaceEndpointIds"].keys()
    assert "NatGateway" not in {one["type"].rpartition(":")[2] for one in stack.report["resources"]}
    assert (told(stack, "api")["QUESTIONS_PER_MINUTE"], inputs(stack, "api-function")["timeout"]) == ("20", 30)


# --- Webhooks --------------------------------------------------------------------------------------------------------


@pytest.mark.covers("B6")
def test_a_delivery_goes_to_the_queue_from_there_to_a_function_and_after_three_failures_aside(stack: Rehearsed) -> None:
    assert inputs(stack, "hooks-post-github-route")["routeKey"] == "POST /github"
    queue, dead = (output(stack, name, "arn") for name in ("webhooks-queue", "webhooks-dead-letters"))
    assert told(stack, "webhook-receive")["QUEUE_URL"] == stack.report["outputs"]["queueUrls"]["webhooks"]
    assert who_may(stack, "sqs:SendMessage", queue) == {"webhook-receive"}
    source = inputs(stack, "webhook-work-event-source")
    assert source["eventSourceArn"] == queue
    assert source["functionName"].endswith(":chat-prod-webhook-work:live")
    assert source["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert who_may(stack, "sqs:ReceiveMessage", queue) == {"webhook-work"}
    redrive = json.loads(inputs(stack, "webhooks-queue")["redrivePolicy"])
    assert redrive == {"deadLetterTargetArn": dead, "maxReceiveCount": 3}
    assert who_may(stack, "dynamodb:PutItem", output(stack, "deliveries-table", "arn")) == {"webhook-work"}
    alarm = inputs(stack, "webhooks-dead-letters-alarm")
    assert alarm["dimensions"] == {"QueueName": "chat-prod-webhooks-dead-letters"}


# --- Watching over it ------------------------------------------------------------------------------------------------


@pytest.mark.covers("B6", "B11")
def test_each_new_delivery_is_counted_from_the_tables_stream_and_what_cannot_be_is_kept(stack: Rehearsed) -> None:
    changes = inputs(stack, "webhook-count-deliveries-changes")
    assert changes["eventSourceArn"] == output(stack, "deliveries-table", "streamArn")
    assert [json.loads(one["pattern"]) for one in changes["filterCriteria"]["filters"]] == [{"eventName": ["INSERT"]}]
    assert changes["bisectBatchOnFunctionError"] is True
    dead = output(stack, "webhook-count-dead-letters", "arn")
    assert changes["destinationConfig"]["onFailure"]["destinationArn"] == dead
    assert "SEARCH('Namespace=\\\"chat-prod\\\"', 'Sum', 300)" in inputs(stack, "overview-dashboard")["dashboardBody"]


@pytest.mark.covers("B11", "B17")
def test_one_dashboard_shows_the_apis_the_connections_the_stores_and_the_functions(stack: Rehearsed) -> None:
    body = inputs(stack, "overview-dashboard")["dashboardBody"]
    for namespace, metric in (
        ("AWS/ApiGateway", "ConnectCount"),
        ("AWS/ApiGateway", "MessageCount"),
        ("AWS/ApiGateway", "Latency"),
        ("AWS/ApiGateway", "5XXError"),
        ("AWS/Lambda", "Errors"),
        ("AWS/RDS", "CPUUtilization"),
        ("AWS/DynamoDB", "ReadThrottleEvents"),
        ("AWS/ElastiCache", "EngineCPUUtilization"),
    ):
        assert f'["{namespace}", "{metric}"' in body, metric


@pytest.mark.covers("B11")
def test_alarms_on_every_part_tell_people(stack: Rehearsed) -> None:
    alarms = every(stack, "MetricAlarm")
    wanted = {f"{api}-{level}" for api in ("app", "hooks") for level in ("latency", "error-rate", "availability")}
    wanted |= {"talk-latency", "talk-error-rate", "webhooks-dead-letters-alarm", "site-server-error-rate"}
    wanted |= {f"{function}-errors-alarm" for function in FUNCTIONS}
    assert wanted <= set(alarms)
    for store in ("database-", "cache-", *(f"{table}-" for table in TABLES)):
        assert [name for name in alarms if name.startswith(store)], store
    topics = set(stack.report["outputs"]["alertTopics"].values())
    here = {name: set(one.get("alarmActions", ())) for name, one in alarms.items() if one.get("region") is None}
    # One takes a deployment back, and tells nobody else.
    assert [name for name, told_to in here.items() if not told_to] == ["api-rollback-alarm"]
    assert all(told_to <= topics for told_to in here.values())
    emails = [one for one in every(stack, "TopicSubscription").values() if one["protocol"] == "email"]
    assert topics <= {one["topic"] for one in emails}


@pytest.mark.covers("B11")
def test_each_call_is_recorded_and_can_be_asked_for_and_no_message_is(stack: Rehearsed) -> None:
    for api, queries in (("app", 4), ("hooks", 4), ("talk", 3)):
        group = stack.resource(f"chat-prod-{api}-access-log")
        log = inputs(stack, f"{api}-stage")["accessLogSettings"]
        assert log["destinationArn"] == group["outputs"]["arn"]
        assert "query" not in log["format"].lower()
        assert "body" not in log["format"].lower()
        asked = [one for one in every(stack, "QueryDefinition").values() if group["inputs"]["name"] in str(one)]
        assert len(asked) == queries
    assert inputs(stack, "talk-stage")["defaultRouteSettings"]["loggingLevel"] == "OFF"


@pytest.mark.covers("B12")
def test_calls_leave_traces_from_the_gateway_on(stack: Rehearsed) -> None:
    assert inputs(stack, "app-stage")["xrayTracingEnabled"] is True
    for name in FUNCTIONS:
        assert inputs(stack, f"{name}-function")["tracingConfig"] == {"mode": "Active"}
        assert may(stack, name, "xray:PutTraceSegments", "*")


@pytest.mark.covers("B13")
def test_uploads_tier_themselves_and_what_builds_leave_ends(stack: Rehearsed) -> None:
    tiers = inputs(stack, "uploads-intelligent-tiering")
    assert tiers["bucket"] == stack.resource("chat-prod-uploads-bucket")["id"]
    days = [rule["expiration"].get("days") for rule in inputs(stack, "artefacts-lifecycle")["rules"]]
    assert 90 in days
    archive = inputs(stack, "log-archive-lifecycle")["rules"]
    assert {change["storageClass"] for rule in archive for change in rule.get("transitions", [])} == {"GLACIER"}
    for name in ("uploads", "artefacts", "log-archive"):
        assert inputs(stack, f"{name}-versioning")["versioningConfiguration"]["status"] == "Enabled"


def test_the_database_and_every_table_are_backed_up_each_night(stack: Rehearsed) -> None:
    selection = inputs(stack, "backup-selection")
    (condition,) = selection["conditions"]
    tags = {one["key"].partition("/")[2]: one["value"] for one in condition["stringEquals"]}
    for name in ("database-instance", *(f"{table}-table" for table in TABLES)):
        resource = stack.resource(f"chat-prod-{name}")["outputs"]
        assert any(fnmatchcase(resource["arn"], pattern) for pattern in selection["resources"]), name
        assert tags.items() <= resource["tagsAll"].items(), name
