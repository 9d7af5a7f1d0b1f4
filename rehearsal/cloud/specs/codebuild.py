"""CodeBuild: projects, and what starts their builds. moto keeps projects and builds nothing."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec


def _filters(inputs: dict[str, Any]) -> dict[str, Any]:
    """Groups of filters are objects with a list in the program, and lists in the request."""
    groups = inputs.get("filterGroups")
    if groups is None:
        return inputs
    return {**inputs, "filterGroups": [group.get("filters", []) for group in groups]}


def _located(inputs: dict[str, Any]) -> dict[str, Any]:
    """moto asks for a location of all sources and results, and those of a pipeline have none."""
    parts = {part: inputs[part] for part in ("source", "artifacts") if inputs[part].get("type") == "CODEPIPELINE"}
    return {**inputs, **{part: {"location": "CODEPIPELINE", **given} for part, given in parts.items()}}


SPECS: Final[dict[str, Spec]] = {
    "aws:codebuild/project:Project": Spec(
        service="codebuild",
        create=Call(
            operation="CreateProject",
            takes={"buildTimeout": "timeoutInMinutes", "queuedTimeout": "queuedTimeoutInMinutes"},
            reshape=_located,
        ),
        id="project.arn",
        autoname="name",
        outputs={"arn": "project.arn"},
    ),
    "aws:codebuild/webhook:Webhook": Spec(
        service="codebuild",
        create=Call(operation="CreateWebhook", reshape=_filters),
        id="{projectName}",
        validated_only=lambda _inputs: "the emulator tells GitHub nothing",
    ),
}
