"""What Fargate has and what it has not, and images of which nobody can say what they are."""

from __future__ import annotations

import pytest

from components.compute.fargate import (
    SIZES,
    Share,
    check_image,
    ecr_repository,
    share_of_application,
    sidecar_mistakes,
    size_mistakes,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [(256, 512), (256, 2048), (512, 4096), (1024, 2048), (2048, 16384), (4096, 30720), (8192, 61440), (16384, 122880)],
)
def test_pairs_that_fargate_has(cpu: int, memory: int) -> None:
    assert list(size_mistakes(cpu, memory)) == []


@pytest.mark.parametrize(
    ("cpu", "memory", "field", "says"),
    [
        (256, 4096, "memory", "use 512, 1024 or 2048 MiB"),
        (512, 512, "memory", "use 1024, 2048, 3072 or 4096 MiB"),
        (1024, 2500, "memory", "use 2048 to 8192 in steps of 1024 MiB"),
        (8192, 17408, "memory", "16384 to 61440 in steps of 4096"),
        (300, 512, "cpu", "use one of 256, 512, 1024, 2048, 4096, 8192, 16384"),
        (0, 0, "cpu", "is not a size of Fargate"),
    ],
)
def test_pairs_that_it_has_not_are_refused_with_those_it_has(cpu: int, memory: int, field: str, says: str) -> None:
    (mistake,) = size_mistakes(cpu, memory)
    assert mistake.field == field
    assert says in mistake.reason


@pytest.mark.parametrize("cpu", SIZES)
def test_application_and_sidecar_fill_the_task_and_no_more(cpu: int) -> None:
    for memory in SIZES[cpu]:
        share = share_of_application(cpu, memory, Share(cpu=50, memory=128))
        assert (share.cpu + 50, share.memory + 128) == (cpu, memory)


@pytest.mark.parametrize(
    ("sidecar", "field"),
    [(Share(cpu=50, memory=512), "memory"), (Share(cpu=256, memory=128), "cpu")],
)
def test_a_sidecar_that_leaves_nothing_is_refused(sidecar: Share, field: str) -> None:
    (mistake,) = sidecar_mistakes(256, 512, {"log_router": sidecar})
    assert mistake.path == ("log_router", field)
    assert "leaves nothing" in mistake.reason


def test_sidecars_that_leave_nothing_together_are_refused_at_the_largest() -> None:
    sidecars = {"log_router": Share(cpu=50, memory=128), "tracing": Share(cpu=32, memory=384)}
    (mistake,) = sidecar_mistakes(256, 512, sidecars)
    assert (mistake.path, mistake.value) == (("tracing", "memory"), 384)
    assert "with 128 of others leaves nothing of the task's 512 MiB" in mistake.reason
    assert share_of_application(512, 1024, *sidecars.values()) == Share(cpu=430, memory=512)


@pytest.mark.parametrize(
    "uri",
    [
        "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/api:1.4.2",
        f"123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/api@{DIGEST}",
        f"localhost:5000/api:1@{DIGEST}",
        "localhost:5000/api:1",
        "nginx:1.27",
    ],
)
def test_images_that_say_which_version(uri: str) -> None:
    check_image(uri)


@pytest.mark.parametrize(
    "uri",
    ["nginx", "nginx:latest", "localhost:5000/api", "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/api", "a b:1",
     "api@sha256:12", ":1", ""],
)  # fmt: skip
def test_images_that_do_not_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"tag|image"):
        check_image(uri)


def test_the_repository_of_an_image_in_ecr() -> None:
    found = ecr_repository("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/api:1.4.2")
    assert found == ("123456789012", "ap-northeast-1", "shop/api")
    assert ecr_repository("public.ecr.aws/nginx/nginx:1") is None
