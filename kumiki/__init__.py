"""One command for people: what a stack does, what a change of it would do, and what it costs.

In a wheel this is the one import name: `kumiki.components` are the components, `kumiki.testing` is for tests of
programs, and `parts` is what the command is made of.
"""

from pathlib import Path

if not Path(__file__).with_name("components").exists():
    # In the repository the components are a folder beside this one, and `examples/` import them all the same.
    __path__.append(str(Path(__file__).resolve().parents[1]))
