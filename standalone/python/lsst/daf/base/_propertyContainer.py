# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, ClassVar, Self

from ._propertyValues import KINDS, Scalar, as_values, cast_values, equal_values, format_values

__all__ = ["PropertyList", "PropertySet"]


class PropertySet:
    """A mapping of names to values of one type each, or lists of them.

    The types are `bool`, `int`, `float`, `str`, `DateTime` and `None` (an
    undefined value). A property that was given several values is an array;
    asked for as a scalar it gives its last value.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[Any]] = {}

    @classmethod
    def from_mapping(cls, metadata: Any) -> Self:
        """Make a container of a mapping or of what can give one.

        Parameters
        ----------
        metadata : `collections.abc.Mapping` or `object`
            A mapping, or an object with ``to_dict``, ``toDict`` or ``dict``.

        Raises
        ------
        ValueError
            Raised if there is no mapping to be had.
        """
        result = cls()
        if not isinstance(metadata, Mapping):
            for name in ("to_dict", "toDict", "dict"):
                if hasattr(metadata, name):
                    metadata = getattr(metadata, name)()
                    break
            else:
                raise ValueError(f"No mapping can be made of metadata of type {type(metadata)}")
        result.update(metadata)
        return result

    def exists(self, name: str) -> bool:
        """Tell whether there is a property of this name."""
        return name in self._values

    def isUndefined(self, name: str) -> bool:
        """Tell whether a property is there but has no value."""
        return self.exists(name) and self._values[name][-1] is None

    def names(self, topLevelOnly: bool = True) -> list[str]:
        """Return the names."""
        return list(self._values)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the (last) value of a property, or the default."""
        return self._values[name][-1] if self.exists(name) else default

    def getScalar(self, name: str) -> Scalar:
        """Return the (last) value of a property.

        Raises
        ------
        KeyError
            Raised if there is no such property.
        """
        return self.getArray(name)[-1]

    def getArray(self, name: str) -> list[Any]:
        """Return all values of a property.

        Raises
        ------
        KeyError
            Raised if there is no such property.
        """
        if not self.exists(name):
            raise KeyError(f"{name} not found")
        return list(self._values[name])

    def set(self, name: str, value: Any) -> None:
        """Set a property, whatever it was before.

        Parameters
        ----------
        name : `str`
            Name of the property.
        value : `object`
            Value, or an iterable of values of one type. An empty iterable
            changes nothing.

        Raises
        ------
        TypeError
            Raised if the type is none that a property can have.
        NotImplementedError
            Raised if the value is a mapping.
        """
        values = as_values(name, value)
        if values:
            self._values[name] = values

    def add(self, name: str, value: Any) -> None:
        """Append one or several values to a property, which need not exist.

        Raises
        ------
        TypeError
            Raised if the type is not that of the values that are there.
        NotImplementedError
            Raised if the value is a mapping.
        """
        values = as_values(name, value)
        present = self._values.setdefault(name, []) if values else []
        if present and type(present[0]) is not type(values[0]):
            raise TypeError(f"{name} has type {type(present[0]).__name__}, not {type(values[0]).__name__}")
        present += values

    def update(self, addition: "PropertySet | Mapping[str, Any]") -> None:
        """Take over the properties of another container or mapping."""
        if isinstance(addition, PropertySet):
            for name in addition.names():
                self.copy(name, addition, name)
        else:
            for name, value in addition.items():
                self[name] = value

    def copy(self, dest: str, source: "PropertySet", name: str) -> None:
        """Set one property to that of another container.

        Parameters
        ----------
        dest : `str`
            Name of the property to set.
        source : `PropertySet`
            Container to copy from.
        name : `str`
            Name of the property there.

        Raises
        ------
        KeyError
            Raised if the source has no such property.
        """
        self._values[dest] = source.getArray(name)

    def remove(self, name: str) -> None:
        """Remove a property, if it is there."""
        self._values.pop(name, None)

    def pop(self, name: str, default: Any = None) -> Any:
        """Remove a property and return its (last) value.

        Raises
        ------
        KeyError
            Raised if it is not there and there is no default.
        """
        if not self.exists(name) and default is not None:
            return default
        value = self.getScalar(name)
        self.remove(name)
        return value

    def toDict(self) -> dict[str, Any]:
        """Return the values by name; arrays are lists."""
        return {name: values if len(values) > 1 else values[0] for name, values in self._values.items()}

    def keys(self) -> KeysView[str]:
        """Return a view of the names."""
        return KeysView(self)

    def items(self) -> ItemsView[str, Any]:
        """Return a view of names and scalars."""
        return ItemsView(self)

    def values(self) -> ValuesView[Any]:
        """Return a view of the scalars."""
        return ValuesView(self)

    def toString(self) -> str:
        """Return one line a property."""
        return "".join(f"{name} = {format_values(values)}\n" for name, values in self._values.items())

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Scalar:
        return self.getScalar(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        if not self.exists(name):
            raise KeyError(f"{name} not present in dict")
        self.remove(name)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __copy__(self) -> Self:
        result = type(self)()
        result.update(self)
        return result

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PropertySet) or type(self) is not type(other):
            return NotImplemented
        return self._values.keys() == other._values.keys() and all(
            equal_values(values, other._values[name]) for name, values in self._values.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.toString()

    def _kind(self, name: str) -> str:
        """Return the name of a property's type as it is persisted."""
        values = self._values[name]
        kind = KINDS[type(values[0])]
        return "LongLong" if kind == "Int" and max(map(abs, values)) >= 2**31 else kind

    def _state(self) -> list[list[Any]]:
        """Return name, type and value of each property, to be persisted."""
        return [[name, self._kind(name), value] for name, value in self.toDict().items()]

    def _restore(self, state: Iterable[Iterable[Any]]) -> None:
        for name, kind, value, *comment in state:
            self.set(name, cast_values(kind, value), *comment)


class PropertyList(PropertySet):
    """A `PropertySet` with a comment for each property; it keeps the order.

    A FITS header in memory.
    """

    COMMENTSUFFIX: ClassVar[str] = "#COMMENT"

    def __init__(self) -> None:
        super().__init__()
        self._comments: dict[str, str] = {}

    def getComment(self, name: str) -> str:
        """Return the comment of a property, which may be empty.

        Raises
        ------
        KeyError
            Raised if there is no such property.
        """
        if not self.exists(name):
            raise KeyError(f"{name} not found")
        return self._comments.get(name, "")

    def setComment(self, name: str, comment: str) -> None:
        """Set the comment of a property that is there.

        Raises
        ------
        KeyError
            Raised if there is no such property.
        """
        self.getComment(name)
        self._comments[name] = comment

    def set(self, name: str, value: Any, comment: str | None = None) -> None:
        """Set a property, whatever it was before; see `PropertySet.set`.

        Parameters
        ----------
        name : `str`
            Name of the property.
        value : `object`
            Value, or an iterable of values of one type.
        comment : `str`, optional
            The new comment; without it the old one stays.
        """
        super().set(name, value)
        self._note(name, comment)

    def add(self, name: str, value: Any, comment: str | None = None) -> None:
        """Append values to a property; see `PropertySet.add`.

        Parameters
        ----------
        name : `str`
            Name of the property.
        value : `object`
            Value, or an iterable of values of one type.
        comment : `str`, optional
            The new comment; without it the old one stays.
        """
        super().add(name, value)
        self._note(name, comment)

    def copy(self, dest: str, source: PropertySet, name: str) -> None:
        """Set one property, and its comment, to that of another container."""
        super().copy(dest, source, name)
        self._note(dest, source.getComment(name) if isinstance(source, PropertyList) else None)

    def remove(self, name: str) -> None:
        """Remove a property, if it is there."""
        super().remove(name)
        self._comments.pop(name, None)

    def toList(self) -> list[tuple[str, Scalar, str]]:
        """Return name, value and comment of every value, in order."""
        return [
            (name, value, self.getComment(name)) for name, values in self._values.items() for value in values
        ]

    def toString(self) -> str:
        """Return one line a property, with its comment."""
        lines = super().toString().splitlines()
        notes = (self._comments.get(name, "") for name in self._values)
        return "".join(
            f"{line} // {note}\n" if note else f"{line}\n" for line, note in zip(lines, notes, strict=True)
        )

    def __setitem__(self, name: str, value: Any) -> None:
        if name.endswith(self.COMMENTSUFFIX):
            self.setComment(name.removesuffix(self.COMMENTSUFFIX), value)
        else:
            self.set(name, value)

    def __eq__(self, other: object) -> bool:
        same = super().__eq__(other)
        if same is not True or not isinstance(other, PropertyList):
            return same
        return all(self.getComment(name) == other.getComment(name) for name in self)

    __hash__ = None

    def _note(self, name: str, comment: str | None) -> None:
        if comment is not None and self.exists(name):
            self._comments[name] = comment

    def _state(self) -> list[list[Any]]:
        return [[*entry, self.getComment(entry[0])] for entry in super()._state()]
