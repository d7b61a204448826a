"""An endpoint's name out of a key or an address: no query, no ids, no dates."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

MAX_LENGTH = 120

_SHORTEST_ID = 32
"""Characters of a UUID without dashes, which may by chance consist of letters."""

_METHOD = re.compile(r"^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s+", re.IGNORECASE)
_UUID = re.compile(r"^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$", re.IGNORECASE)
_DATE = re.compile(r"^\d{4}-\d{2}(?:-\d{2})?(?:[T ][\d:.,]*(?:Z|[+-]\d{2}:?\d{2})?)?$")
_HASH = re.compile(r"^(?=.*\d)[0-9a-f]{12,}$", re.IGNORECASE)
_NUMBER = re.compile(r"^[+-]?\d[\d.,_]*$")
_TAIL_NUMBER = re.compile(r"^(\D{2,}[-_])\d+$")


def endpoint_of(key: str) -> str:
    """Normalise a cache key or URL into the endpoint it belongs to.

    The query and fragment go; path parts that are numbers, UUIDs, hashes or dates become `{id}`
    or `{date}`. Keys with colons (`user:42:profile`) are treated like paths.
    """
    path = key.partition("?")[0]
    # Which digit stands where decides nothing: keys that differ in nothing else share one look-up.
    name = _endpoint_of(path.translate(_ZEROS))
    return _endpoint_of(path) if "0" in name else name


_ZEROS = str.maketrans("123456789", "000000000")


@lru_cache(maxsize=20_000)
def _endpoint_of(path: str) -> str:
    text = path.strip()
    if " " in text:
        text = _METHOD.sub("", text)
    if "://" in text:
        text = urlsplit(text).path
    text = text.partition("#")[0]
    separator = "/" if "/" in text or ":" not in text else ":"
    parts = [_part(part) for part in text.split(separator)]
    name = separator.join(parts)
    if len(name) > 1:
        name = name.rstrip(separator) or separator
    return (name or "/")[:MAX_LENGTH]


def _part(part: str) -> str:
    # Most parts are plain words or numbers, and need none of the patterns.
    if len(part) < _SHORTEST_ID and part.isalpha():
        return part
    if part.isdecimal():
        return "{id}"
    if _DATE.match(part):
        return "{date}"
    if _NUMBER.match(part) or _UUID.match(part) or _HASH.match(part):
        return "{id}"
    tail = _TAIL_NUMBER.match(part)
    return f"{tail.group(1)}{{id}}" if tail else part
