"""The one switch that decides what outlives a teardown."""

from __future__ import annotations

from typing import Literal

Retention = Literal["protected", "ephemeral"]
"""protected: whatever holds data refuses to be deleted. ephemeral: `pulumi destroy` removes everything."""
