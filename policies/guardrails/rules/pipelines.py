"""CodePipeline: what starts a pipeline, what stands before production, and where its artefacts lie."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, Props, aws, rule
from guardrails.rules.functions import looks_secret, names_a_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

_PRODUCTION = re.compile(r"prod", re.IGNORECASE)
_PRE_PRODUCTION = re.compile(r"(pre|non|not)[-_. ]?prod", re.IGNORECASE)


def _action(name: str, category: str, **more: Any) -> dict[str, Any]:
    provider = {"Source": "CodeStarSourceConnection", "Approval": "Manual", "Deploy": "ECS"}.get(category, "CodeBuild")
    return {"name": name, "category": category, "owner": "AWS", "provider": provider, "version": "1", **more}


def _stage(name: str, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "actions": list(actions), **more}


_SOURCE = _stage("Source", _action("Source", "Source"))
_APPROVAL = _stage("Approval", _action("Approve", "Approval"))
_PROD = _stage("Production", _action("Deploy", "Deploy"), onFailure={"result": "ROLLBACK"})
_STORE = {"location": "artefacts", "type": "S3"}


def _pipeline(*stages: dict[str, Any], push: dict[str, Any] | None = None, **props: Any) -> Any:
    git = {"sourceActionName": "Source", **({"pushes": [push]} if push is not None else {})}
    triggers = [{"providerType": "CodeStarSourceConnection", "gitConfiguration": git}]
    given = {
        "roleArn": "arn:aws:iam::123456789012:role/x", "pipelineType": "V2", "artifactStores": [_STORE],
        "stages": list(stages) or [_SOURCE, _APPROVAL, _PROD], **({"triggers": triggers} if push is not None else {}),
        **props,
    }  # fmt: skip
    return aws("codepipeline/pipeline:Pipeline", given, name="pipeline")


def _stages(pipeline: Resource) -> Iterator[tuple[str, list[Props], Props]]:
    for stage in pipeline.props.items("stages"):
        if isinstance(stage, Props):
            yield stage.text("name"), [one for one in stage.items("actions") if isinstance(one, Props)], stage


def _is_production(name: str) -> bool:
    return bool(_PRODUCTION.search(name)) and not _PRE_PRODUCTION.search(name)


def _brings(name: str, actions: list[Props]) -> list[str]:
    """The actions of a stage that bring something to production; a stage Plan before it may be called so, too."""
    return [
        one.text("name")
        for one in actions
        if one.text("category") in {"Build", "Deploy", "Invoke", "Compute"}
        and (_is_production(name) or _is_production(one.text("name")))
        and (one.text("category") == "Deploy" or _is_production(name))
    ]


@rule(
    id="pipeline-approval-before-production",
    title="A person approves what a pipeline brings to production",
    types=(types.CODEPIPELINE_PIPELINE,),
    level=MANDATORY,
    severity="high",
    topics=("IAM", "fit"),
    remedy="Put an action of the category Approval before the first one that deploys to production.",
)
def pipeline_approval_before_production(pipeline: Resource, _at: Context) -> Iterator[str]:
    """Stages and actions are taken for production's by their names."""
    approved = False
    # All of them: one that is not known yet may be the approval.
    for name, actions, _ in list(_stages(pipeline)):
        brought = _brings(name, actions)
        orders = [one.number("runOrder") or 1 for one in actions if one.text("category") == "Approval"]
        if brought and not approved:
            first = min(one.number("runOrder") or 1 for one in actions if one.text("name") in brought)
            if not any(order < first for order in orders):
                yield f"{brought[0]} of the stage {name} comes without an approval before it"
        approved = approved or bool(orders)


pipeline_approval_before_production.examples(
    compliant=[
        _pipeline(),
        _pipeline(_SOURCE, _stage("Staging", _action("Deploy", "Deploy"))),
        _pipeline(_SOURCE, _stage("Prod", _action("Approve", "Approval"), _action("Deploy", "Deploy", runOrder=2))),
        _pipeline(_SOURCE, _stage("Pre-production", _action("Deploy", "Deploy"))),
    ],
    non_compliant=[
        _pipeline(_SOURCE, _PROD),
        _pipeline(_SOURCE, _PROD, _APPROVAL),
        _pipeline(_SOURCE, _stage("Production", _action("Update", "Build"))),
        _pipeline(_SOURCE, _stage("Prod", _action("Approve", "Approval"), _action("Deploy", "Deploy"))),
        _pipeline(_SOURCE, _stage("Deploy", _action("to-production", "Deploy"))),
    ],
)


