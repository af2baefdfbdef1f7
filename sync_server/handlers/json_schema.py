"""JSON Schema (2020-12) of Python types: what the interface's document says of bodies and answers."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from sync_server.handlers.shapes.terms import That
from sync_server.services.accounts import DERIVED

Schema: TypeAlias = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    object: {},
}


class Components:
    """Schemas of types; objects get a name each and are referred to by it."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}
        self._types: dict[str, Any] = {}

    def schema_of(self, kind: Any) -> Schema:
        """The schema of a type. Raises TypeError for what has none, or for two of one name."""
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return self._narrowed(arguments[0], arguments[1:])
        if origin in (Union, UnionType):
            return {"anyOf": [self.schema_of(each) for each in arguments]}
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin is list or (origin is tuple and arguments[1:] == (...,)):
            return {"type": "array", "items": self.schema_of(arguments[0])}
        if origin is tuple:
            return self._row(arguments)
        if origin is dict:
            return self._map(*arguments)
        if inspect.isclass(kind) and issubclass(kind, StrEnum):
            return {"type": "string", "enum": [each.value for each in kind]}
        if is_typeddict(kind) or is_dataclass(kind):
            return self._refer_to(kind)
        raise TypeError(f"{kind} has no JSON Schema")

    def members_of(self, kind: Any) -> dict[str, tuple[Schema, bool]]:
        """Of a TypedDict: each member's schema, and whether it is required."""
        found = {}
        for name, hint in get_type_hints(kind, include_extras=True).items():
            is_optional = get_origin(hint) is NotRequired
            inner = get_args(hint)[0] if is_optional else hint
            found[name] = (self.schema_of(inner), not is_optional)
        return found

    def _narrowed(self, kind: Any, notes: tuple[Any, ...]) -> Schema:
        schema = self.schema_of(kind)
        for note in notes:
            if isinstance(note, That):
                schema |= note.keywords
        return schema

    def _row(self, kinds: tuple[Any, ...]) -> Schema:
        """An array of so many items, each of its own type."""
        size = len(kinds)
        items = [self.schema_of(each) for each in kinds]
        return {
            "type": "array",
            "prefixItems": items,
            "items": False,
            "minItems": size,
            "maxItems": size,
        }

    def _map(self, key: Any, value: Any) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": self.schema_of(value)}
        if key is not str:
            schema["propertyNames"] = self.schema_of(key)
        return schema

    def _refer_to(self, kind: Any) -> Schema:
        name = kind.__name__
        if self._types.setdefault(name, kind) is not kind:
            raise TypeError(f"two shapes are called {name}")
        if name not in self.named:
            self.named[name] = {}  # one that holds itself refers to itself
            self.named[name] = self._object(kind)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: Any) -> Schema:
        if is_dataclass(kind):
            hints = get_type_hints(kind, include_extras=True)
            members = {each.name: (self.schema_of(hints[each.name]), True) for each in fields(kind)}
            for name in DERIVED:
                if isinstance(told := vars(kind).get(name), property):
                    returned = get_type_hints(told.fget)["return"]
                    members[name] = (self.schema_of(returned), True)
        else:
            members = self.members_of(kind)
        return {
            "type": "object",
            "description": " ".join((inspect.getdoc(kind) or "").split()),
            "properties": {name: schema for name, (schema, _) in members.items()},
            "required": [name for name, (_, is_required) in members.items() if is_required],
        }
