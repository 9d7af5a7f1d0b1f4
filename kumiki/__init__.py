"""One command for people: what a stack does, what a change of it would do, and what it costs."""
