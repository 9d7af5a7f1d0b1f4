"""`python -m rehearsal STACK`."""

from __future__ import annotations

import sys

try:
    # This takes most of a second. Nothing has been started yet, so there is nothing to end, and no trace to show.
    from rehearsal.cli import main
except KeyboardInterrupt:
    sys.exit(130)

main()
