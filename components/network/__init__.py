"""Where a system runs: its network and the ways in and out of it."""
