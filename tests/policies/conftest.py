"""Makes the pack importable: to Pulumi it is a program of its own, so `guardrails` lies in the folder policies/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "policies"))
