# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of the documentation that list all public names, one a package."""

import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import lsst.analysis.cp as root

__all__ = ["PublicName", "apiPages", "publicNames"]

_DIRECTORY = "doc/lsst.analysis.cp/api"
_DEPTH = root.__name__.count(".") + 3
"""Number of parts of the longest name of a package with a page of its own."""
_WIDTH = 60
"""Largest number of letters of a value that is shown."""


@dataclass(frozen=True, order=True)
class PublicName:
    """A name that a module offers to others.

    Parameters
    ----------
    home
        The outermost package that offers it, or else the module that defines it.
    name
        The name.
    module
        The module that defines it.
    """

    home: str
    name: str
    module: str

    @property
    def value(self) -> object:
        """What has the name."""
        return getattr(import_module(self.module), self.name)

    @property
    def isConstant(self) -> bool:
        """Whether it is neither a class nor a function."""
        # A function with a cache is a routine, as is a connection, which cannot be called.
        return not inspect.isclass(self.value) and not (
            inspect.isroutine(self.value) and callable(self.value)
        )


def publicNames() -> list[PublicName]:
    """List all public names, sorted."""
    return sorted(
        PublicName(_findHome(module, name), name, module.__name__)
        for module in _modules()
        if not hasattr(module, "__path__")
        for name in module.__all__
    )


def apiPages() -> dict[str, str]:
    """Generate one page a package.

    Returns
    -------
    files
        Text of each file by its path, relative to the root of the package.
    """
    pages = defaultdict(list)
    for public in publicNames():
        pages[_findPage(public.home)].append(public)
    return {f"{_DIRECTORY}/{page}.rst": "\n".join(_writePage(page, names)) for page, names in pages.items()}


def _modules() -> Iterator[ModuleType]:
    """Import all modules."""
    for info in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
        yield import_module(info.name)


def _findHome(module: ModuleType, name: str) -> str:
    """Find the outermost package of a module that offers one of its names."""
    value = getattr(module, name)
    parts = module.__name__.split(".")
    packages = [".".join(parts[:n]) for n in range(_DEPTH - 1, len(parts))]
    return next((p for p in packages if getattr(import_module(p), name, None) is value), module.__name__)


def _findPage(home: str) -> str:
    """Find the package on whose page a module is."""
    room = ".".join(home.split(".")[:_DEPTH])
    return room if hasattr(import_module(room), "__path__") else room.rpartition(".")[0]


def _writePage(page: str, names: list[PublicName]) -> Iterator[str]:
    """Write the page of a package."""
    yield from (".. Generated from the modules of lsst.analysis.cp; do not edit.", "")
    yield from ("#" * len(page), page, "#" * len(page), "")
    for home in dict.fromkeys(public.home for public in names):
        yield from _describeModule(home, [public for public in names if public.home == home])


def _describeModule(home: str, names: list[PublicName]) -> Iterator[str]:
    """Describe the classes and functions that a module offers, then its constants."""
    listed = {public.name for public in names if not public.isConstant}
    yield from (f".. automodapi:: {home}", "   :headings: =-")
    # A package has the names of its packages, too, which are offered by others.
    yield from (f"   :skip: {name}" for name in sorted(_offeredNames(home) - listed))
    yield ""
    if constants := [public for public in names if public.isConstant]:
        yield from ("Constants", "-" * len("Constants"), "")
        for public in constants:
            yield f".. autodata:: {public.module}.{public.name}"
            if not isinstance(public.value, str | int | float) or len(repr(public.value)) > _WIDTH:
                yield "   :no-value:"
            yield ""


def _offeredNames(home: str) -> set[str]:
    """List the public names of a module."""
    module = import_module(home)
    names = getattr(module, "__all__", [name for name in dir(module) if not name.startswith("_")])
    return {name for name in names if not inspect.ismodule(getattr(module, name))}
