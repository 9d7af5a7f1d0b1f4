"""Sources, read from GitHub's API: what a commit holds, and the files of it that a page is written from."""

from __future__ import annotations

import base64
import json
import posixpath
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import boto3
from api import trace
from api.bedrock import wait
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError, HTTPClientError  # noqa: A004 its name there
from botocore.httpsession import URLLib3Session

OWNER, NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}", r"\.?[A-Za-z0-9_-][A-Za-z0-9_.-]{0,98}"
REPOSITORY = f"{OWNER}/{NAME}"
"""Neither part can lead to another place of GitHub's API."""

MOST_FILE_BYTES = 60_000
"""Longer files are mostly generated or data."""
_SOURCES = re.compile(
    r"(?i)(^|/)(dockerfile|makefile)$|\.(c|cc|cpp|cs|go|h|hpp|java|js|jsx|kt|md|php|py|rb|rs|scala|sh|sql|swift|tf|ts|tsx)$"
)
_ASIDE = re.compile(r"(^|/)(\.[^/]+|node_modules|vendor|third_party|dist|build)/")
TOKEN_SECONDS = 300
"""How long a token is gone by that was read: after a rotation the former one still counts for a while."""


class SourcesUnavailable(Exception):
    """GitHub does not answer now, or not so often."""


class NoSources(Exception):
    """There is no such repository, or the token may not read it."""


@dataclass(frozen=True)
class File:
    """A file of a commit."""

    path: str
    blob: str
    """Its id, which is a hash of what it holds."""


class GitHub:
    """GitHub's API, called with a token that may only read."""

    def __init__(self, api: str, token_secret: str | None) -> None:
        self._api, self._secret = api, token_secret
        self._secrets: Any = trace.watch(boto3.client("secretsmanager")) if token_secret else None
        self._token, self._read_at = "", -float("inf")
        self._http = URLLib3Session(timeout=20)

    def head(self, repository: str) -> str:
        """The commit that the default branch is at."""
        return self._get(f"/repos/{repository}/commits/HEAD")["sha"]

    def files(self, repository: str, commit: str) -> list[File]:
        """The sources in a commit, by path. Of a tree that is too long GitHub gives a part, and so do we."""
        tree = self._get(f"/repos/{repository}/git/trees/{quote(commit, safe='')}?recursive=1")["tree"]
        return sorted(
            (
                File(one["path"], one["sha"])
                for one in tree
                if one["type"] == "blob" and one.get("size", 0) <= MOST_FILE_BYTES
                if _SOURCES.search(one["path"]) and not _ASIDE.search(one["path"])
            ),
            key=lambda file: file.path,
        )

    def read(self, repository: str, file: File) -> str:
        """What a file holds."""
        answer = self._get(f"/repos/{repository}/git/blobs/{file.blob}")
        return base64.b64decode(answer["content"]).decode("utf-8", "replace")

    def _get(self, path: str, attempts: int = 4) -> Any:
        for attempt in range(attempts):
            last = attempt + 1 == attempts
            headers = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
            if token := self._current_token():
                headers["authorization"] = f"Bearer {token}"
            request = AWSRequest("GET", self._api + path, {**headers, "user-agent": "wiki"}).prepare()
            try:
                answer = self._http.send(request)
            except (ConnectionError, HTTPClientError) as error:
                if last:
                    raise SourcesUnavailable(f"GitHub does not answer: {type(error).__name__}") from error
            else:
                limited = answer.headers.get("x-ratelimit-remaining") == "0"
                if answer.status_code == 200:
                    return json.loads(answer.content)
                if answer.status_code in {404, 409, 451} or (answer.status_code in {401, 403} and not limited):
                    if answer.status_code == 401:
                        self._read_at = -float("inf")
                    raise NoSources(f"GitHub answers {answer.status_code} to {path.partition('?')[0]}")
                if last or limited:
                    raise SourcesUnavailable(f"GitHub answers {answer.status_code}")
            time.sleep(wait(attempt, base=0.3, most=5))
        raise AssertionError("the last attempt answers or raises")

    def _current_token(self) -> str:
        """Empty where there is none: no secret, or one into which nobody has put a token yet."""
        if self._secret is not None and time.monotonic() - self._read_at > TOKEN_SECONDS:
            try:
                self._token = self._secrets.get_secret_value(SecretId=self._secret)["SecretString"].strip()
            except self._secrets.exceptions.ResourceNotFoundException:
                self._token = ""
            self._read_at = time.monotonic()
        return self._token


def folders(files: Iterable[File]) -> dict[str, list[File]]:
    """The files of each folder that has any: a page each. The repository's own folder is `index`."""
    found: dict[str, list[File]] = {}
    for file in files:
        found.setdefault(posixpath.dirname(file.path) or "index", []).append(file)
    return dict(sorted(found.items()))
