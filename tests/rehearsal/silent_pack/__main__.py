"""A pack that never objects, for tests of everything else."""

from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

PolicyPack(
    name="silent",
    enforcement_level=EnforcementLevel.ADVISORY,
    policies=[
        ResourceValidationPolicy(name="silence", description="Nothing is wrong.", validate=lambda _args, _report: None)
    ],
)
