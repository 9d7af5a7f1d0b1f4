"""One copy of a function: imports the handler, then calls it with each event. The interpreter has no packages."""

import importlib
import json
import sys
import time
import uuid


class Context:
    """What Lambda tells a handler beside the event."""

    function_name = "local"
    function_version = "1"
    invoked_function_arn = "arn:aws:lambda:ap-northeast-1:123456789012:function:local:live"
    memory_limit_in_mb = 512
    log_group_name = "/aws/lambda/local"
    log_stream_name = "local"

    def __init__(self):
        self.aws_request_id = str(uuid.uuid4())

    def get_remaining_time_in_millis(self):
        return 30_000


def main(folder, handler, answers):
    # The order of Lambda: the function's own code, then the layers, then the runtime.
    sys.path[:0] = [f"{folder}/code", f"{folder}/layer/python", f"{folder}/runtime"]
    module, name = handler.rsplit(".", 1)
    started = time.perf_counter()
    handle = getattr(importlib.import_module(module), name)
    imported = time.perf_counter() - started
    events = json.load(sys.stdin)
    started = time.perf_counter()
    said = [answer(handle, event) for event in events[:1]]
    first = time.perf_counter() - started
    said += [answer(handle, event) for event in events[1:]]
    with open(answers, "w", encoding="utf-8") as file:  # noqa: PTH123 pathlib is nothing that every handler imports
        json.dump({"import_seconds": imported, "first_seconds": first, "answers": said}, file)


def answer(handle, event):
    try:
        # What a handler returns goes through JSON, and is refused where it cannot.
        return json.loads(json.dumps(handle(event, Context())))
    except Exception as error:  # noqa: BLE001 Lambda answers so for whatever a handler raises
        return {"errorType": type(error).__name__, "errorMessage": str(error)}


if __name__ == "__main__":
    main(*sys.argv[1:])
