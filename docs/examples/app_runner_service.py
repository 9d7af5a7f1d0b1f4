"""The same on App Runner, in an account that had it before it was closed to new customers."""

from components.compute.app_runner_args import AppRunnerServiceArgs, RunnerScaling
from components.compute.app_runner_service import AppRunnerService
from components.compute.live_image import Image

AppRunnerService(
    "wiki-dev-simple",
    AppRunnerServiceArgs(port=8000, scaling=RunnerScaling(minimum=1, maximum=4, concurrency=50)),
    image=Image(uri="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/wiki:1.4.2"),
)
