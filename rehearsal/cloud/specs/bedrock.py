"""Bedrock: guardrails, and the record of what models are asked."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec

# What the provider spells in the plural, and AWS does not.
_SINGULAR: Final = {
    "filtersConfigs": "filtersConfig",
    "managedWordListsConfigs": "managedWordListsConfig",
    "piiEntitiesConfigs": "piiEntitiesConfig",
    "regexesConfigs": "regexesConfig",
    "topicsConfigs": "topicsConfig",
    "wordsConfigs": "wordsConfig",
    "tierConfigs": "tierConfig",
    "cloudwatchConfig": "cloudWatchConfig",
}


def _id(context: CreateContext) -> str:
    """As AWS makes them: twelve small letters and digits."""
    return hashlib.sha256(context.urn.encode()).hexdigest()[:12]


def _spelt(value: Any) -> Any:
    if isinstance(value, dict):
        return {_SINGULAR.get(key, key): _spelt(one) for key, one in value.items()}
    return [_spelt(one) for one in value] if isinstance(value, list) else value


def _tags(context: CreateContext) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(context.tags.items())]


SPECS: Final[dict[str, Spec]] = {
    "aws:bedrock/guardrail:Guardrail": Spec(
        service="bedrock",
        create=Call(
            operation="CreateGuardrail", takes={"kmsKeyArn": "kmsKeyId"}, fixed={"tags": _tags}, reshape=_spelt
        ),
        id=_id,
        outputs={
            "guardrailId": "{id}",
            "guardrailArn": "arn:{partition}:bedrock:{region}:{account}:guardrail/{id}",
            "version": lambda _making: "DRAFT",
            "status": lambda _making: "READY",
        },
        validated_only=lambda _inputs: "the emulator has no guardrails",
    ),
    "aws:bedrock/guardrailVersion:GuardrailVersion": Spec(
        service="bedrock",
        create=Call(operation="CreateGuardrailVersion", takes={"guardrailArn": "guardrailIdentifier"}),
        id=lambda context: f"{context.inputs['guardrailArn']},1",
        outputs={"version": lambda _making: "1"},
        validated_only=lambda _inputs: "the emulator has no guardrails",
    ),
    "aws:bedrockmodel/invocationLoggingConfiguration:InvocationLoggingConfiguration": Spec(
        service="bedrock",
        create=Call(operation="PutModelInvocationLoggingConfiguration", reshape=_spelt),
        id="{region}",
    ),
}
