"""The rehearsal: the unmodified program deployed on an emulated AWS, and checked by the policy pack.

Who runs what (each box is a process of its own):

    python -m rehearsal STACK ─┬─ cloud      moto, in process: creates, looks up, serves (cloud/)
                               ├─ lint       cfn-lint with AWS's schemas (lint/)
                               ├─ analyzer   the policy pack, started as the engine starts it (analyzer.py)
                               ├─ preview    the program as in a dry run: computed values are unknown
                               └─ deploy     the program as in an update: remediate, analyze, create

The passes are forked from a process that has imported the SDKs (preload.py), and import the program themselves. With
`--watch` all of this is one fork of a process that has imported the emulator and the linter, too (watch.py).

The program never learns that it is being rehearsed: it talks to a resource monitor (monitor.py), as under the engine.
"""
