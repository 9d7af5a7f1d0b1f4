"""A knowledge base: Bedrock reads a bucket, cuts its documents into chunks, embeds them, and finds them by meaning.

Use: wiki = KnowledgeBase("wiki-dev-wiki", KnowledgeBaseArgs(on_changes=True), store=indexes.made["pages"],
                          bucket=pages, sync=definition)
     wiki.grant_retrieve(api_task_role)

It is brought up to date by a workflow, which changes of the bucket or a schedule start. Bedrock runs one ingestion job
for a data source at a time; the workflow (workloads/workflows/knowledge-base-sync.asl.json) waits for its turn, and
starts no job where another's has seen the change already. A schedule alone could start the job itself, without a
workflow; but a job that is still running would then be a failure, and a job that fails would be none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Protocol

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import AlarmTopics
from ..args import Args, ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..messaging.event_route import EventRoute, EventRouteArgs
from ..messaging.schedule import Schedule, ScheduleArgs
from ..messaging.workflow import Workflow, WorkflowArgs
from ..policy import Statement, statement
from ..service_role import service_role
from ..values import LogRetentionDays, text
from ..widgets import Widget, widgets_of
from .models import MODELS

SYNC_DEFINITION: Final = "knowledge-base-sync"
"""The file of workloads/workflows that brings it up to date."""

Folder = Annotated[
    str,
    text(
        r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*",
        "write the names of folders with slashes between them, such as docs/published",
    ),
]


class VectorStore(Protocol):
    """Where a knowledge base keeps its vectors: an index of a collection, or a table."""

    @property
    def embedding_model(self) -> str: ...
    @property
    def length(self) -> int:
        """Of its vectors."""
        ...

    @property
    def for_bedrock(self) -> bool:
        """Whether Bedrock reaches it."""
        ...

    @property
    def created(self) -> pulumi.Resource:
        """What is there when the store is."""
        ...

    @property
    def storage(self) -> aws.bedrock.AgentKnowledgeBaseStorageConfigurationArgsDict: ...

    def grant_use(self, role: aws.iam.Role) -> aws.iam.RolePolicy: ...


class Chunks(Args):
    """How documents are cut."""

    tokens: Annotated[int, Field(ge=20, le=8192)] = 300
    """The most tokens of a chunk; some 4 letters of English or 1 of Japanese each. The embedding model must take as
    many."""

    overlap_percent: Annotated[int, Field(ge=1, le=99)] = 20
    """What a chunk repeats of the one before it."""


class KnowledgeBaseArgs(ComponentArgs):
    """A knowledge base of Bedrock. It costs nothing itself: the embedding of each token that is new or has changed, of
    each question, and the store of its vectors are paid."""

    description: Annotated[str, Field(max_length=200)] = ""
    """What it knows; an agent chooses by it."""

    folder: Folder | None = None
    """What it reads of the bucket: everything below this folder. Left out: all."""

    chunks: Chunks = Chunks()
    """How documents are cut before they are embedded."""

    on_changes: bool = False
    """Bring it up to date a minute after something has changed in the bucket, which must tell of its `events`."""

    schedule: ScheduleArgs | None = None
    """When it is brought up to date by itself; beside `on_changes` for what those may miss."""

    log_retention_days: LogRetentionDays = 30
    """How long a record of the log of the workflow is kept. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        if not self.on_changes and self.schedule is None:
            yield Mistake("schedule", None, "is missing: it would stay empty; add one, or set onChanges to true")
        if self.schedule is not None and self.schedule.input:
            reason = "is given by the knowledge base, which starts its workflow with the planned moment; leave it out"
            yield Mistake(("schedule", "input"), self.schedule.input, reason)


