"""Questions about the types of options: what error messages, secrets and the example file need to know."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from pvsmqtt.settings.toml_lines import Loc


def members(annotation: Any) -> tuple[Any, ...]:
    """The types that a value may have, without None: ``int | str | None`` -> ``(int, str)``."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(member for member in get_args(annotation) if member is not NoneType)
    return (annotation,)


def options_class(annotation: Any) -> type[BaseModel] | None:
    """The class of options behind a table or a list of tables; None where it is neither."""
    for member in members(annotation):
        found = get_args(member)[0] if get_origin(member) is list else member
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return None


def is_list(annotation: Any) -> bool:
    """Whether values are lists."""
    return any(member is list or get_origin(member) is list for member in members(annotation))


def descend(annotation: Any, loc: Loc) -> tuple[Loc, Any]:
    """Follow ``loc`` from a type: the part of it that leads to a value, and the type there.

    What pydantic appends to a location to name the member of a union is left off. An unknown key ends the way;
    it belongs to it, and its type is Any.
    """
    path: Loc = ()
    for step in loc:
        table = options_class(annotation) if isinstance(step, str) else None
        if table is not None and not is_list(annotation):
            field = table.model_fields.get(str(step))
            annotation = field.annotation if field else Any
        else:
            origin = dict if isinstance(step, str) else list
            inner = [get_args(m)[-1] for m in members(annotation) if get_origin(m) is origin]
            if not inner:
                break
            annotation = inner[0]
        path += (step,)
        if annotation is Any:
            break
    return path, annotation
