"""Secrets that must not be kept where people read: in the audit, in messages."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"

_NAME = re.compile(r"passw|secret|token|api_?key|credential|authorization", re.IGNORECASE)
_USER = re.compile(r"(://[^:/@\s]*):[^/@\s]+@")
_QUERY = re.compile(
    r"((?:[?&;]|\b)[\w-]*(?:passw|secret|token|api_?key|signature)[\w-]*=)[^&;#\s]+", re.IGNORECASE
)
_BEARER = re.compile(r"(bearer\s+)\S+", re.IGNORECASE)


def without_secrets(value: Any) -> Any:  # noqa: ANN401 - any JSON, and back as the same kind
    """The value with passwords and tokens hidden, by name and in addresses, however deep."""
    if isinstance(value, dict):
        return {
            name: HIDDEN if _NAME.search(str(name)) and told else without_secrets(told)
            for name, told in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(one) for one in value]
    if not isinstance(value, str):
        return value
    found = _USER.sub(rf"\1:{HIDDEN}@", value)
    return _BEARER.sub(rf"\1{HIDDEN}", _QUERY.sub(rf"\1{HIDDEN}", found))
