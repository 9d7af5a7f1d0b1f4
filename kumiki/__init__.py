"""One command for people: what a stack does, and what a change of it would do."""
