"""Knowledge bases of Bedrock. moto keeps them; what they read and how they are filled it does not know."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

SPECS: Final[dict[str, Spec]] = {
    "aws:bedrock/agentKnowledgeBase:AgentKnowledgeBase": Spec(
        service="bedrock-agent",
        create=Call(operation="CreateKnowledgeBase"),
        id="knowledgeBase.knowledgeBaseId",
        autoname="name",
        outputs={"arn": "knowledgeBase.knowledgeBaseArn"},
    ),
    "aws:bedrock/agentDataSource:AgentDataSource": Spec(
        service="bedrock-agent",
        create=Call(operation="CreateDataSource"),
        id=lambda making: f"{making.response['dataSource']['dataSourceId']},{making.inputs['knowledgeBaseId']}",
        autoname="name",
        outputs={"dataSourceId": "dataSource.dataSourceId"},
        validated_only=lambda _inputs: "the emulator has knowledge bases without sources",
    ),
}
