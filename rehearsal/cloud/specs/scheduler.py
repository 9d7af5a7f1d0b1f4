"""EventBridge Scheduler. moto keeps schedules and starts none: tests walk from the schedule to what it would start."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

SPECS: Final[dict[str, Spec]] = {
    "aws:scheduler/scheduleGroup:ScheduleGroup": Spec(
        service="scheduler",
        create=Call(operation="CreateScheduleGroup"),
        id="{name}",
        autoname="name",
        outputs={"arn": "ScheduleGroupArn"},
    ),
    "aws:scheduler/schedule:Schedule": Spec(
        service="scheduler",
        create=Call(operation="CreateSchedule"),
        id="{groupName}/{name}",
        autoname="name",
        defaults={"groupName": "default"},
        outputs={"arn": "ScheduleArn"},
    ),
}
