"""The entry point that the Pulumi engine starts; everything else is in `guardrails/`."""

from guardrails.kit import PolicyPack
from guardrails.rules import RULES

PolicyPack("kumiki-guardrails", version="0.5.0", rules=RULES).serve()
