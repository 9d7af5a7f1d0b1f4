"""Models at Bedrock: where they answer, who may ask which, and what Bedrock refuses when it is told or asked."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, Statement, aws, example, graph_rule, json_of, ref, rule, statements
from guardrails.kit.stack import JAPAN
from guardrails.rules.permissions import WITH_POLICY, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
_ARN = re.compile(r"arn:[^:]*:bedrock:([^:]*):[^:]*:(foundation-model|inference-profile)/(.+)")
_PROFILE_OF = re.compile(r"(?:.*/)?([a-z*][a-z*-]*)\.")

# Where the requests to a profile of this prefix may be answered, whatever the region in which they are made
# (https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html). Of others, apac and global
# among them, it is too far to be listed.
_ANSWERED: dict[str, frozenset[str]] = {
    "jp": frozenset(JAPAN),
    "au": frozenset({"ap-southeast-2", "ap-southeast-4", "ap-southeast-6"}),
    "ca": frozenset({"ca-central-1", "ca-west-1"}),
    "us": frozenset({"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1"}),
    "eu": frozenset(
        {
            "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2",
            "eu-west-3",
        }
    ),
}  # fmt: skip


def _invocations(resource: Resource) -> Iterator[tuple[Statement, str]]:
    """Each resource on which a policy allows to invoke models, with its statement."""
    for each in allowed(resource):
        if each.allows and each.covers(_INVOKE):
            for named in each.resources:
                yield each, named


def _covers_kinds(pattern: str) -> bool:
    """Whether a pattern covers models or profiles and names neither, as `arn:aws:bedrock:*:*:*`; but for `*`."""
    *head, what = pattern.split(":", 5)
    kind = what.partition("/")[0]
    of_bedrock = bool(head) and head[2:3] in ([], ["bedrock"])
    return of_bedrock and any(fnmatchcase(each, kind) for each in ("foundation-model", "inference-profile"))


def _leaves(profile: str, at: Context) -> str | None:
    """What is wrong with where a profile leads; None if it stays."""
    found = _PROFILE_OF.match(profile)
    prefix = found.group(1) if found else "*"
    where = _ANSWERED.get(prefix)
    if where is None:
        return f"{profile} is answered outside of {', '.join(at.stack.regions)}"
    outside = sorted(where - set(at.stack.regions))
    return f"{profile} is answered in {', '.join(outside)} too" if outside else None


def _narrowed(statement: Statement, at: Context) -> bool:
    """Whether the statement holds only for requests that stay: by a profile that does, or in regions that are named."""
    for operator, key, values in statement.conditions:
        if "Not" in operator or operator.endswith("IfExists") or operator.startswith("ForAllValues:"):
            continue
        if key == "aws:requestedregion" and set(values) <= set(at.stack.regions):
            return True
        if key == "bedrock:inferenceprofilearn" and not any(_leaves(one.rpartition("/")[2], at) for one in values):
            return True
    return False


def _may(*resources: str, action: Any = "bedrock:InvokeModel", **condition: Any) -> Any:
    given = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
    more = {"Condition": {"StringEquals": condition}} if condition else {}
    return aws("iam/rolePolicy:RolePolicy", {"role": "r", "policy": json_of({**given, **more})})


def _model(region: str, model: str = "anthropic.claude-sonnet-4-6") -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"


def _profile(prefix: str, model: str = "anthropic.claude-sonnet-4-6") -> str:
    return f"arn:aws:bedrock:ap-northeast-1:123456789012:inference-profile/{prefix}.{model}"


_TOKYO, _OSAKA = JAPAN
_BY_JP = {"bedrock:InferenceProfileArn": _profile("jp")}


def _application_profile(source: str) -> Any:
    return aws("bedrock/inferenceProfile:InferenceProfile", {"name": "p", "modelSource": {"copyFrom": source}})


def _guardrail(**props: Any) -> Any:
    given = {"name": "kumiki-dev-guardrail", "blockedInputMessaging": "No.", "blockedOutputsMessaging": "No."}
    return aws("bedrock/guardrail:Guardrail", {**given, **props})


@rule(
    id="model-residency",
    title="Models are asked where the stack may keep data",
    types=(*WITH_POLICY, types.INFERENCE_PROFILE, types.BEDROCK_GUARDRAIL),
    level=MANDATORY,
    severity="high",
    topics=("residency", "IAM"),
    remedy="Name a model that the region offers itself, or a profile whose regions are all allowed (in Japan: jp).",
)
def model_residency(resource: Resource, at: Context) -> Iterator[str]:
    """Bedrock answers a request to an inference profile in any of the profile's regions, and nobody can choose: prompts
    and answers go there. The same holds for a guardrail with a profile. Policies name where that may be: by the
    profile, and by the region of the model. Models on `*` itself are iam-resources-named's."""
    if resource.kind == types.INFERENCE_PROFILE:
        found = _ARN.match(resource.props.text("modelSource.copyFrom"))
        if found and found.group(2) == "inference-profile" and (why := _leaves(found.group(3), at)):
            yield why
        return
    if resource.kind == types.BEDROCK_GUARDRAIL:
        named = resource.props.maybe("crossRegionConfig.guardrailProfileIdentifier")
        if isinstance(named, str) and (why := _leaves(named.rpartition("/")[2], at)):
            yield why
        return
    for statement, named in _invocations(resource):
        if _narrowed(statement, at):
            continue
        found = _ARN.match(named)
        if found is None:
            if _covers_kinds(named):
                yield f"{named} is every model and profile"
            continue
        region, kind, model = found.groups()
        if kind == "inference-profile":
            why = _leaves(model, at)
        else:
            why = None if region in at.stack.regions else f"{model} may be asked in {region or 'any region'}"
        if why:
            yield why


