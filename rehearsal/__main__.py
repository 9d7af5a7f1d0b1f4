"""`python -m rehearsal STACK`."""

from __future__ import annotations

from rehearsal.cli import main

main()
