"""The emulated account: moto started in this process, and one way to call it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

import boto3
import botocore.config
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import OperationModel, StructureShape
from moto import mock_aws
from moto.backends import get_backend
from moto.core.config import default_user_config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal import mock_random

from rehearsal.cloud import moto_patches
from rehearsal.cloud.client import RecordedCall
from rehearsal.cloud.requests import example, violations
from rehearsal.isolation import isolate
from rehearsal.problems import AwsError, RequestError, UnsupportedOperationError

ACCOUNT: Final = DEFAULT_ACCOUNT_ID
PARTITION: Final = "aws"

_NAMES_A_THING: Final = re.compile(
    r"(?:name|id|arn|identifier|url|bucket|key|path|namespace|dimension)$", re.IGNORECASE
)
_LONGEST_NAME: Final = 1024
"""Characters: the key of an S3 object and the path of a parameter may have as many."""
_TAGS: Final = ("tags", "tagspecifications", "taglist", "taggings", "tagging", "resourcetags")


class Account:
    """What this process's moto holds."""

    def __init__(self) -> None:
        isolate(os.environ)
        default_user_config["iam"] = {"load_aws_managed_policies": False}
        # Definitions are parsed, and executions run: the parser is loaded only if a stack has a state machine.
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        # Functions are kept and not called: that would take Docker.
        default_user_config["lambda"] = {"use_docker": False}
        moto_patches.apply()
        self._mock = mock_aws()
        self._mock.start()
        self._session = boto3.Session()
        self.not_emulated: set[str] = set()
        """Ids that were made up because the emulator lacks their operation."""
        self._recorded: list[RecordedCall] = []
        self.blind_to: set[str] = set()
        """Types of which some are validated only: what looks for one of them may find nothing."""

    def close(self) -> None:
        """Give the process its real boto3 back."""
        self._mock.stop()

    @cache  # noqa: B019 one account lives as long as its process
    def client(self, service: str, region: str) -> Any:
        """A boto3 client; the backend behind it exists afterwards, so that seeding it is deterministic."""
        if service != "ec2":
            # Others look into EC2 when they come into being; it exists by then, with ids of its own seed.
            self.client("ec2", region)
        with moto_patches.drawing_for(f"{service}/{region}"):
            return self._client(service, region)

    def _client(self, service: str, region: str) -> Any:
        client: Any = self._session.client(
            service,
            region_name=region,
            # What it calls itself would be put together anew for each request.
            config=botocore.config.Config(
                parameter_validation=False, retries={"total_max_attempts": 1}, user_agent="rehearsal"
            ),
        )
        try:
            backends: Any = get_backend(cast("Any", service))[ACCOUNT]
        except ModuleNotFoundError:
            # A service that the emulator lacks altogether: its resources are validated only, by this client.
            return client
        moto_patches.draw_repeatably()
        # The backend of a region comes into being, with its own ids, when it is first looked at.
        next((backends[name] for name in (region, PARTITION, "global") if name in backends), None)
        if service == "ec2":
            # Its first call, alone among the services, draws ids of its own: not those of whatever is made first.
            client.describe_availability_zones()
        return client

    seed = staticmethod(moto_patches.seed)

    def operation(self, service: str, name: str, region: str) -> OperationModel:
        return self.client(service, region).meta.service_model.operation_model(name)

    def call(self, service: str, operation: str, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request that keeps all of the service model's rules.

        Raises `RequestError` for one that does not, `AwsError` when AWS (moto) says no, and `UnsupportedOperationError`
        when the emulator lacks the operation.
        """
        self.check(service, operation, region, request)
        request = {**self._tokens(service, operation, region), **request}
        client = self.client(service, region)
        try:
            answer = client._make_api_call(operation, dict(request))  # noqa: SLF001 by AWS's name, as specs write it
        except NotImplementedError as error:
            raise UnsupportedOperationError(f"the emulator lacks {service} {operation}") from error
        except ParamValidationError as error:
            raise RequestError(f"{operation}: {error}") from error
        except ClientError as error:
            failure = error.response.get("Error", {})
            if "not yet implemented" in str(failure.get("Message", "")).lower():
                raise UnsupportedOperationError(f"the emulator lacks {service} {operation}") from error
            raise AwsError(
                f"{operation}: {failure.get('Message') or failure.get('Code')} ({failure.get('Code')})"
            ) from error
        answer.pop("ResponseMetadata", None)
        return answer

    def _tokens(self, service: str, operation: str, region: str) -> dict[str, str]:
        """The request's idempotency tokens, which boto3 would draw from a source that no seed makes repeatable."""
        shape = self.operation(service, operation, region).input_shape
        members = shape.members if isinstance(shape, StructureShape) else {}
        return {
            name: str(mock_random.uuid4())
            for name, member in members.items()
            if member.metadata.get("idempotencyToken")
        }

    def check(self, service: str, operation: str, region: str, request: Mapping[str, Any]) -> None:
        """Refuse a request that breaks the service model."""
        self._record(service, operation, region, request)
        shape = self.operation(service, operation, region).input_shape
        found = list(violations(shape, request)) if shape is not None else []
        if found:
            raise RequestError(f"{operation}: " + "; ".join(found))

    def _record(self, service: str, operation: str, region: str, request: Mapping[str, Any]) -> None:
        call = RecordedCall(
            service,
            operation,
            region,
            {
                name: value
                for name, value in request.items()
                if isinstance(value, str) and len(value) <= _LONGEST_NAME and _NAMES_A_THING.search(name)
            },
            tagged=any(name.lower() in _TAGS and value for name, value in request.items()),
        )
        if call not in self._recorded:
            self._recorded.append(call)

    def recorded(self) -> list[RecordedCall]:
        """The requests since this was last asked."""
        calls, self._recorded = self._recorded, []
        return calls

    def example_answer(
        self, service: str, operation: str, region: str, request: Mapping[str, Any], urn: str
    ) -> dict[str, Any]:
        """A made-up answer of the right shape to a checked request that the emulator cannot execute."""
        self.check(service, operation, region, request)
        shape = self.operation(service, operation, region).output_shape
        token = hashlib.sha256(urn.encode()).hexdigest()[:17]
        return example(shape, request, token) if shape is not None else {}