model_residency.examples(
    compliant=[
        _may(_model(_TOKYO)),
        _may(_profile("jp"), _model(_TOKYO), _model(_OSAKA)),
        _may(_model("*"), **_BY_JP),
        _may(_model("*"), **{"aws:RequestedRegion": [_TOKYO]}),
        _may(_model("us-east-1"), action="bedrock:GetFoundationModel"),
        _may(_model(_TOKYO), "arn:aws:bedrock:ap-northeast-1:123456789012:guardrail/*"),
        _may("arn:aws:bedrock:*:*:*", **{"aws:RequestedRegion": [_TOKYO]}),
        _application_profile(_profile("jp")),
        _guardrail(),
    ],
    non_compliant=[
        _may(_profile("apac", "amazon.nova-pro-v1:0")),
        _may(_profile("global")),
        _may(_profile("us")),
        _may(_profile("*")),
        _may(_model("us-east-1"), action="bedrock:Invoke*"),
        _may(_model("*")),
        _may(_model("")),
        _may("arn:aws:bedrock:*:*:*"),
        _may("arn:aws:bedrock:ap-northeast-1:999999999999:*"),
        _may("arn:aws:bedrock:*"),
        _may("arn:aws:bedrock:*:*:*/anthropic.*"),
        _may(_model("*"), **{"bedrock:InferenceProfileArn": _profile("global")}),
        _application_profile(_profile("apac")),
        _guardrail(crossRegionConfig={"guardrailProfileIdentifier": "apac.guardrail.v1:0"}),
    ],
)


