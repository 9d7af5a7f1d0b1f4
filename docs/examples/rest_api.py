"""A REST API under a name of its own, which refuses notes without a title before the function is called."""

import tempfile
import zipfile
from pathlib import Path

from components.compute.function import Function, FunctionArgs
from components.compute.package import Package
from components.edge.api_log_role import ApiLogRole, ApiLogRoleArgs
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.rest_api import RestApi
from components.edge.rest_api_args import RestApiArgs, RestRoute

code = Path(tempfile.mkdtemp()) / "code.zip"
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("notes.py", 'def handle(event, context):\n    return {"statusCode": 204}\n')

package = Package(code=code, runtime="python3.13", architecture="arm64")
notes = Function("wiki-dev-notes", FunctionArgs(handler="notes.handle"), package=package)
zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com"))
certificate = Certificate("wiki-dev-notes-tls", CertificateArgs(domains=["notes.example.com"]), zone=zone)
note = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}

api = RestApi(
    "wiki-dev-rest",
    RestApiArgs(routes={"POST /notes": RestRoute(function="notes", body=note)}, public=True),
    functions={"notes": notes},
    certificate=certificate,
    log_role=ApiLogRole("wiki-dev-api-logs", ApiLogRoleArgs()),
)
if api.named is not None:
    zone.alias("notes", api.named.target, api.named.zone_id)
