"""Chat channels that hear topics."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

SPECS: Final[dict[str, Spec]] = {
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": Spec(
        service="chatbot",
        create=Call(operation="CreateSlackChannelConfiguration"),
        id="ChannelConfiguration.ChatConfigurationArn",
        outputs={"chatConfigurationArn": "{id}", "slackTeamName": "ChannelConfiguration.SlackTeamName"},
        validated_only=lambda _inputs: "the emulator has no chat channels",
    ),
}
