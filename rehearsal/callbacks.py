"""What a program has the engine call back: transforms of resources, and hooks around their making."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import grpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from rehearsal.problems import ProgramError


class Callbacks:
    """Those of one program, called as the engine calls them."""

    def __init__(self) -> None:
        self._of_stack: list[callback_pb2.Callback] = []
        self._of_resource: dict[str, list[callback_pb2.Callback]] = {}
        self._hooks: dict[str, resource_pb2.RegisterResourceHookRequest] = {}
        self._channels: dict[str, callback_pb2_grpc.CallbacksStub] = {}

    def add_transform(self, callback: callback_pb2.Callback) -> None:
        """Of the whole stack."""
        self._of_stack.append(callback)

    def add_hook(self, request: resource_pb2.RegisterResourceHookRequest) -> None:
        self._hooks[request.name] = request

    def transformed(
        self, urn: str, request: resource_pb2.RegisterResourceRequest, parents: Iterable[str], *, stack: bool
    ) -> tuple[Any, resource_pb2.TransformResourceOptions]:
        """Inputs and options after the transforms of the resource, of its parents and of the stack, in this order.

        :param parents: Their URNs, the nearest first.
        :param stack: Whether this is the stack itself, which its transforms do not concern.
        """
        properties = request.object
        options = resource_pb2.TransformResourceOptions(
            protect=request.protect,
            provider=request.provider,
            ignore_changes=request.ignoreChanges,
            aliases=request.aliases,
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace,
            replace_on_changes=request.replaceOnChanges,
        )
        self._of_resource[urn] = list(request.transforms)
        callbacks = [*request.transforms, *(one for parent in parents for one in self._of_resource.get(parent, []))]
        for callback in callbacks if stack else [*callbacks, *self._of_stack]:
            asked = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=properties,
                options=options,
            )
            try:
                answer = resource_pb2.TransformResponse.FromString(self._call(callback, asked))
            except grpc.RpcError as error:
                raise ProgramError(f"a transform failed: {details(error)}") from error
            properties = answer.properties
            options = answer.options if answer.HasField("options") else options
        return properties, options

    def run_hooks(self, names: Sequence[str], *, preview: bool, **about: Any) -> None:
        """Call these hooks with what a resource is `about`: its urn, type, name, inputs and so on.

        :raises ProgramError: One of them raised; the engine would not go on with the resource.
        """
        for name in names:
            hook = self._hooks[name]
            if preview and not hook.on_dry_run:
                continue
            called = self._call(hook.callback, resource_pb2.ResourceHookRequest(**about))
            answer = resource_pb2.ResourceHookResponse.FromString(called)
            if answer.error and not hook.ignore_errors:
                raise ProgramError(f"the hook {name} failed: {answer.error}")

    def _call(self, callback: callback_pb2.Callback, asked: Any) -> bytes:
        stub = self._channels.get(callback.target)
        if stub is None:
            stub = callback_pb2_grpc.CallbacksStub(grpc.insecure_channel(callback.target))
            self._channels[callback.target] = stub
        call = callback_pb2.CallbackInvokeRequest(token=callback.token, request=asked.SerializeToString())
        return stub.Invoke(call).response


def details(error: grpc.RpcError) -> str:
    """What went wrong, in the words of who was called."""
    # The stub's errors are calls as well; the stubs' types do not say so.
    return error.details() or str(error) if isinstance(error, grpc.Call) else str(error)
