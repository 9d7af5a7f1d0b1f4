"""What the network promises, before and after it is deployed."""

import runpy
from pathlib import Path

import pytest

from kumiki.testing import Recorder, Rehearse

PROGRAM = Path(__file__).parents[1] / "__main__.py"


@pytest.mark.parametrize(("zones", "subnets"), [(1, 1), (2, 2)])
def test_every_zone_has_a_private_subnet(recorder: Recorder, zones: int, subnets: int) -> None:
    recorder.configure({"site:network": {"zones": zones, "endpoints": ["ecsPrivate"]}})
    recorder.run(lambda: runpy.run_path(str(PROGRAM)) and None)
    private = [one for one in recorder.of("ec2/subnet:Subnet") if "private" in one.name]
    assert len(private) == subnets


def test_a_mistake_in_the_stacks_file_is_answered_with_its_key(recorder: Recorder) -> None:
    recorder.configure({"site:network": {"zones": 9}})
    with pytest.raises(Exception, match="zones"):
        recorder.run(lambda: runpy.run_path(str(PROGRAM)) and None)


def test_nothing_of_the_service_can_be_reached_from_outside(rehearsed: Rehearse) -> None:
    done = rehearsed("dev")
    assert done.problems() == []
    interfaces = done.client("ec2").describe_security_groups()["SecurityGroups"]
    open_to_all = [
        group["GroupName"]
        for group in interfaces
        for rule in group["IpPermissions"]
        if any(one["CidrIp"] == "0.0.0.0/0" for one in rule["IpRanges"])
    ]
    assert open_to_all == []
