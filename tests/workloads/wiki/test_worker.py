"""Jobs, from the queue to the pages: in their order, once, and given back where they cannot be done."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from typing import Any

import pytest
from wiki import worker as worker_module
from wiki.github import NoSources
from wiki.store import LEASE_SECONDS, Superseded
from wiki.worker import BadMessage, read

from tests.conftest import PATIENCE
from tests.workloads.conftest import until
from tests.workloads.embedded_metrics import extracted
from tests.workloads.serving import WORKLOADS
from tests.workloads.wiki.conftest import ATTEMPTS, Account


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be tried again later may be tried at once."""
    monkeypatch.setattr(worker_module, "wait", lambda *_, **__: -1.0)
    monkeypatch.setattr("api.bedrock.wait", lambda *_, **__: 0.0)
    monkeypatch.setattr("wiki.github.wait", lambda *_, **__: 0.0)


def taken_in(account: Account, files: dict[str, str], repository: str = "o/r") -> str:
    commit = account.github.commit(repository, files)
    account.store().add_repository(repository)
    return commit


def test_a_repository_gets_a_page_for_each_folder_with_sources(account: Account) -> None:
    files = {
        "README.md": "what it is", "src/a.py": "counts words", "src/b.py": "counts letters", "lib/x.go": "sorts",
        "logo.png": "no source", "node_modules/y.js": "of others", "src/long.py": "x" * 70_000, ".github/z.sh": "aside",
    }  # fmt: skip
    commit = taken_in(account, files)
    job = account.ask("o/r")
    account.work()
    account.agree("o/r", {"index": "what it is", "lib": "sorts", "src": "counts words counts letters"})
    assert account.state(job)["state"] == "done"
    assert account.waiting() == 0
    found = account.store().repository("o/r")
    assert found is not None
    assert found["commit"] == commit


