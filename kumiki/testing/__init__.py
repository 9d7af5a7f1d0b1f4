"""For tests of Pulumi programs: a plug-in of pytest, which comes with the wheel and needs no import.

    recorder      runs a program or a component as the engine does, creates nothing, and keeps what it registers
    previewer     the same before anything exists: what AWS computes is unknown
    resolved      the value of an output, after a run
    rehearsed     deploys a stack on the emulated AWS, once for all tests: its report, and boto3 clients
    assert_rule   asks a policy pack, as the engine does, whether a rule accuses one program and not another

`pytest --fixtures` shows them; `kumiki.testing.recorder` explains the recorder. Types for annotations are here:
`from kumiki.testing import Recorder, Rehearse, AssertRule`.
"""

from __future__ import annotations

from kumiki.testing.recorder import Recorder as Recorder
from kumiki.testing.recorder import Registered as Registered
from kumiki.testing.recorder import run as run
from kumiki.testing.rehearsals import Rehearse as Rehearse
from kumiki.testing.rehearsals import Rehearsed as Rehearsed
from kumiki.testing.rules import AssertRule as AssertRule
