"""CodePipeline: pipelines. moto keeps them and runs nothing."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec
from rehearsal.problems import AwsError

_TYPE: Final = ("category", "owner", "provider", "version")


def _pipeline(inputs: dict[str, Any]) -> dict[str, Any]:
    """The request has one object around all, names for what the program lists by texts, and a list of conditions where
    the program has one. The provider sends `artifactStores` as the one store where none has a region."""
    made = {**inputs}
    stores = made.pop("artifactStores", [])
    if len(stores) == 1 and not stores[0].get("region"):
        made["artifactStore"] = stores[0]
    else:
        made["artifactStores"] = {
            store["region"]: {k: v for k, v in store.items() if k != "region"} for store in stores
        }
    _refuse(made)
    made["stages"] = [_stage(stage) for stage in made.get("stages", [])]
    made["triggers"] = [_trigger(trigger) for trigger in made.get("triggers", [])] or None
    return {"pipeline": {key: value for key, value in made.items() if value is not None}}


def _stage(stage: dict[str, Any]) -> dict[str, Any]:
    made = {**stage, "actions": [_action(action) for action in stage["actions"]]}
    for when in ("beforeEntry", "onSuccess", "onFailure"):
        if when in made:
            made[when] = _condition(made[when])
    return made


def _condition(given: dict[str, Any]) -> dict[str, Any]:
    made = {**given}
    if "condition" in made:
        made["conditions"] = [made.pop("condition")]
    return made


def _action(action: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in action.items() if key not in _TYPE}
    made["actionTypeId"] = {key: action[key] for key in _TYPE}
    for key in ("inputArtifacts", "outputArtifacts"):
        if key in made:
            made[key] = [{"name": name} for name in made[key]]
    if "outputArtifactsForComputeActions" in made:
        made["outputArtifacts"] = made.pop("outputArtifactsForComputeActions")
    return made


def _trigger(trigger: dict[str, Any]) -> dict[str, Any]:
    git = {**trigger["gitConfiguration"]}
    for program, request in (("pushes", "push"), ("pullRequests", "pullRequest")):
        if program in git:
            git[request] = git.pop(program)
    return {**trigger, "gitConfiguration": git}


def _refuse(pipeline: dict[str, Any]) -> None:
    """What CodePipeline refuses and the emulator takes (docs.aws.amazon.com/codepipeline/latest/userguide/
    reference-pipeline-structure.html): sources elsewhere than in the first stage, what nobody makes before it is taken,
    and what only pipelines of type V2 have."""
    made: set[str] = set()
    for number, stage in enumerate(pipeline.get("stages", [])):
        where = f"CreatePipeline: the stage {stage['name']}"
        made_here: set[str] = set()
        # In the order in which they run.
        for action in sorted(stage["actions"], key=lambda action: action.get("runOrder", 1)):
            if (action["category"] == "Source") != (number == 0):
                raise AwsError(
                    f"{where} has the action {action['name']}", "put sources, and only them, in the first stage"
                )
            if missing := set(action.get("inputArtifacts", [])) - made - made_here:
                raise AwsError(
                    f"{where} takes {', '.join(sorted(missing))}, which nothing before makes", "name its maker"
                )
            made_here |= set(action.get("outputArtifacts", []))
        if repeated := made & made_here:
            raise AwsError(f"{where} makes {', '.join(sorted(repeated))} again", "give each artefact a name of its own")
        made |= made_here
        if number == 0 and (stage.get("onFailure") or {}).get("result") == "ROLLBACK":
            raise AwsError(f"{where} cannot be rolled back", "leave onFailure out of the source stage")
        if pipeline.get("pipelineType", "V1") != "V2" and ({"onFailure", "onSuccess", "beforeEntry"} & set(stage)):
            raise AwsError(f"{where} has conditions", "set pipelineType to V2")
    if pipeline.get("pipelineType", "V1") != "V2" and (pipeline.get("triggers") or pipeline.get("variables")):
        raise AwsError("CreatePipeline: triggers and variables are V2's", "set pipelineType to V2")


SPECS: Final[dict[str, Spec]] = {
    "aws:codepipeline/pipeline:Pipeline": Spec(
        service="codepipeline",
        create=Call(operation="CreatePipeline", reshape=_pipeline),
        id="pipeline.name",
        autoname="name",
        outputs={"arn": "arn:{partition}:codepipeline:{region}:{account}:{name}"},
    ),
}