def test_a_second_analysis_asks_for_no_file_and_no_page_that_has_not_changed(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts", "lib/b.py": "sorts"})
    account.ask("o/r")
    account.work()
    account.bedrock.written.clear()
    account.github.requests.clear()
    account.github.commit("o/r", {"src/a.py": "counts", "lib/b.py": "sorts faster", "new/c.py": "is new"})
    account.ask("o/r")
    account.work()
    account.agree("o/r", {"src": "counts", "lib": "sorts faster", "new": "is new"})
    assert len(account.bedrock.written) == 2
    assert len([path for path in account.github.requests if "/blobs/" in path]) == 2


def test_a_folder_without_sources_loses_its_page_and_a_repository_that_is_removed_all(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts", "lib/b.py": "sorts"})
    account.ask("o/r")
    account.work()
    account.github.commit("o/r", {"src/a.py": "counts"})
    account.ask("o/r")
    account.work()
    account.agree("o/r", {"src": "counts"})
    account.ask("o/r", "remove")
    account.ask("o/r")
    account.work()
    account.agree("o/r", {})
    assert account.store().repository("o/r") is None
    assert account.waiting() == account.waiting(account.dead_letters) == 0


@pytest.mark.covers("D6")
def test_jobs_of_a_repository_are_done_in_their_order_and_others_meanwhile(account: Account) -> None:
    first = taken_in(account, {"src/a.py": "first"})
    second = account.github.commit("o/r", {"src/a.py": "second"})
    taken_in(account, {"src/a.py": "elsewhere"}, "o/other")
    account.bedrock.hold = threading.Event()
    jobs = [account.ask("o/r", commit=commit) for commit in (first, second)]
    workers = [account.worker(wait_seconds=1) for _ in range(2)]
    threads = [threading.Thread(target=one.run, daemon=True) for one in workers]
    for thread in threads:
        thread.start()
    until(account.bedrock.working.is_set)
    elsewhere = account.ask("o/other")
    until(lambda: len(account.bedrock.written) == 2)
    # The second job waits, although a worker is free; the other repository's does not.
    asked = [str(one["messages"]) for one in account.bedrock.written]
    assert ["elsewhere" in one for one in asked] == [False, True]
    assert account.state(jobs[1])["state"] == "queued"
    account.bedrock.hold.set()
    until(lambda: all(account.state(job)["state"] == "done" for job in (*jobs, elsewhere)))
    for one in workers:
        one.stop()
    for thread in threads:
        thread.join(PATIENCE)
    account.agree("o/r", {"src": "second"})


@pytest.mark.covers("D6")
def test_a_job_that_fails_for_good_ends_in_the_dead_letter_queue_after_its_attempts(account: Account) -> None:
    account.store().add_repository("o/nowhere")
    job = account.ask("o/nowhere")
    until(lambda: account.work() and account.waiting(account.dead_letters) == 1)
    state = account.state(job)
    assert (state["state"], state["attempts"]) == ("failed", ATTEMPTS)
    assert state["problem"].startswith("NoSources: GitHub answers 404")
    assert account.waiting() == 0


def test_the_record_of_a_job_that_waited_in_vain_says_so(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.github.limited = True
    job = account.ask("o/r")
    until(lambda: account.work() and account.waiting(account.dead_letters) == 1)
    assert account.state(job)["state"] == "failed"
    assert account.state(job)["problem"].startswith("SourcesUnavailable")


def test_after_the_poisoned_job_the_repositorys_next_one_is_done(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.ask("o/r", commit="f" * 40)
    good = account.ask("o/r")
    until(lambda: account.work() and account.state(good)["state"] == "done")
    assert account.waiting(account.dead_letters) == 1
    account.agree("o/r", {"src": "counts"})


def test_a_message_that_is_no_job_is_left_to_the_dead_letter_queue(account: Account) -> None:
    bodies = [
        "no JSON", "[]", '{"id": "x"}', '{"id": 1, "repository": "o/r", "action": "analyse", "commit": null}',
        '{"id": "x", "repository": "o/r", "action": "explode", "commit": null}',
        '{"id": "x", "repository": "../x", "action": "analyse", "commit": null}',
    ]  # fmt: skip
    for number, body in enumerate(bodies):
        with pytest.raises(BadMessage):
            read({"Body": body})
        account.client("sqs").send_message(
            QueueUrl=account.environment["QUEUE_URL"], MessageBody=body, MessageGroupId=f"g{number}",
            MessageDeduplicationId=f"d{number}",
        )  # fmt: skip
    until(lambda: account.work() and account.waiting(account.dead_letters) == len(bodies))


def test_a_model_that_throttles_is_asked_again(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.bedrock.failures = ["ThrottlingException", "ModelTimeoutException", "ServiceUnavailableException"]
    job = account.ask("o/r")
    account.work()
    assert account.state(job)["state"] == "done"
    assert account.state(job)["attempts"] == 1


def test_while_the_model_is_down_a_job_waits_and_uses_up_one_attempt_only(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.bedrock.down = True
    job = account.ask("o/r")
    models = account.models()
    worker = account.worker(models=models)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    until(lambda: account.state(job).get("problem", "").startswith("ModelUnavailable"))
    assert account.state(job)["state"] == "queued"
    assert models.breaker.opens_in > 0
    time.sleep(1)
    assert account.state(job)["attempts"] == 1
    account.bedrock.down = False
    models.breaker._closed_at = 0  # noqa: SLF001 the time is over
    worker.stop()
    thread.join(PATIENCE)
    account.work()
    assert account.state(job)["state"] == "done"


def test_what_the_model_refuses_is_no_reason_to_ask_again(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.bedrock.stop_reason = "guardrail_intervened"
    job = account.ask("o/r")
    account.work()
    assert account.state(job)["problem"].startswith("ModelRefused")
    assert account.texts("o/r") == {}
    assert account.collection.documents == {}


def test_github_is_asked_again_and_when_it_limits_the_job_waits(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.github.failures = [502, 503]
    job = account.ask("o/r")
    account.work()
    assert account.state(job)["state"] == "done"
    account.github.limited = True
    job = account.ask("o/r")
    account.work()
    assert account.state(job)["problem"].startswith("SourcesUnavailable")


def test_a_token_that_was_rotated_is_read_again(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    github = account.worker().github
    assert github.head("o/r")
    account.github.token = "ghp_another"  # noqa: S105 opens nothing
    account.client("secretsmanager").put_secret_value(
        SecretId=account.environment["GITHUB_TOKEN_SECRET_ARN"], SecretString="ghp_another\n"
    )
    # The former token is refused once, and forgotten by that.
    with pytest.raises(NoSources, match="401"):
        github.head("o/r")
    assert github.head("o/r")


def test_a_secret_into_which_nobody_has_put_a_token_is_as_none(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    secrets = account.client("secretsmanager")
    account.environment["GITHUB_TOKEN_SECRET_ARN"] = secrets.create_secret(Name=f"{uuid.uuid4().hex}-empty")["ARN"]
    # Public repositories are read so; this one is not public, and no attempt changes that.
    with pytest.raises(NoSources, match="401"):
        account.worker().github.head("o/r")


def test_a_job_that_was_done_before_is_not_done_again(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    job = {"id": uuid.uuid4().hex, "repository": "o/r", "action": "analyse", "commit": None}
    account.store().ask(job, None)
    account.work()
    account.github.requests.clear()
    # Again, as SQS may deliver it after the five minutes in which it knows it.
    account.client("sqs").send_message(
        QueueUrl=account.environment["QUEUE_URL"], MessageBody=json.dumps(job), MessageGroupId="o/r",
        MessageDeduplicationId="another",
    )  # fmt: skip
    account.work()
    assert account.github.requests == []
    assert account.waiting() == 0


def test_a_message_is_hidden_for_as_long_as_its_job_takes(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.bedrock.hold = threading.Event()
    job = account.ask("o/r")
    worker = account.worker(hold_seconds=2, beat_seconds=0.3)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    until(account.bedrock.working.is_set)
    held = time.monotonic()
    while time.monotonic() < held + 4:
        assert not account.client("sqs").receive_message(QueueUrl=account.environment["QUEUE_URL"]).get("Messages")
        time.sleep(0.2)
    account.bedrock.hold.set()
    until(lambda: account.state(job)["state"] == "done")
    worker.stop()
    thread.join(PATIENCE)


def test_a_job_belongs_to_one_worker_until_its_lease_is_over(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    store, job = account.store(), {"id": "x", "repository": "o/r", "action": "analyse", "commit": None}
    assert store.claim(job, "one")
    with pytest.raises(Superseded):
        store.claim(job, "two")
    now = time.time()
    monkeypatch.setattr("wiki.store.time.time", lambda: now + LEASE_SECONDS + 2)
    assert store.claim(job, "two")
    for late in (lambda: store.prolong(job, "one"), lambda: store.finish(job, "one", "done")):
        with pytest.raises(Superseded):
            late()
    store.finish(job, "two", "done")
    assert not store.claim(job, "three")


def test_a_worker_that_lost_its_repository_ends_its_job_and_changes_nothing(account: Account) -> None:
    taken_in(account, {"a/a.py": "first folder", "b/b.py": "second folder"})
    account.bedrock.hold = threading.Event()
    account.ask("o/r")
    worker = account.worker()
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    until(account.bedrock.working.is_set)
    later = account.writer("o/r")
    [begun] = account.store().pages("o/r")
    account.store().save(begun, later.epoch)
    account.bedrock.hold.set()
    until(lambda: worker._held is None)  # noqa: SLF001 it is done with the job
    worker.stop()
    thread.join(PATIENCE)
    assert len(account.bedrock.written) == 1
    assert [page.shown for page in account.store().pages("o/r")] == [False]


def environment(account: Account, **given: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **account.environment, **given}


@pytest.mark.covers("D1", "D12")
@pytest.mark.parametrize(("drain", "state"), [("20", "done"), ("1", "queued")], ids=["finished", "given back"])
def test_at_sigterm_the_job_under_way_is_finished_or_given_back(account: Account, drain: str, state: str) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.bedrock.hold = threading.Event()
    job = account.ask("o/r")
    process = subprocess.Popen(
        [sys.executable, "-m", "wiki.worker"], cwd=WORKLOADS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment(account, DRAIN_SECONDS=drain),
    )  # fmt: skip
    try:
        until(account.bedrock.working.is_set)
        process.send_signal(signal.SIGTERM)
        if state == "done":
            account.bedrock.hold.set()
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        account.bedrock.hold.set()
    assert process.returncode == 0, output
    assert account.state(job)["state"] == state
    assert account.github.token not in output.decode()
    if state == "queued":
        # At once, and not when its time would be over.
        lines = [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
        assert "the job is given back in the midst of a step" in [one.get("message") for one in lines]
        assert account.client("sqs").receive_message(QueueUrl=account.environment["QUEUE_URL"])["Messages"]
        return
    counted = [one for line in output.decode().splitlines() for one in extracted(line, arrival_ms=time.time() * 1000)]
    found = {one.name: one.value for one in counted}
    assert (found["JobsDone"], found["PagesWritten"]) == (1, 1)
    assert found["JobTime"] > 0
    assert {one.namespace for one in counted} == {"wiki-test"}
    assert account.waiting() == 0


def test_the_next_worker_does_what_was_given_back(account: Account) -> None:
    taken_in(account, {"src/a.py": "counts"})
    account.bedrock.hold = threading.Event()
    job = account.ask("o/r")
    ended = threading.Event()
    # This process does not end, and so the worker may come to hide the message once more.
    worker = account.worker(end=lambda _: ended.set(), hold_seconds=2)
    object.__setattr__(worker.settings, "drain_seconds", -1)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    until(account.bedrock.working.is_set)
    worker.stop()
    until(ended.is_set)
    account.bedrock.hold.set()
    thread.join(PATIENCE)
    until(lambda: account.work() and account.state(job)["state"] == "done")
    account.agree("o/r", {"src": "counts"})


def test_a_job_takes_on_the_trace_of_whoever_asked_for_it(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    taken_in(account, {"src/a.py": "counts"})
    caplog.set_level(logging.INFO, "wiki.worker")
    told: list[str] = []
    account.store().ask(
        {"id": "traced", "repository": "o/r", "action": "analyse", "commit": None},
        "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
    )
    begun = worker_module.trace.begun

    def noting(name: str, header: str | None, share: float) -> Any:
        told.append(header or "")
        return begun(name, header, share)

    worker_module.trace.begun = noting
    try:
        account.work()
    finally:
        worker_module.trace.begun = begun
    assert told == ["Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"]