@rule(
    id="model-profile-whole",
    title="Who may ask a profile may ask its model in each of the profile's regions",
    types=WITH_POLICY,
    level=MANDATORY,
    severity="medium",
    topics=("fit", "IAM"),
    remedy="Allow the foundation model's ARN in every destination region, on condition of bedrock:InferenceProfileArn.",
)
def model_profile_whole(resource: Resource, _at: Context) -> Iterator[str]:
    """Bedrock asks for the permission of the profile and for that of the model where it answers: with one region
    missing, some requests are refused and others are not
    (https://docs.aws.amazon.com/bedrock/latest/userguide/geographic-cross-region-inference.html). Of a profile of Japan
    both regions must be there, of any other at least one."""
    named = dict.fromkeys(each for _, each in _invocations(resource))
    if "*" in named:
        return
    for each in named:
        found = _ARN.match(each)
        if found is None or found.group(2) != "inference-profile" or "*" in found.group(3):
            continue
        prefix, _, model = found.group(3).partition(".")
        places = JAPAN if prefix == "jp" else ()
        lacking = [place for place in places if not any(fnmatchcase(_model(place, model), one) for one in named)]
        if lacking:
            yield f"{found.group(3)} without the model in {', '.join(lacking)}"
        elif not places and not any(one.endswith(f"foundation-model/{model}") for one in named):
            yield f"{found.group(3)} without its model"


model_profile_whole.examples(
    compliant=[
        _may(_profile("jp"), _model(_TOKYO), _model(_OSAKA)),
        _may(_profile("jp"), "arn:aws:bedrock:*::foundation-model/anthropic.*"),
        _may(_profile("us"), _model("us-east-1")),
        _may(_model(_TOKYO)),
        _may("*"),
    ],
    non_compliant=[
        _may(_profile("jp")),
        _may(_profile("jp"), _model(_TOKYO)),
        _may(_profile("us"), _model("us-east-1", "anthropic.claude-opus-4-8")),
    ],
)


@rule(
    id="model-named",
    title="Models are permitted by their whole names",
    types=WITH_POLICY,
    level=ADVISORY,
    severity="medium",
    topics=("IAM", "cost"),
    remedy="Name each model by its id, without wildcards.",
)
def model_named(resource: Resource, _at: Context) -> Iterator[str]:
    """A wildcard lets in models that come later, and that cost many times as much."""
    for _, named in _invocations(resource):
        found = _ARN.match(named)
        if found and ("*" in found.group(3) or "?" in found.group(3)):
            yield f"{found.group(2)}/{found.group(3)} is more than one model"


model_named.examples(
    compliant=[_may(_model(_TOKYO)), _may("*", action="bedrock:ListFoundationModels")],
    non_compliant=[
        _may(_model("*", "anthropic.claude-3-5-sonnet-*")),
        _may(_model(_TOKYO, "*")),
        _may(_profile("jp", "anthropic.*")),
    ],
)


def _filter(kind: str, output: str) -> dict[str, Any]:
    return {"filtersConfigs": [{"type": kind, "inputStrength": "HIGH", "outputStrength": output}]}


@rule(
    id="guardrail-fits",
    title="A guardrail is one that Bedrock takes",
    types=(types.BEDROCK_GUARDRAIL,),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Set outputStrength NONE for PROMPT_ATTACK; use the tier CLASSIC, or add crossRegionConfig for STANDARD.",
)
def guardrail_fits(guardrail: Resource, _at: Context) -> Iterator[str]:
    """Bedrock refuses a strength for attacks in answers
    (https://github.com/hashicorp/terraform-provider-awscc/issues/1905), and the standard tier without a profile
    (https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-tiers.html)."""
    for each in guardrail.props.items("contentPolicyConfig.filtersConfigs").blocks():
        if each.get("type") == "PROMPT_ATTACK" and each.get("outputStrength", "NONE") != "NONE":
            yield f"PROMPT_ATTACK has the outputStrength {each.get('outputStrength')}"
    for policy in ("contentPolicyConfig", "topicPolicyConfig"):
        tiers = [each.maybe("tierName") for each in guardrail.props.items(f"{policy}.tierConfigs").blocks()]
        if "STANDARD" in tiers and not guardrail.props.has("crossRegionConfig"):
            yield f"{policy} has the tier STANDARD, and there is no crossRegionConfig"


