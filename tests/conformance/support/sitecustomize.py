# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Placeholders for packages that upstream imports and the tests here never use.

With this folder on PYTHONPATH, ``import`` of a package in `PACKAGES` that is not
installed gives modules whose names are empty classes: enough to define what
upstream derives from them, of no use to run it.
"""

import importlib.abc
import importlib.machinery
import re
import sys
from types import ModuleType
from typing import Any

PACKAGES = (
    "astro_metadata_translator",
    "esutil",
    "galsim",
    "lmfit",
    "lsst.afw.cameraGeom.utils",
    "lsst.afw.detection",
    "lsst.afw.display",
    "lsst.afw.geom",
    "lsst.afw.math",
    "lsst.afw.table",
    "lsst.cp.pipe",
    "lsst.drp",
    "lsst.ip",
    "lsst.meas",
    "lsst.obs.base.utils",
    "lsst.pex.exceptions",
    "lsst.pipe.tasks",
    "lsst.skymap",
    "photutils",
    "pyfftw",
    "skyproj",
    "smatch",
    "treecorr",
)


class _Named(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # Constants are names of datasets.
        return name if name.isupper() else _makeClass(name)


def _doNothing(*args: Any, **kwargs: Any) -> None:
    """Stand for a function."""


def _makeClass(name: str) -> Any:
    if name[0].islower():
        return _doNothing
    if name.isupper():
        return 0
    if name.endswith(("Connections", "Config", "Task")):
        return _makeTaskClass(name)
    return _Named(name, (Exception,) if name.endswith(("Error", "Exception")) else (), {})


def _makeTaskClass(name: str) -> type:
    """Return a class from which upstream can derive a task, its configuration or its connections."""
    from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections

    class Connections(PipelineTaskConnections, dimensions=()):
        pass

    class Config(PipelineTaskConfig, pipelineConnections=Connections):
        def __setattr__(self, attr: str, value: Any, *args: Any, **kwargs: Any) -> None:
            if attr in self._fields or attr.startswith("_"):
                super().__setattr__(attr, value, *args, **kwargs)
            else:
                self.__dict__[attr] = value

        def __getattr__(self, attr: str) -> Any:
            if attr.startswith("_"):
                raise AttributeError(attr)
            # What upstream extends without setting it before is a list.
            return self.__dict__.setdefault(attr, [])

    class Task(PipelineTask):
        ConfigClass = Config
        _DefaultName = name

    return {"Connections": Connections, "Config": Config, "Task": Task}[re.split(r"(?=[A-Z])", name)[-1]]


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, _makeClass(name))
        return self.__dict__[name]


class PlaceholderFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Last of the finders: makes what no other one has found."""

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the specification of a placeholder, if there may be one."""
        wanted = any(fullname == name or fullname.startswith(f"{name}.") for name in PACKAGES)
        # A capital is the first letter of a class, which importing as a module must fail for.
        if not wanted or fullname.rpartition(".")[2][0].isupper():
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Make the module."""
        return _Module(spec.name, "A placeholder.")

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: there is no code."""


sys.meta_path.append(PlaceholderFinder())
