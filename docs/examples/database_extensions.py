"""A database in which `vector` (pgvector) is there as soon as the deployment ends. `make packages` builds what creates
it, workloads/extensions; here a stand-in does nothing."""

import tempfile
import zipfile
from pathlib import Path

from components.compute.package import Package
from components.data.postgres import Postgres, PostgresArgs
from components.network.vpc import Vpc, VpcArgs
from components.operations.database_extensions import DatabaseExtensions, DatabaseExtensionsArgs

code = Path(tempfile.mkdtemp()) / "extensions.zip"
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("extensions/create.py", "def handler(event, context):\n    return {}\n")

network = Vpc("wiki-dev-network", VpcArgs(nat="single"))
database = Postgres("wiki-dev-database", PostgresArgs(instance_class="db.t4g.micro"), network=network)

DatabaseExtensions(
    "wiki-dev-database-extensions",
    DatabaseExtensionsArgs(extensions=["vector"]),
    database=database,
    network=network,
    package=Package(code=code, runtime="python3.13", architecture="arm64"),
)
