# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Describe public names as JSON, to compare one world's with the other's.

Usage: ``python describeSurface.py NAMES.json``, with a list of pairs of module
and name.
"""

import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from lsst.pex.config import Config, Field


def describeCallable(function: Any) -> list[list[str]]:
    """Return name, kind and default of each parameter."""
    parameters = inspect.signature(function).parameters.values()
    return [
        [item.name, item.kind.name, "" if item.default is item.empty else repr(item.default)]
        for item in parameters
    ]


def describeField(field: Field) -> list[str]:
    """Return type, element type, default and optionality of a configuration field."""
    default = field.default if not isinstance(field.default, type) else field.default.__name__
    return [type(field).__name__, field.dtype.__name__, repr(default), str(field.optional)]


def describeClass(cls: type) -> dict[str, Any]:
    """Return what can be done with a class, by name."""
    members: dict[str, Any] = {}
    for name in sorted(name for name in dir(cls) if not name.startswith("_") and isOwn(cls, name)):
        value = inspect.getattr_static(cls, name)
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        if inspect.isfunction(value):
            members[name] = describeCallable(value)
        elif isinstance(value, property):
            members[name] = "property"
    if "__init__" in vars(cls) and not issubclass(cls, Config):
        members["__init__"] = describeCallable(cls.__init__)
    if issubclass(cls, Config):
        members |= {f"field {name}": describeField(field) for name, field in cls._fields.items()}
    return members


def isOwn(cls: type, name: str) -> bool:
    """Tell whether a member is defined in the packages that are compared."""
    owner = next((base for base in cls.__mro__ if name in vars(base)), object)
    return owner.__module__.startswith(("lsst.analysis.tools", "lsst.cp.verify", "lsst.verify"))


def describe(module: str, name: str) -> Any:
    """Return a description of one name; `None` if there is no such name."""
    value = getattr(importlib.import_module(module), name, None)
    if inspect.isclass(value):
        return describeClass(value)
    return describeCallable(value) if inspect.isfunction(value) else type(value).__name__


if __name__ == "__main__":
    names = json.loads(Path(sys.argv[1]).read_text())
    json.dump({f"{module}.{name}": describe(module, name) for module, name in names}, sys.stdout)
