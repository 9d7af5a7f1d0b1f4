"""What the surroundings tell the wiki, all of it by environment variables (docs/wiki.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from api.settings import ProgramSettings, SettingsError, models_path


@dataclass(frozen=True, kw_only=True)
class UserPool:
    """Whose tokens open the API."""

    issuer: str
    clients: tuple[str, ...]
    """The programs for which its tokens may be made."""


@dataclass(frozen=True, kw_only=True)
class Settings(ProgramSettings):
    """Everything that can differ between two places where the same image runs."""

    repositories: str
    pages: str
    jobs: str
    bucket: str
    queue_url: str
    search_endpoint: str
    search_index: str
    models: str
    """The path in the Parameter Store below which `api.bedrock` reads which models there are and how they are asked."""
    github_token_secret: str | None
    """Without one, public repositories are read, 60 requests an hour."""
    github_api: str
    knowledge_base: str | None
    """The id of the one on the pages' texts."""
    users: UserPool | None
    """Without one, whoever reaches the API may do everything."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> Settings:
        """The settings in these variables; what is wrong is refused at the start, not at the first request."""
        return Settings(
            **vars(ProgramSettings.of(environment, "wiki")),
            repositories=_needed(environment, "TABLE_REPOSITORIES"),
            pages=_needed(environment, "TABLE_PAGES"),
            jobs=_needed(environment, "TABLE_JOBS"),
            bucket=_needed(environment, "BUCKET_CONTENT"),
            queue_url=_needed(environment, "QUEUE_URL"),
            search_endpoint=_address(
                environment, "COLLECTION_SEARCH_URL", _needed(environment, "COLLECTION_SEARCH_URL")
            ),
            search_index=environment.get("SEARCH_INDEX") or "pages",
            models=models_path(environment) or _needed(environment, "MODELS_PATH"),
            github_token_secret=environment.get("GITHUB_TOKEN_SECRET_ARN") or None,
            github_api=_address(environment, "GITHUB_API", environment.get("GITHUB_API") or "https://api.github.com"),
            knowledge_base=environment.get("KNOWLEDGE_BASE_WIKI") or None,
            users=_users(environment),
        )


def _needed(environment: Mapping[str, str], name: str) -> str:
    text = environment.get(name)
    if not text:
        raise SettingsError(f"{name} is missing; docs/wiki.md has all variables")
    return text


def _users(environment: Mapping[str, str]) -> UserPool | None:
    issuer = environment.get("USER_POOL_ISSUER")
    if not issuer:
        return None
    clients = tuple(filter(None, _needed(environment, "USER_POOL_CLIENT_IDS").split(",")))
    return UserPool(issuer=_address(environment, "USER_POOL_ISSUER", issuer), clients=clients)


def _address(environment: Mapping[str, str], name: str, text: str) -> str:
    # Without TLS only on this machine: what is sent holds tokens and signatures.
    if not re.fullmatch(r"https://[\w.-]+(:\d+)?(/[\w./-]*)?|http://(localhost|127\.0\.0\.1):\d+(/\w+)?", text):
        raise SettingsError(f"{name} is {environment.get(name)!r}; use an address that begins with https://")
    return text.rstrip("/")