class KnowledgeBase(Component):
    """A knowledge base, its source, its role, and what keeps it up to date."""

    CHILDREN = ("role", "policy", "knowledge_base", "data_source", "grant")

    arn: pulumi.Output[str]
    id: pulumi.Output[str]
    data_source_id: pulumi.Output[str]
    workflow: Workflow
    """What brings it up to date; whoever writes to the bucket by other ways may start it."""

    def __init__(
        self,
        name: str,
        args: KnowledgeBaseArgs,
        *,
        store: VectorStore,
        bucket: Bucket,
        sync: str,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param store: Where its vectors are.
        :param bucket: What it reads.
        :param sync: The text of the definition SYNC_DEFINITION.
        :param key: What encrypts what Bedrock keeps while it ingests. Without one AWS's own key.
        :param log_key: What encrypts the log of the workflow.
        """
        super().__init__(name, args, opts)
        if not store.for_bedrock:
            reason = "is private and lets no AWS service in; set bedrock to true on the collection"
            raise ArgumentError("store", "a collection", reason)
        if args.on_changes and not bucket.tells_events:
            raise ArgumentError(
                "on_changes", True, "needs a bucket that tells of its changes; set events on the bucket"
            )
        self._args, self._account = args, Account.of(self)
        role, ready = self._role(store, bucket, key)
        base = self._base(store, role, ready)
        source = self._source(base, bucket, key)
        self.arn, self.id, self.data_source_id = base.arn, base.id, source.data_source_id
        self.workflow = self._workflow(sync, log_key)
        self._started: list[Schedule | EventRoute] = list(self._starts(bucket))
        self.register_outputs({"arn": self.arn, "id": self.id})

    def grant_retrieve(self, role: aws.iam.Role, *, generate: bool = False) -> aws.iam.RolePolicy:
        """Let `role` find chunks by a question, and nothing more.

        :param generate: Also let Bedrock answer with a model from what it finds (RetrieveAndGenerate). AWS has no
            resource for this action, so it is allowed on "*"; the role must be allowed to invoke the model besides, and
            without Retrieve on a knowledge base the action finds nothing.
        """
        statements = [statement("FindChunks", actions="bedrock:Retrieve", resources=self.arn)]
        if generate:
            statements.append(statement("LetBedrockAnswer", actions="bedrock:RetrieveAndGenerate", resources="*"))
        return self._allow(role, "retrieve", *statements)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """It could not be brought up to date, or nothing started to."""
        return [*self.workflow.alarms(topics), *(alarm for one in self._started for alarm in one.alarms(topics))]

    @property
    def widgets(self) -> list[Widget]:
        """How it is brought up to date, and what started nothing."""
        return widgets_of(self.workflow, *self._started)

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _role(
        self, store: VectorStore, bucket: Bucket, key: AnyKey | None
    ) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """Whom Bedrock works as, and what must be there before it tries."""
        role, policy = service_role(
            self._prefix,
            self._account,
            self._child,
            service="bedrock.amazonaws.com",
            # By its id, which only comes with it: so any knowledge base of this account.
            # https://docs.aws.amazon.com/bedrock/latest/userguide/kb-permissions.html
            source_arn=self._account.arn("bedrock", "knowledge-base/*"),
            description=f"Lets Bedrock fill and search {self._prefix}.",
            statements=self._statements(store, key),
        )
        return role, [policy, bucket.grant_read(role, self._args.folder), store.grant_use(role)]

    def _statements(self, store: VectorStore, key: AnyKey | None) -> list[Statement]:
        statements = [
            statement("EmbedText", actions="bedrock:InvokeModel", resources=self._model_arn(store.embedding_model))
        ]
        if key is not None:
            statements.append(
                statement("KeepWhatIsIngested", actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=key.arn)
            )
        return statements

    def _model_arn(self, name: str) -> pulumi.Output[str]:
        return self._account.public_arn("bedrock", f"foundation-model/{MODELS[name].id}")

    def _base(
        self, store: VectorStore, role: aws.iam.Role, ready: list[pulumi.Resource]
    ) -> aws.bedrock.AgentKnowledgeBase:
        vectors: aws.bedrock.AgentKnowledgeBaseKnowledgeBaseConfigurationVectorKnowledgeBaseConfigurationArgsDict = {
            "embedding_model_arn": self._model_arn(store.embedding_model)
        }
        # A model with one length takes no wish.
        if len(MODELS[store.embedding_model].dimensions) > 1:
            vectors["embedding_model_configuration"] = {
                "bedrock_embedding_model_configuration": {
                    "dimensions": store.length,
                    "embedding_data_type": "FLOAT32",
                }
            }
        return aws.bedrock.AgentKnowledgeBase(
            f"{self._prefix}-knowledge-base",
            name=self._prefix,
            description=self._args.description or None,
            role_arn=role.arn,
            knowledge_base_configuration={"type": "VECTOR", "vector_knowledge_base_configuration": vectors},
            storage_configuration=store.storage,
            tags={"Name": f"{self._prefix}-knowledge-base"},
            # Bedrock tries the role and looks at the store when the knowledge base is made.
            opts=self._child("knowledge_base", depends_on=[*ready, store.created]),
        )

    def _source(
        self, base: aws.bedrock.AgentKnowledgeBase, bucket: Bucket, key: AnyKey | None
    ) -> aws.bedrock.AgentDataSource:
        args, chunks = self._args, self._args.chunks
        return aws.bedrock.AgentDataSource(
            f"{self._prefix}-data-source",
            name=self._prefix,
            knowledge_base_id=base.id,
            # To delete them, Bedrock would need the store and the role for as long: both go with the stack.
            data_deletion_policy="RETAIN",
            data_source_configuration={
                "type": "S3",
                "s3_configuration": {
                    "bucket_arn": bucket.arn,
                    "bucket_owner_account_id": self._account.id,
                    "inclusion_prefixes": [f"{args.folder}/"] if args.folder else None,
                },
            },
            server_side_encryption_configuration={"kms_key_arn": key.arn} if key is not None else None,
            vector_ingestion_configuration={
                "chunking_configuration": {
                    "chunking_strategy": "FIXED_SIZE",
                    "fixed_size_chunking_configuration": {
                        "max_tokens": chunks.tokens,
                        "overlap_percentage": chunks.overlap_percent,
                    },
                }
            },
            opts=self._child("data_source"),
        )

    def _workflow(self, sync: str, log_key: AnyKey | None) -> Workflow:
        workflow = Workflow(
            f"{self._prefix}-sync",
            WorkflowArgs(log_retention_days=self._args.log_retention_days),
            definition=sync,
            substitutions={"knowledgeBaseId": self.id, "dataSourceId": self.data_source_id},
            log_key=log_key,
            opts=pulumi.ResourceOptions(parent=self),
        )
        actions = ["bedrock:GetIngestionJob", "bedrock:ListIngestionJobs", "bedrock:StartIngestionJob"]
        self._allow(workflow.role, "ingest", statement("BringItUpToDate", actions=actions, resources=self.arn))
        return workflow

    def _starts(self, bucket: Bucket) -> Iterator[Schedule | EventRoute]:
        within = pulumi.ResourceOptions(parent=self)
        if self._args.on_changes:
            folder = {"object": {"key": [{"prefix": f"{self._args.folder}/"}]}} if self._args.folder else {}
            pattern = {
                "source": ["aws.s3"],
                "detail-type": ["Object Created", "Object Deleted"],
                "detail": {"bucket": {"name": [{"prefix": bucket.name_begins}]}, **folder},
            }
            route = EventRouteArgs(pattern=pattern, description=f"Brings {self._prefix} up to date.")
            yield EventRoute(f"{self._prefix}-changes", route, target=self.workflow.target, opts=within)
        if self._args.schedule is not None:
            # As an event, it says by `time` up to when it must be.
            when = self._args.schedule.model_copy(update={"input": {"time": "<aws.scheduler.scheduled-time>"}})
            yield Schedule(f"{self._prefix}-schedule", when, target=self.workflow.target, opts=within)
