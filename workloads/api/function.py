"""The application on Lambda: what API Gateway's events become requests of, through Mangum.

API Gateway calls `api.function.handler`. Outside of a request nothing runs here, so there is no server to stop.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from mangum import Mangum

from api.logs import write_json_lines
from api.main import create_app, stores_for
from api.settings import Settings

_SECRETS = ("CACHE_SECRET", "DATABASE_SECRET", "SESSION_KEY_SECRET")


class Served:
    """The application and its stores, for as long as this copy of the function lives."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        settings = Settings.read({**environment, **_secrets(environment)})
        write_json_lines(settings.service, settings.log_level)
        # It tells of each request too, with less in it.
        logging.getLogger("mangum").setLevel("WARNING")
        self.stores = stores_for(settings)
        self.stores.open()
        # Mangum would begin and end the application's life with each event; the stores live as long as this copy.
        self._handle = Mangum(
            create_app(settings, self.stores), lifespan="off", api_gateway_base_path=_base(environment)
        )

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        return self._handle(event, context)


def _base(environment: Mapping[str, str]) -> str:
    """What API Gateway leaves before the application's own paths: a custom domain's mapping, such as `/v1`."""
    return environment.get("BASE_PATH") or "/"


def _secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What the application must know and nobody else. Not in the environment, which whoever may look at the function
    sees."""
    arns = {name: arn for name in _SECRETS if (arn := environment.get(f"{name}_ARN"))}
    if not arns:
        return {}
    import boto3  # noqa: PLC0415 a third of a second of each start, for those only who need it

    secrets: Any = boto3.client("secretsmanager")
    return {name: secrets.get_secret_value(SecretId=arn)["SecretString"] for name, arn in arns.items()}


_served = Served(os.environ)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request."""
    global _served
    if _served.stores.items.hopeless:
        # The password has been changed since this copy started: read it again instead of ending the copy.
        _served.stores.close()
        _served = Served(os.environ)
    return _served(event, context)
