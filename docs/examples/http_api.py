"""An HTTP API for pages of one origin, whose users bring tokens; whether it is up, everybody may ask."""

import tempfile
import zipfile
from pathlib import Path

from components.compute.function import Function, FunctionArgs
from components.compute.package import Package
from components.edge.api_args import Cors
from components.edge.http_api import HttpApi, HttpApiArgs, HttpRoute, JwtAuthorizer
from components.identity.user_pool import UserPool
from components.identity.user_pool_args import Client, UserPoolArgs

code = Path(tempfile.mkdtemp()) / "code.zip"
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("notes.py", 'def handle(event, context):\n    return {"statusCode": 204}\n')

package = Package(code=code, runtime="python3.13", architecture="arm64")
notes = Function("wiki-dev-notes", FunctionArgs(handler="notes.handle"), package=package)
clients = {"web": Client(callback_urls=["https://www.example.com/"])}
users = UserPool("wiki-dev-users", UserPoolArgs(domain_prefix="wiki-dev", clients=clients))

HttpApi(
    "wiki-dev-http",
    HttpApiArgs(
        routes={
            "GET /health": HttpRoute(function="notes", public=True),
            "ANY /notes/{proxy+}": HttpRoute(function="notes"),
        },
        authorizer=JwtAuthorizer(user_pool=True),
        cors=Cors(origins=["https://www.example.com"]),
    ),
    functions={"notes": notes},
    user_pool=users,
)
