"""Settings of the models at Bedrock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from components.args import in_yaml
from components.errors import dotted, nearest
from components.intelligence.invocation_logs import InvocationLogsArgs
from components.intelligence.model_use import ModelAccessArgs

if TYPE_CHECKING:
    from settings import Settings

BRANCH = "models"
"""The branch of the stack's parameters under which programs find how to ask."""

ENDPOINTS: Final = ("bedrock-runtime", "ssm")
"""What who asks a model calls: the model, and the parameters that say how."""


class ModelAccessSettings(ModelAccessArgs):
    """The models at Bedrock, how they are asked, and the record of it."""

    invocation_logs: InvocationLogsArgs | None = InvocationLogsArgs()
    """The record of every request, one for all of the account in a region; null: none."""

    @property
    def creates_logs(self) -> bool:
        """Whether the record is this stack's to make."""
        return self.invocation_logs is not None and self.invocation_logs.way == "create"


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    access = settings.model_access
    if access is None:
        for section in ("services", "functions"):
            for name, one in getattr(settings, section).items():
                if one.models:
                    yield f"{section}.{name}.models", f"{one.models[0]} needs models; add the section modelAccess"
        return
    for mistake in access.mistakes_in(settings.region, settings.residency.regions):
        found = in_yaml(type(settings), mistake.at("model_access"))
        yield dotted(found.path), f"{found.value} {found.reason}"
    for section in ("services", "functions"):
        for name, one in getattr(settings, section).items():
            for use in one.models:
                if use not in access.models:
                    known = ", ".join(sorted(access.models))
                    hint = nearest(use, access.models)
                    yield f"{section}.{name}.models", f"{use} is not a model of modelAccess; {hint}there are: {known}"
    values = settings.parameters.values if settings.parameters is not None else {}
    for name in values:
        if name.partition("/")[0] == BRANCH:
            yield f"parameters.values.{name}", f"is where the settings of modelAccess are ({BRANCH}/); rename it"
    if settings.free_tier:
        yield "modelAccess", "is priced by the token, and freeTier is true; remove it"
    if access.creates_logs and settings.log_archive is None:
        yield "modelAccess.invocationLogs", "records accesses to its bucket in the log archive; add logArchive: {}"
