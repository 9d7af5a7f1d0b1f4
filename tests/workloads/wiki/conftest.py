"""An account for the wiki: tables, bucket, queues, secrets and parameters in moto, and stand-ins beside it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from api import trace
from botocore.httpsession import URLLib3Session
from moto.server import ThreadedMotoServer
from wiki.github import File, folders
from wiki.github import GitHub as Sources
from wiki.index import Index
from wiki.model import Models
from wiki.pages import Writer
from wiki.settings import Settings
from wiki.store import Store
from wiki.worker import Worker

from tests.workloads.collection import ACCESS_KEY, REGION, SECRET_KEY
from tests.workloads.wiki.stand_ins import Bedrock, Collection, GitHub, serving


def client(service: str) -> Any:
    """A client of the emulator, whose methods no type checker knows."""
    return boto3.client(service)


MAPPING = Path(__file__).resolve().parents[3] / "workloads" / "wiki" / "index.json"
MODEL = "jp.anthropic.claude-sonnet-4-5-20250929-v1:0"
ATTEMPTS = 3


@dataclass
class Account:
    """All that the wiki needs, and what the tests want to know of it."""

    environment: dict[str, str]
    collection: Collection
    bedrock: Bedrock
    github: GitHub
    dead_letters: str
    workers: list[Worker] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings.read(self.environment)

    def client(self, service: str) -> Any:
        return client(service)

    def store(self) -> Store:
        return Store(self.settings)

    def index(self) -> Index:
        return Index(self.settings.search_endpoint, self.settings.search_index, pause=lambda _: None)

    def models(self, **given: Any) -> Models:
        return Models.of(self.settings, **given)

    def worker(self, **given: Any) -> Worker:
        settings = self.settings
        made = Worker(
            settings=settings, store=self.store(), index=self.index(), models=given.pop("models", self.models()),
            github=Sources(settings.github_api, settings.github_token_secret), sqs=self.client("sqs"),
            **{"wait_seconds": 0, "beat_seconds": 0.2, **given},
        )  # fmt: skip
        self.workers.append(made)
        return made

    def work(self, **given: Any) -> Worker:
        """Let a worker do what waits now."""
        worker = self.worker(**given)
        receive = worker.sqs.receive_message

        def until_empty(**asked: Any) -> Any:
            answer = receive(**asked)
            if not answer.get("Messages"):
                worker._stop.set()  # noqa: SLF001 nothing is under way
            return answer

        worker.sqs.receive_message = until_empty
        worker.run()
        return worker

    def tell(self, **parameters: str | None) -> None:
        """Change how models are asked: `writer__top_p="0.9"`, or None for what shall not be there."""
        ssm = self.client("ssm")
        for name, value in parameters.items():
            path = f"{self.environment['MODELS_PATH']}/{name.replace('__', '/').replace('_', '-')}"
            if value is None:
                ssm.delete_parameter(Name=path)
            else:
                ssm.put_parameter(Name=path, Value=value, Type="String", Overwrite=True)

    def ask(self, repository: str, action: str = "analyse", commit: str | None = None) -> str:
        job = {"id": uuid.uuid4().hex, "repository": repository, "action": action, "commit": commit}
        self.store().ask(job, None)
        return job["id"]

    def state(self, job: str) -> dict[str, Any]:
        found = self.store().job(job)
        assert found is not None
        return found

    def waiting(self, queue: str | None = None) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = queue or self.environment["QUEUE_URL"]
        answer = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def texts(self, repository: str) -> dict[str, str]:
        """What is in the bucket, by its key."""
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=self.environment["BUCKET_CONTENT"], Prefix=f"pages/{repository}/")
        return {
            one["Key"]: s3.get_object(Bucket=self.environment["BUCKET_CONTENT"], Key=one["Key"])["Body"].read().decode()
            for one in found.get("Contents", [])
        }

    def writer(self, repository: str) -> Writer:
        store = self.store()
        store.add_repository(repository)
        epoch = store.take_over(repository)
        assert epoch is not None
        return Writer(
            store=store, index=self.index(), model=self.models(), model_name=MODEL, repository=repository, epoch=epoch,
            pause=lambda _: None,
        )  # fmt: skip

    def agree(self, repository: str, pages: dict[str, str]) -> None:
        """Bucket, table and index hold these pages with these words, and nothing else."""
        records = {page.path: page for page in self.store().pages(repository)}
        assert set(records) == set(pages)
        for path, page in records.items():
            assert (page.pending, page.stale, page.stale_hash, page.removed) == (None, (), None, False), page
            assert pages[path] in self.texts(repository)[f"pages/{repository}/{path}/{page.hash}.md"]
        kept = {f"pages/{repository}/{path}/{page.hash}.md" for path, page in records.items()}
        assert set(self.texts(repository)) == kept
        documents = {i: one for i, one in self.collection.documents.items() if one["repository"] == repository}
        assert set(documents) == {one for page in records.values() for one in page.documents}
        assert {one["hash"] for one in documents.values()} == {page.hash for page in records.values()}


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def account(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    name = uuid.uuid4().hex[:12]
    collection, bedrock, github = Collection(), Bedrock(), GitHub()
    with serving(collection.answer) as search, serving(bedrock.answer) as models, serving(github.answer) as sources:
        environment = {
            "AWS_ENDPOINT_URL": emulator, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": models, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "SERVICE_NAME": "wiki",
            "TABLE_REPOSITORIES": f"{name}-repositories", "TABLE_PAGES": f"{name}-pages", "TABLE_JOBS": f"{name}-jobs",
            "BUCKET_CONTENT": f"{name}-content", "COLLECTION_SEARCH_URL": search, "GITHUB_API": sources,
            "MODELS_PATH": f"/{name}/test/models",
            "METRICS_NAMESPACE": "wiki-test", "USER_HEADER": "X-User",
        }  # fmt: skip
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        _table(f"{name}-repositories", "repository", None, None)
        _table(f"{name}-pages", "repository", "path", None)
        _table(f"{name}-jobs", "id", None, ("repository", "created"))
        client("s3").create_bucket(Bucket=f"{name}-content", CreateBucketConfiguration={"LocationConstraint": REGION})
        secret = client("secretsmanager").create_secret(Name=f"{name}-github", SecretString=github.token)
        queue, dead = _queues(name)
        environment |= {"QUEUE_URL": queue, "GITHUB_TOKEN_SECRET_ARN": secret["ARN"]}
        for variable in ("QUEUE_URL", "GITHUB_TOKEN_SECRET_ARN"):
            monkeypatch.setenv(variable, environment[variable])
        made = Account(environment, collection, bedrock, github, dead)
        made.tell(
            writer__id=MODEL, writer__max_tokens="4096", writer__temperature="0.1",
            embedder__id="amazon.titan-embed-text-v2:0", embedder__dimensions="1024",
        )  # fmt: skip
        body = MAPPING.read_bytes()
        made.index()._ask("PUT", "/pages", body, "application/json", again=False)  # noqa: SLF001 the deployment's part
        collection.requests.clear()
        yield made
        for worker in made.workers:
            worker.stop()
    assert trace.current.get() is None


def _table(name: str, key: str, order: str | None, by: tuple[str, str] | None) -> None:
    keys = _keys(key, order)
    index = {"IndexName": f"by-{by[0]}", "KeySchema": _keys(*by), "Projection": {"ProjectionType": "ALL"}} if by else {}
    client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=keys,
        AttributeDefinitions=[
            {"AttributeName": one, "AttributeType": "S"} for one in dict.fromkeys((key, order, *(by or ()))) if one
        ],
        **({"GlobalSecondaryIndexes": [index]} if by else {}),
    )  # fmt: skip


def _keys(key: str, order: str | None) -> list[dict[str, str]]:
    given = [(key, "HASH"), *([(order, "RANGE")] if order else [])]
    return [{"AttributeName": one, "KeyType": kind} for one, kind in given]


def _queues(name: str) -> tuple[str, str]:
    sqs, fifo = client("sqs"), {"FifoQueue": "true"}
    dead = sqs.create_queue(QueueName=f"{name}-dead.fifo", Attributes=fifo)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": ATTEMPTS})
    made = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={**fifo, "RedrivePolicy": redrive})
    return made["QueueUrl"], dead


class Died(BaseException):
    """The process ends here; nothing catches it."""


@contextmanager
def dying(at: int, *, done: bool) -> Iterator[Callable[[], int]]:
    """The process ends with its `at`-th request to anybody: before it is sent, or (`done`) before the answer is read.
    Hands out what counts the requests."""
    send, count = URLLib3Session.send, 0

    def counting(self: URLLib3Session, request: Any) -> Any:
        nonlocal count
        count += 1
        if count == at and not done:
            raise Died
        answer = send(self, request)
        if count == at:
            raise Died
        return answer

    URLLib3Session.send = counting
    try:
        yield lambda: count
    finally:
        URLLib3Session.send = send


def sources(**files: str) -> dict[str, list[File]]:
    """Files of folders, by the names of the folders: their words are the files' blobs too."""
    return folders(File(f"{folder}/main.py", GitHub.blob(text)) for folder, text in files.items())
