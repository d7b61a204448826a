"""Values of settings: read from the text that an environment holds, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import inspect

from engine.errors import SettingsError
from engine.secret import Secret

_TRUE = {"1", "true", "t", "yes", "y", "on"}
_FALSE = {"0", "false", "f", "no", "n", "off"}


def refusal(name: str, value: object, remedy: str) -> SettingsError:
    """The sentence for a value that cannot be used; a secret's value is not in it."""
    shown = "not usable" if isinstance(value, Secret) else repr(value)
    return SettingsError(f"{name} is {shown}; {remedy}.")


def value_of(name: str, form: Any, given: object) -> Any:  # noqa: ANN401 - what a field's type says
    """`given`, mostly a text, in the form of a field's type; an empty one is None where it may be.

    Raises:
        SettingsError: it does not have this form; the sentence says what would.
    """
    if given == "" and isinstance(inspect.type_info(form), inspect.UnionType):
        return None
    try:
        read = _READERS.get(type(_kind(form))) if isinstance(given, str) else None
        value = read(given) if read else given  # type: ignore[arg-type] # a text, where read is set
        return msgspec.convert(value, form, strict=False, dec_hook=_of_our_own)
    except ValueError:
        raise refusal(name, Secret() if form is Secret else given, _remedy(form)) from None


def _kind(form: Any) -> inspect.Type:  # noqa: ANN401 - a type, or one with bounds
    """What a field holds where it holds something."""
    kind = inspect.type_info(form)
    if isinstance(kind, inspect.UnionType):
        return next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    return kind


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _truth(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(text)
    return word in _TRUE


_READERS: Mapping[type[inspect.Type], Callable[[str], object]] = {
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.BoolType: _truth,
}
"""They read more spellings than msgspec does, such as `yes`, ` 80 ` and `400_000`."""


def _of_our_own(form: type, given: object) -> object:
    """What msgspec has no form for: folders and secrets."""
    if isinstance(given, form):
        return given
    if form in (Path, Secret) and isinstance(given, str):
        return form(given)
    raise ValueError(given)


def _remedy(form: Any) -> str:  # noqa: ANN401 - a type, or one with bounds
    kind = _kind(form)
    match kind:
        case inspect.LiteralType():
            *others, last = (repr(value) for value in get_args(form))
            return f"give {', '.join(others)} or {last}"
        case inspect.BoolType():
            return "give true or false"
        case inspect.IntType():
            return f"give a whole number{_bounds(kind)}"
        case inspect.FloatType():
            return f"give a number{_bounds(kind)}"
    return "give a text"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge} to {kind.le}"
    low = f" above {kind.gt}" if kind.gt is not None else ""
    low += f" of at least {kind.ge}" if kind.ge is not None else ""
    return low + (f" and at most {kind.le}" if kind.le is not None else "")
