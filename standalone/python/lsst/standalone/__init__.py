# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The import guard of the stand-ins: real and stand-in packages never mix in silence.

It comes with a repair of Python, whose older releases may be all that there is where there are stand-ins.
"""

import os
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

from .zipFiles import repairSeek

__all__ = ["ALLOW_MIXED", "MEMBERS", "guard"]

ALLOW_MIXED = "ANALYSIS_CP_ALLOW_MIXED"
"""The environment variable that lifts the guard when it is ``1``."""

MEMBERS = (
    "lsst.afw",
    "lsst.analysis.tools",
    "lsst.cp.verify",
    "lsst.daf.base",
    "lsst.geom",
    "lsst.ip.isr",
    "lsst.obs.base",
    "lsst.obs.lsst",
    "lsst.pipe.tasks",
    "lsst.verify",
)
"""The upstream packages that this distribution stands in for."""


def guard(name: str) -> None:
    """Refuse to import a stand-in beside a real package of the stand-in set.

    Each stand-in package calls this first of all. A real package is a member
    of `MEMBERS`, anywhere on the path or already imported, whose source does
    not itself call the guard; so two copies of this distribution, or one that
    is on the path twice, are no mixture.

    Parameters
    ----------
    name : `str`
        Full name of the stand-in package that is being imported.

    Raises
    ------
    ImportError
        Raised if a real member is found, unless the environment variable
        ``ANALYSIS_CP_ALLOW_MIXED`` is ``1``.
    """
    if os.environ.get(ALLOW_MIXED) == "1":
        return
    real = _find_real(_search_path())
    if real is None:
        return
    real_name, real_path = real
    stand_in_path = Path(__file__).parents[2].joinpath(*name.split("."))
    raise ImportError(
        f"The stand-in {name} ({stand_in_path}) cannot be imported beside the real {real_name} ({real_path}):"
        " they would mix. Take one of the two off the path (PYTHONPATH, site-packages, .pth files), or set"
        f" {ALLOW_MIXED}=1 to mix them on purpose.",
        name=name,
        path=str(stand_in_path),
    )


def _search_path() -> tuple[str, ...]:
    """Return the places where a top-level package may be, without repeats.

    An editable install may reach ``lsst.__path__`` without being on
    ``sys.path``, so its parents count too.
    """
    entries = [Path(entry) for entry in sys.path if isinstance(entry, str)]
    entries += [Path(entry).parent for entry in sys.modules["lsst"].__path__]
    return tuple(dict.fromkeys(str(entry.resolve()) for entry in entries))


@cache
def _find_real(search_path: tuple[str, ...]) -> tuple[str, str] | None:
    """Return name and file of the first real member, or `None`.

    The answer is kept for each state of the path, so that a process scans
    once unless its path changes.
    """
    for member in MEMBERS:
        for spec in _specs(member, search_path):
            if not _calls_guard(spec):
                return member, str(spec.origin)
    return None


def _specs(member: str, search_path: tuple[str, ...]) -> Iterator[ModuleSpec]:
    """Yield the spec of each package or module of this name."""
    module = sys.modules.get(member)
    if module is not None and module.__spec__ is not None:
        yield module.__spec__
    folders = member.split(".")[:-1]
    for entry in search_path:
        # Not PathFinder: it needs the parent to be imported where it finds a folder without code.
        finder = pkgutil.get_importer(str(Path(entry, *folders)))
        spec = finder.find_spec(member) if finder is not None else None
        # A folder without __init__.py (the remains of a removed package, say) has no loader of code.
        if spec is not None and spec.has_location:
            yield spec


def _calls_guard(spec: ModuleSpec) -> bool:
    """Tell whether the source of a package calls the guard, as stand-ins do."""
    get_source = getattr(spec.loader, "get_source", None)
    source = get_source(spec.name) if get_source is not None else None
    return source is not None and "from lsst.standalone import guard" in source


repairSeek()
