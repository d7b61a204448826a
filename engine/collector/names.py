"""An endpoint's name out of a key or an address: no query, no ids, no dates."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

MAX_LENGTH = 120

_METHOD = re.compile(r"^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s+", re.IGNORECASE)
_UUID = re.compile(r"^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$", re.IGNORECASE)
_DATE = re.compile(r"^\d{4}-\d{2}(?:-\d{2})?(?:[T ][\d:.,]*(?:Z|[+-]\d{2}:?\d{2})?)?$")
_HASH = re.compile(r"^(?=.*\d)[0-9a-f]{12,}$", re.IGNORECASE)
_NUMBER = re.compile(r"^[+-]?\d[\d.,_]*$")
_TAIL_NUMBER = re.compile(r"^(\D{2,}[-_])\d+$")


@lru_cache(maxsize=20_000)
def endpoint_of(key: str) -> str:
    """Normalise a cache key or URL into the endpoint it belongs to.

    The query and fragment go; path parts that are numbers, UUIDs, hashes or dates become `{id}`
    or `{date}`. Keys with colons (`user:42:profile`) are treated like paths.
    """
    text = _METHOD.sub("", key.strip())
    if "://" in text:
        text = urlsplit(text).path
    text = text.split("?", 1)[0].split("#", 1)[0]
    separator = "/" if "/" in text or ":" not in text else ":"
    parts = [_part(part) for part in text.split(separator)]
    name = separator.join(parts)
    if len(name) > 1:
        name = name.rstrip(separator) or separator
    return (name or "/")[:MAX_LENGTH]


def _part(part: str) -> str:
    if _DATE.match(part):
        return "{date}"
    if _NUMBER.match(part) or _UUID.match(part) or _HASH.match(part):
        return "{id}"
    tail = _TAIL_NUMBER.match(part)
    return f"{tail.group(1)}{{id}}" if tail else part
