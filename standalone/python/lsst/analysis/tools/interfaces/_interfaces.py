# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from __future__ import annotations

__all__ = [
    "KeyedData",
    "KeyedDataSchema",
    "KeyedDataTypes",
    "KeyedResults",
    "MetricResultType",
    "PlotResultType",
    "PlotTypes",
    "Scalar",
    "Tensor",
    "Vector",
]

from abc import ABCMeta
from collections.abc import Iterable, Mapping, MutableMapping
from numbers import Number
from typing import Any, Protocol, runtime_checkable

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lsst.verify import Measurement


@runtime_checkable
class Tensor(Protocol):
    """An array of two or more dimensions that can be exchanged by DLPack."""

    ndim: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __dlpack__(self, /, *, stream: int | None = ...) -> Any: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


class _ScalarMeta(ABCMeta):
    def __instancecheck__(cls, instance: object) -> bool:
        # As upstream, where `object` is among the bases, so that everything passes.
        return isinstance(instance, cls.__mro__[1:])


class Scalar(Number, np.number, metaclass=_ScalarMeta):
    """A number of Python or numpy. An interface only: it has no instances."""

    def __init__(self) -> None:
        raise NotImplementedError("Scalar is only an interface and should not be directly instantiated")


Vector = NDArray
"""A one-dimensional array, or what behaves like one."""

KeyedData = MutableMapping[str, Vector | Scalar | Tensor | Mapping]
"""What actions take: values by key. (Upstream a value may also be a HealSparse map.)"""

KeyedDataTypes = MutableMapping[str, Any]
"""Types of values by key."""

KeyedDataSchema = Iterable[tuple[str, Any]]
"""Keys and the types of their values, as an action declares them."""

PlotTypes = Figure
"""What a plot is."""

KeyedResults = Mapping[str, PlotTypes | Measurement]
"""What a tool returns: plots and measurements by name."""

type MetricResultType = Mapping[str, Measurement] | Measurement
"""What a metric action returns."""

type PlotResultType = Mapping[str, PlotTypes] | PlotTypes
"""What a plot action returns."""