@rule(
    id="pipeline-artefacts-encrypted",
    title="The artefacts of a pipeline are encrypted with a key of your own",
    types=(types.CODEPIPELINE_PIPELINE,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("at rest",),
    references=("C219", "C147"),
    remedy="Set encryptionKey of each artifactStores to a key of yours: {type: KMS, id: its ARN}.",
)
def pipeline_artefacts_encrypted(pipeline: Resource, _at: Context) -> Iterator[str]:
    """They hold the sources, and plans with what is in the stack. The key that AWS manages cannot be withdrawn."""
    for store in pipeline.props.items("artifactStores"):
        if isinstance(store, Props) and not store.has("encryptionKey.id"):
            yield f"the artefacts in {store.text('location') or 'the bucket'} have no key of yours"


_KEYED = {**_STORE, "encryptionKey": {"type": "KMS", "id": "arn:aws:kms:::key/1"}}
pipeline_artefacts_encrypted.examples(
    compliant=[_pipeline(artifactStores=[_KEYED])],
    non_compliant=[_pipeline(), _pipeline(artifactStores=[_KEYED, {**_STORE, "region": "us-east-1"}])],
)


@rule(
    id="pipeline-filters-match",
    title="The filters of a pipeline leave something that starts it",
    types=(types.CODEPIPELINE_PIPELINE,),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Name branches without refs/heads/, files without a / before them, and exclude less than is included.",
)
def pipeline_filters_match(pipeline: Resource, _at: Context) -> Iterator[str]:
    """Nobody hears of a pipeline that never starts. Branches are matched by their names, files from the repository's
    root (https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-filter.html)."""
    for trigger in pipeline.props.items("triggers"):
        if not isinstance(trigger, Props):
            continue
        for event in ("pushes", "pullRequests"):
            for filtered in trigger.items(f"gitConfiguration.{event}"):
                if isinstance(filtered, Props):
                    yield from _unmatched(filtered)


def _unmatched(filtered: Props) -> Iterator[str]:
    for kind, words in (("branches", "branch"), ("filePaths", "file"), ("tags", "tag")):
        if not filtered.has(kind):
            continue
        includes, excludes = list(filtered.items(f"{kind}.includes").texts()), filtered.items(f"{kind}.excludes")
        taken = list(excludes.texts())
        for one in includes:
            if one.startswith(("refs/", "/", "./")):
                yield f"no {words} is called {one}"
        if includes and all(any(by == one or fnmatchcase(one, by) for by in taken) for one in includes):
            yield f"every {words} of {', '.join(includes)} is excluded again by {', '.join(taken)}"
        elif not includes and "**" in taken:
            yield f"every {words} is excluded"


pipeline_filters_match.examples(
    compliant=[
        _pipeline(),
        _pipeline(push={"branches": {"includes": ["main", "release/*"], "excludes": ["release/0*"]}}),
        _pipeline(push={"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["docs/**"]}}),
    ],
    non_compliant=[
        _pipeline(push={"branches": {"includes": ["refs/heads/main"]}}),
        _pipeline(push={"branches": {"includes": ["main"], "excludes": ["*"]}}),
        _pipeline(push={"branches": {"includes": ["main"]}, "filePaths": {"includes": ["/src/**"]}}),
        _pipeline(push={"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["**"]}}),
    ],
)


@rule(
    id="pipeline-rolls-back",
    title="What a pipeline brings to production goes back when it fails",
    types=(types.CODEPIPELINE_PIPELINE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    remedy="Set onFailure: {result: ROLLBACK} at the stage, in a pipeline of the type V2.",
)
def pipeline_rolls_back(pipeline: Resource, _at: Context) -> Iterator[str]:
    """The stage then runs again with the last commit that succeeded in it
    (https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback.html)."""
    for name, actions, stage in _stages(pipeline):
        if not _brings(name, actions):
            continue
        if pipeline.props.get("pipelineType", "V1") != "V2":
            yield f"the stage {name} is one of a pipeline of the type V1, which cannot roll back"
        elif stage.get("onFailure.result") != "ROLLBACK" and stage.get("onFailure.condition.result") != "ROLLBACK":
            yield f"the stage {name} stays as it is when it fails"


pipeline_rolls_back.examples(
    compliant=[_pipeline(), _pipeline(_SOURCE, _stage("Staging", _action("Deploy", "Deploy")))],
    non_compliant=[
        _pipeline(_SOURCE, _APPROVAL, _stage("Production", _action("Deploy", "Deploy"))),
        _pipeline(_SOURCE, _APPROVAL, _stage("Production", _action("Deploy", "Deploy"), onFailure={"result": "RETRY"})),
        _pipeline(_SOURCE, _APPROVAL, _stage("Production", _action("Deploy", "Deploy")), pipelineType="V1"),
    ],
)


def _configured(**configuration: str) -> Any:
    return _pipeline(_stage("Source", _action("Source", "Source", configuration=configuration)), _APPROVAL, _PROD)


@rule(
    id="pipeline-no-literal-secret",
    title="No secret is in the configuration of a pipeline's actions",
    types=(types.CODEPIPELINE_PIPELINE,),
    level=MANDATORY,
    severity="critical",
    topics=("secrets",),
    references=("F CodeBuild.2",),
    remedy="Fetch from GitHub by a connection (CodeStarSourceConnection), which needs no token.",
)
def pipeline_no_literal_secret(pipeline: Resource, _at: Context) -> Iterator[str]:
    """Whoever may look at the pipeline sees it. The source of the first version for GitHub takes a token."""
    for _, actions, _ in _stages(pipeline):
        for action in actions:
            configuration = action.get("configuration")
            for key in configuration.keys() if isinstance(configuration, Props) else ():
                value = configuration.maybe(key)
                if not isinstance(value, str) or value.startswith("arn:"):
                    continue
                if names_a_secret(key) or looks_secret(value):
                    yield f"{key} of {action.text('name')} holds a secret"


pipeline_no_literal_secret.examples(
    compliant=[_configured(ConnectionArn="arn:aws:codeconnections:::connection/1", BranchName="main"), _pipeline()],
    non_compliant=[
        _configured(Owner="acme", Repo="wiki", OAuthToken="opens-nothing"),
        _configured(EnvironmentVariables='[{"name": "X", "value": "AKIAIOSFODNN7EXAMPLE"}]'),
    ],
)
