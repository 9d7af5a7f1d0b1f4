"""The account's process and the plug-in, as a run starts them, but asked by the tests in the engine's place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from engine.marks import BACKEND, SWITCH, Run, socket_in
from engine.run import living_account
from engine.workspace import prepare
from rehearsal.property_values import decode, encode
from rehearsal.stacks import load
from tests.conftest import ROOT
from tests.stack_files import project

REGION = "ap-northeast-1"
STACK_URN = "urn:pulumi:test::plain::"


Made = tuple[str, dict[str, Any], dict[str, Any]]
"""The id, the outputs, and the inputs as they were checked."""


@dataclass(frozen=True)
class Emulated:
    """An account that is up, and a provider of it."""

    folder: Path
    address: str
    environment: dict[str, str]
    stub: provider_pb2_grpc.ResourceProviderStub

    def check(
        self, type_: str, name: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None, seed: bytes = b""
    ) -> Any:
        return self.stub.Check(
            provider_pb2.CheckRequest(
                urn=urn(type_, name),
                type=type_,
                name=name,
                news=encode(inputs),
                olds=encode(olds or {}),
                randomSeed=seed,
            )
        )

    def checked(self, type_: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        return decode(self.check(type_, name, inputs).inputs)

    def create(self, type_: str, name: str, inputs: dict[str, Any]) -> Made:
        checked = self.checked(type_, name, inputs)
        made = self.stub.Create(
            provider_pb2.CreateRequest(urn=urn(type_, name), type=type_, name=name, properties=encode(checked))
        )
        return made.id, decode(made.properties), checked

    def diff(self, type_: str, name: str, made: Made, news: dict[str, Any]) -> Any:
        identifier, outputs, inputs = made
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                id=identifier,
                urn=urn(type_, name),
                type=type_,
                name=name,
                olds=encode(outputs),
                old_inputs=encode(inputs),
                news=encode(news),
            )
        )

    def update(self, type_: str, name: str, made: Made, news: dict[str, Any]) -> Any:
        identifier, outputs, inputs = made
        return self.stub.Update(
            provider_pb2.UpdateRequest(
                id=identifier,
                urn=urn(type_, name),
                type=type_,
                name=name,
                olds=encode(outputs),
                old_inputs=encode(inputs),
                news=encode(news),
            )
        )

    def read(self, type_: str, name: str, identifier: str, outputs: dict[str, Any], inputs: dict[str, Any]) -> Any:
        return self.stub.Read(
            provider_pb2.ReadRequest(
                id=identifier,
                urn=urn(type_, name),
                type=type_,
                name=name,
                properties=encode(outputs),
                inputs=encode(inputs),
            )
        )

    def delete(self, type_: str, name: str, made: Made) -> None:
        identifier, outputs, inputs = made
        self.stub.Delete(
            provider_pb2.DeleteRequest(
                id=identifier,
                urn=urn(type_, name),
                type=type_,
                name=name,
                properties=encode(outputs),
                old_inputs=encode(inputs),
            )
        )

    def aws(self, service: str) -> Any:
        """The account by AWS's own SDK, as somebody beside Pulumi has it."""
        import boto3  # noqa: PLC0415 only a few look

        return boto3.client(
            service, region_name=REGION, endpoint_url=self.address, aws_access_key_id="any", aws_secret_access_key="any"
        )

    def told(self) -> tuple[dict[str, int], list[str]]:
        with Client(socket_in(self.folder), "AF_UNIX") as account:
            account.send(("told",))
            return account.recv()


def urn(type_: str, name: str) -> str:
    return f"{STACK_URN}{type_}::{name}"


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    program = project(tmp_path_factory.mktemp("program"), {"config": {}}, "import pulumi\n")
    # A socket's path may have no more than a hundred characters.
    folder = tmp_path_factory.mktemp("run")
    workspace = prepare(folder, program)
    with living_account(folder, load(program, "test"), 0) as (account, address):
        Run(workspace.backend, account.pid).write(folder)
        environment = {**os.environ, SWITCH: str(folder), BACKEND: workspace.backend, "PYTHONPATH": str(ROOT)}
        with plugin(environment) as started:
            assert started.stdout is not None
            port = int(started.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                config = {"region": REGION, "defaultTags": '{"tags": {"Project": "plain"}}'}
                stub.Configure(provider_pb2.ConfigureRequest(args=encode(config), acceptSecrets=True))
                yield Emulated(folder, address, environment, stub)
            started.terminate()


def plugin(environment: dict[str, str]) -> subprocess.Popen[str]:
    """Started as the engine starts it."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "engine.plugin"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