guardrail_fits.examples(
    compliant=[
        _guardrail(contentPolicyConfig=_filter("PROMPT_ATTACK", "NONE")),
        _guardrail(contentPolicyConfig=_filter("HATE", "HIGH")),
        _guardrail(contentPolicyConfig={**_filter("HATE", "HIGH"), "tierConfigs": [{"tierName": "CLASSIC"}]}),
        _guardrail(
            contentPolicyConfig={**_filter("HATE", "HIGH"), "tierConfigs": [{"tierName": "STANDARD"}]},
            crossRegionConfig={"guardrailProfileIdentifier": "apac.guardrail.v1:0"},
        ),
    ],
    non_compliant=[
        _guardrail(contentPolicyConfig=_filter("PROMPT_ATTACK", "HIGH")),
        _guardrail(contentPolicyConfig={**_filter("HATE", "HIGH"), "tierConfigs": [{"tierName": "STANDARD"}]}),
    ],
)


_SERVICE = "bedrock.amazonaws.com"
_LET_IN = {"Effect": "Allow", "Principal": {"Service": _SERVICE}, "Action": "s3:PutObject", "Resource": "*"}
_LET_USE = {**_LET_IN, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}
_BUCKET = aws("s3/bucket:Bucket", name="records")
_RECORD = aws(
    "bedrockmodel/invocationLoggingConfiguration:InvocationLoggingConfiguration",
    {"loggingConfig": {"s3Config": {"bucketName": ref("records")}}},
    name="record",
)


_KEY_OF = "rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId"


def _policy_of_bucket(*given: dict[str, Any]) -> Any:
    return aws("s3/bucketPolicy:BucketPolicy", {"bucket": ref("records"), "policy": json_of(*given)}, name="policy")


def _encrypted(*given: dict[str, Any]) -> tuple[Any, Any]:
    rules = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": ref("key", "arn")}}]
    return (
        aws("kms/key:Key", {"policy": json_of(*given)}, name="key"),
        aws(
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            {"bucket": ref("records"), "rules": rules},
            name="encryption",
        ),
    )


def _admits(found: list[Statement], action: str) -> bool:
    return any(each.allows and _SERVICE in each.services() and each.covers([action]) for each in found)


@graph_rule(
    id="model-record-permitted",
    title="The bucket of the record of model invocations lets Bedrock write",
    types=(types.INVOCATION_LOGGING_CONFIGURATION,),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "logging"),
    remedy="Allow bedrock.amazonaws.com s3:PutObject in the bucket's policy, and kms:GenerateDataKey in its key's.",
)
def model_record_permitted(record: Resource, at: Context) -> Iterator[str]:
    """Bedrock tries to write when it is told of the bucket, and refuses one that does not let it
    (https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html)."""
    for bucket in at.graph.targets(record, types.S3_BUCKET, via="loggingConfig.s3Config.bucketName"):
        policies = at.graph.children(bucket, types.BUCKET_POLICY, via="bucket")
        if not _admits([one for each in policies for one in statements(each.props, "policy")], "s3:PutObject"):
            yield f"the policy of {bucket.name} does not allow {_SERVICE} to write"
        for encryption in at.graph.children(bucket, types.BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION, via="bucket"):
            for key in at.graph.targets(encryption, types.KMS_KEY, via=_KEY_OF):
                written = [key, *at.graph.children(key, types.KEY_POLICY, via="keyId")]
                found = [one for each in written for one in statements(each.props, "policy")]
                if not _admits(found, "kms:GenerateDataKey"):
                    yield f"the policy of {key.name} does not allow {_SERVICE} to use it"


model_record_permitted.examples(
    compliant=[
        example(_BUCKET, _policy_of_bucket(_LET_IN), _RECORD),
        example(_BUCKET, _policy_of_bucket(_LET_IN), *_encrypted(_LET_USE), _RECORD),
    ],
    non_compliant=[
        example(_BUCKET, _RECORD),
        example(_BUCKET, _policy_of_bucket({**_LET_IN, "Principal": {"Service": "logs.amazonaws.com"}}), _RECORD),
        example(_BUCKET, _policy_of_bucket(_LET_IN), *_encrypted({**_LET_USE, "Action": "kms:Decrypt"}), _RECORD),
    ],
)
