"""A guardrail of Bedrock: what is looked for in prompts and answers, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import Args
from ..children import Children
from ..errors import Mistake

CHILDREN = ("guardrail", "guardrail_version")

PersonalData = Literal[
    "ADDRESS", "AGE", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "CREDIT_DEBIT_CARD_CVV", "CREDIT_DEBIT_CARD_EXPIRY",
    "CREDIT_DEBIT_CARD_NUMBER", "DRIVER_ID", "EMAIL", "INTERNATIONAL_BANK_ACCOUNT_NUMBER", "IP_ADDRESS",
    "LICENSE_PLATE", "MAC_ADDRESS", "NAME", "PASSWORD", "PHONE", "PIN", "SWIFT_CODE", "URL", "USERNAME",
    "VEHICLE_IDENTIFICATION_NUMBER",
]  # fmt: skip
"""What Bedrock recognises in every country; the numbers of single ones (`US_…`, `UK_…`, `CA_…`) are left out."""

_DEFAULT: Mapping[PersonalData, Literal["BLOCK", "ANONYMIZE"]] = {
    "ADDRESS": "ANONYMIZE",
    "AWS_ACCESS_KEY": "BLOCK",
    "AWS_SECRET_KEY": "BLOCK",
    "CREDIT_DEBIT_CARD_NUMBER": "BLOCK",
    "EMAIL": "ANONYMIZE",
    "PASSWORD": "BLOCK",
    "PHONE": "ANONYMIZE",
}


class GuardrailArgs(Args):
    """What stands before and behind a chat model. $0.15 for 1,000 texts of 1,000 characters against prompt attacks,
    $0.10 for as many against personal data."""

    prompt_attacks: Literal["LOW", "MEDIUM", "HIGH"] = "HIGH"
    """How easily a prompt counts as an attack. Bedrock's classic tier, the only one whose requests stay in the region,
    knows English, French and Spanish. Programs mark what users wrote (guardContent); nothing else is looked at."""

    personal_data: dict[PersonalData, Literal["BLOCK", "ANONYMIZE"]] = dict(_DEFAULT)
    """Which data is looked for in prompts and answers: BLOCK refuses the whole, ANONYMIZE puts a placeholder."""

    blocked_message: Annotated[str, Field(min_length=1, max_length=500)] = "This request was blocked."
    """What is answered instead."""

    required: bool = True
    """Whether a model may be invoked with this guardrail only: a condition of the permission."""

    def mistakes(self) -> Iterator[Mistake]:
        if not self.personal_data:
            reason = "looks for nothing; name some, or leave it out for those that are looked for otherwise"
            yield Mistake("personal_data", self.personal_data, reason)


def make_guardrail(
    name: str, args: GuardrailArgs, child: Children
) -> tuple[aws.bedrock.Guardrail, aws.bedrock.GuardrailVersion]:
    """The guardrail and the version of it that is in use."""
    attacks: aws.bedrock.GuardrailContentPolicyConfigArgsDict = {
        "filters_configs": [
            {
                "type": "PROMPT_ATTACK",
                "input_strength": args.prompt_attacks,
                # Bedrock takes nothing else: answers attack nobody
                # (https://github.com/hashicorp/terraform-provider-awscc/issues/1905).
                "output_strength": "NONE",
            }
        ]
    }
    personal: aws.bedrock.GuardrailSensitiveInformationPolicyConfigArgsDict = {
        "pii_entities_configs": [
            {
                "type": kind,
                "action": action,
                # Both ways are said: with the action alone, prompts are not looked at
                # (https://github.com/awslabs/generative-ai-cdk-constructs/issues/1138).
                "input_action": action,
                "input_enabled": True,
                "output_action": action,
                "output_enabled": True,
            }
            for kind, action in sorted(args.personal_data.items())
        ]
    }
    guardrail = aws.bedrock.Guardrail(
        f"{name}-guardrail",
        name=f"{name}-guardrail",
        description=f"What may pass to and from the models of {name}.",
        blocked_input_messaging=args.blocked_message,
        blocked_outputs_messaging=args.blocked_message,
        content_policy_config=attacks,
        sensitive_information_policy_config=personal,
        opts=child("guardrail"),
    )
    version = aws.bedrock.GuardrailVersion(
        f"{name}-guardrail-version",
        guardrail_arn=guardrail.guardrail_arn,
        # A version is a copy: only another description makes a new one, so it changes with what is looked for.
        description=f"What is looked for: {_fingerprint(args.blocked_message, attacks, personal)}",
        opts=child("guardrail_version", depends_on=[guardrail]),
    )
    return guardrail, version


def _fingerprint(*said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def versioned_arn(guardrail: aws.bedrock.Guardrail, version: aws.bedrock.GuardrailVersion) -> pulumi.Output[str]:
    """How a condition names the version (https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-permissions-id.html)."""
    return pulumi.Output.concat(guardrail.guardrail_arn, ":", version.version)
