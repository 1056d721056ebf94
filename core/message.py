"""What all messages between the app and the engine process have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import Any, ClassVar, NoReturn, cast, dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Message:
    """Base of everything on the wire: each heir is a dataclass, immutable and made by keyword.

    The methods that a dataclass would be given are here once: writing and compiling them for three
    dozen classes takes longer than any other import of the app's own before its first frame.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    _plain: ClassVar[dict[str, Any]]
    _made: ClassVar[dict[str, Callable[[], Any]]]
    _n_fields: ClassVar[int]

    def __init_subclass__(cls) -> None:
        dataclass(init=False, repr=False, eq=False)(cls)
        own = fields(cast(Any, cls))
        cls._plain = {f.name: f.default for f in own if f.default is not MISSING}
        cls._made = {f.name: f.default_factory for f in own if f.default_factory is not MISSING}
        cls._n_fields = len(own)

    def __init__(self, **values: Any) -> None:
        own = self.__dict__
        own.update(self._plain)
        for name, make in self._made.items():
            if name not in values:
                own[name] = make()
        own.update(values)
        if len(own) != self._n_fields:
            names = {f.name for f in fields(cast(Any, self))}
            raise TypeError(f"{type(self).__name__}: {sorted(names ^ own.keys())} are not right")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, f.name) for f in fields(cast(Any, self)))))

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({said})"
