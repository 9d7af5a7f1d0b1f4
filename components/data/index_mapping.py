"""The mapping of an index for full text and vectors: what OpenSearch Serverless and a knowledge base would refuse of it
is told before anything is made.

https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-vector-search.html
https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from ..errors import Mistake, nearest

MOST_DIMENSIONS: Final = 16_000
ENGINE: Final = "faiss"
SPACES: Final = ("l2", "innerproduct")
"""Both order vectors of length 1, which is what embedding models give, as the cosine does."""

_PARTS: Final = ("settings", "mappings")
_VECTOR: Final = "knn_vector"
# https://docs.opensearch.org/latest/mappings/supported-field-types/index/
_TYPES: Final = (
    "alias", "binary", "boolean", "byte", "completion", "date", "date_nanos", "date_range", "double", "double_range",
    "flat_object", "float", "float_range", "geo_point", "geo_shape", "half_float", "integer", "integer_range", "ip",
    "ip_range", "join", "keyword", "knn_vector", "long", "long_range", "match_only_text", "nested", "object",
    "percolator", "rank_feature", "rank_features", "scaled_float", "search_as_you_type", "short", "text", "token_count",
    "unsigned_long", "wildcard",
)  # fmt: skip

Role = Literal["vector", "text", "metadata"]


def parsed(text: str) -> dict[str, Any] | Mistake:
    """What a file says, or why it cannot be read."""
    try:
        body = json.loads(text)
    except ValueError as error:
        return Mistake("mapping", text[:40], f"is not JSON: {error}")
    if not isinstance(body, dict):
        return Mistake("mapping", text[:40], 'is not an object; write {"settings": {…}, "mappings": {…}}')
    return body


def mapping_mistakes(body: Mapping[str, Any], dimension: int) -> Iterator[Mistake]:
    """What is wrong with the body of an index whose vectors have this length."""
    for name in sorted(set(body) - set(_PARTS)):
        yield Mistake((name,), "given", f"is not a part of an index; {nearest(name, _PARTS)}use {', '.join(_PARTS)}")
    if _setting(body, "knn") not in (True, "true"):
        yield Mistake(("settings", "index", "knn"), _setting(body, "knn"), "must be true for an index with vectors")
    fields = _fields(body)
    if not fields:
        yield Mistake(("mappings", "properties"), None, "has no fields; describe each that is searched")
        return
    for name, field in fields.items():
        kind = field.get("type", "object" if "properties" in field else None)
        if kind not in _TYPES:
            known = nearest(str(kind), _TYPES)
            reason = f"is not a type of OpenSearch; {known}use one such as text, keyword or {_VECTOR}"
            yield Mistake((*_AT, name, "type"), kind, reason)
        elif kind == _VECTOR:
            yield from _vector_mistakes(name, field, dimension)
    kinds = [field.get("type") for field in fields.values()]
    if _VECTOR not in kinds and all(kind in _TYPES for kind in kinds):
        yield Mistake(_AT, sorted(fields), f"has no vector; add a field of the type {_VECTOR}")
    if "text" not in kinds and all(kind in _TYPES for kind in kinds):
        yield Mistake(_AT, sorted(fields), "has no full text; add a field of the type text")


_AT: Final = ("mappings", "properties")


def field_mistakes(body: Mapping[str, Any], fields: Mapping[Role, str]) -> Iterator[Mistake]:
    """What a knowledge base writes to, and the mapping lacks or has as something else."""
    known = _fields(body)
    for role, name in fields.items():
        if name not in known:
            where = f"is not a field of the mapping; {nearest(name, known)}it has {', '.join(sorted(known)) or 'none'}"
            yield Mistake(f"{role}_field", name, where)
            continue
        kind, wanted = known[name].get("type"), _VECTOR if role == "vector" else "text"
        if kind != wanted:
            yield Mistake(f"{role}_field", name, f"has the type {kind} in the mapping; make it {wanted}")
        elif role == "metadata" and known[name].get("index") not in (False, "false"):
            reason = "is searched in the mapping, and holds what Bedrock keeps for itself; give it index: false"
            yield Mistake("metadata_field", name, reason)


def _vector_mistakes(name: str, field: Mapping[str, Any], dimension: int) -> Iterator[Mistake]:
    given = field.get("dimension")
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_DIMENSIONS:
        yield Mistake((*_AT, name, "dimension"), given, f"is not allowed; use 1 to {MOST_DIMENSIONS}")
    elif given != dimension:
        yield Mistake((*_AT, name, "dimension"), given, f"is not the length of the model's vectors; use {dimension}")
    method = field.get("method")
    if not isinstance(method, dict):
        reason = f'is missing; write {{"name": "hnsw", "engine": "{ENGINE}", "space_type": "l2"}}'
        yield Mistake((*_AT, name, "method"), method, reason)
        return
    for key, allowed in (("name", ("hnsw",)), ("engine", (ENGINE,)), ("space_type", SPACES)):
        if method.get(key) not in allowed:
            yield Mistake((*_AT, name, "method", key), method.get(key), f"is not allowed; use {' or '.join(allowed)}")


def _setting(body: Mapping[str, Any], name: str) -> Any:
    """A setting of the index, in either of the ways in which OpenSearch takes them."""
    settings = body.get("settings")
    if not isinstance(settings, dict):
        return None
    index = settings.get("index")
    return index.get(name) if isinstance(index, dict) else settings.get(f"index.{name}")


def _fields(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    mappings = body.get("mappings")
    fields = mappings.get("properties") if isinstance(mappings, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {name: field if isinstance(field, dict) else {} for name, field in fields.items()}
