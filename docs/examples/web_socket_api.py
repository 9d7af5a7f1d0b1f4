"""A WebSocket API for everybody, whose function hears what is said and may answer."""

import tempfile
import zipfile
from pathlib import Path

from components.compute.function import Function, FunctionArgs
from components.compute.package import Package
from components.edge.api_log_role import ApiLogRole, ApiLogRoleArgs
from components.edge.routes import Route
from components.edge.web_socket_api import WebSocketApi, WebSocketApiArgs

code = Path(tempfile.mkdtemp()) / "code.zip"
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("talk.py", 'def handle(event, context):\n    return {"statusCode": 200}\n')

package = Package(code=code, runtime="python3.13", architecture="arm64")
talk = Function("wiki-dev-talk", FunctionArgs(handler="talk.handle"), package=package)

chat = WebSocketApi(
    "wiki-dev-chat",
    WebSocketApiArgs(routes={"$connect": Route(function="talk"), "$default": Route(function="talk")}, public=True),
    functions={"talk": talk},
    log_role=ApiLogRole("wiki-dev-api-logs", ApiLogRoleArgs()),
)
chat.grant_manage_connections(talk.role)
