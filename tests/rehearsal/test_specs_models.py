"""The specs of Bedrock: what the inputs become in the account, and what is checked and not made."""

from __future__ import annotations

import pytest

from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import REGION, Cloud, cloud

__all__ = ["cloud"]

GUARDRAIL = {
    "name": "wiki-dev-guardrail",
    "blockedInputMessaging": "No.",
    "blockedOutputsMessaging": "No.",
    "contentPolicyConfig": {
        "filtersConfigs": [{"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"}]
    },
    "sensitiveInformationPolicyConfig": {"piiEntitiesConfigs": [{"type": "EMAIL", "action": "ANONYMIZE"}]},
}


def test_a_guardrail_is_validated_and_its_version_names_it(cloud: Cloud) -> None:
    made = cloud.make("aws:bedrock/guardrail:Guardrail", **GUARDRAIL)
    version = cloud.make("aws:bedrock/guardrailVersion:GuardrailVersion", guardrailArn=made.outputs["guardrailArn"])
    assert (made.status, made.reason) == ("validated", "the emulator has no guardrails")
    assert made.outputs["guardrailArn"] == f"arn:aws:bedrock:{REGION}:123456789012:guardrail/{made.id}"
    assert version.outputs["version"] == "1"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "wiki dev"}, "name: 'wiki dev' does not match the pattern"),
        ({"blockedInputMessaging": ""}, "blockedInputMessaging"),
        ({"sensitiveInformationPolicyConfig": {"piiEntitiesConfigs": [{"type": "SHOE", "action": "BLOCK"}]}}, "SHOE"),
    ],
)
def test_a_guardrail_that_aws_would_refuse_is_refused(changed: dict[str, object], said: str, cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match=said):
        cloud.make("aws:bedrock/guardrail:Guardrail", **{**GUARDRAIL, **changed})


def test_the_record_of_invocations_is_as_the_account_has_it(cloud: Cloud) -> None:
    bucket = cloud.bucket("wiki-dev-records")
    where = {"bucketName": bucket, "keyPrefix": "model-invocations"}
    group = {"logGroupName": "/aws/bedrock/wiki-dev", "roleArn": "arn:aws:iam::123456789012:role/writes"}
    config = {
        "s3Config": where,
        "cloudwatchConfig": {**group, "largeDataDeliveryS3Config": where},
        "textDataDeliveryEnabled": True,
        "embeddingDataDeliveryEnabled": False,
    }
    cloud.make("aws:bedrockmodel/invocationLoggingConfiguration:InvocationLoggingConfiguration", loggingConfig=config)
    found = cloud.ask("bedrock", "GetModelInvocationLoggingConfiguration")["loggingConfig"]
    assert found["s3Config"] == where
    assert found["cloudWatchConfig"]["logGroupName"] == "/aws/bedrock/wiki-dev"
    assert found["textDataDeliveryEnabled"] is True
