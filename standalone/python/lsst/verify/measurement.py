# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Stand-in for ``lsst.verify.measurement``, without metric definitions, blobs and extras."""

from __future__ import annotations

__all__ = ["Measurement", "MeasurementNotes"]

import functools
import uuid
from collections.abc import ItemsView, Iterator, KeysView, Mapping, MutableMapping
from typing import Any

import astropy.units as u
import numpy as np
from astropy.tests.helper import quantity_allclose

from .naming import Name


@functools.cache
def _write(unit: u.UnitBase) -> str:
    """Write a unit, once for all measurements that have it."""
    return str(unit)


class MeasurementNotes(MutableMapping[str, Any]):
    """Annotations of one measurement.

    Keys are stored with the name of the metric before them, and are found
    with or without it.

    Parameters
    ----------
    metric_name : `Name` or `str`
        Name of the metric that is measured.
    """

    def __init__(self, metric_name: Name | str) -> None:
        self._prefix = f"{metric_name}."
        self._data: dict[str, Any] = {}

    def _full(self, key: str) -> str:
        return key if key.startswith(self._prefix) else self._prefix + key

    def __getitem__(self, key: str) -> Any:
        return self._data[self._full(key)]

    def __setitem__(self, key: str, value: Any) -> None:
        self._data[self._full(key)] = value

    def __delitem__(self, key: str) -> None:
        del self._data[self._full(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._full(key) in self._data

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MeasurementNotes)
            and self._prefix == other._prefix
            and self._data == other._data
        )

    def __repr__(self) -> str:
        return repr(self._data)

    def keys(self) -> KeysView[str]:
        """Return the keys, with the name of the metric before each."""
        return self._data.keys()

    def items(self) -> ItemsView[str, Any]:
        """Return keys, with the name of the metric before each, and values."""
        return self._data.items()


class Measurement:
    """A measured value of one metric.

    Parameters
    ----------
    metric : `str` or `Name`
        Name of the metric.
    quantity : `astropy.units.Quantity` or `float`, optional
        The value; a bare number is dimensionless.
    blobs, extras : `None`
        Not available here.
    notes : `~collections.abc.Mapping`, optional
        Annotations. They are not part of `json`.

    Raises
    ------
    NotImplementedError
        Raised if a metric definition, blobs or extras are given.
    TypeError
        Raised if the name or the quantity is of a wrong type.
    """

    def __init__(
        self,
        metric: str | Name,
        quantity: u.Quantity | float | None = None,
        blobs: None = None,
        extras: None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        if blobs or extras:
            raise NotImplementedError("This stand-in of lsst.verify has no blobs and extras.")
        self._id = uuid.uuid4().hex
        self.metric_name = metric
        self.quantity = quantity
        self._notes = MeasurementNotes(self.metric_name)
        if notes is not None:
            self._notes.update(notes)

    @property
    def metric_name(self) -> Name:
        """Name of the metric (`Name`)."""
        return self._metric_name

    @metric_name.setter
    def metric_name(self, value: str | Name) -> None:
        if not isinstance(value, (str, Name)):
            raise NotImplementedError(
                f"This stand-in of lsst.verify has no metric definitions: expected a name, got {value!r}."
            )
        name = value if isinstance(value, Name) else Name(metric=value)
        if not name.is_metric:
            raise TypeError(f"Expected {name} to be a metric's name")
        self._metric_name = name

    @property
    def quantity(self) -> u.Quantity | None:
        """The value with its unit (`astropy.units.Quantity` or `None`)."""
        return self._quantity

    @quantity.setter
    def quantity(self, value: u.Quantity | float | None) -> None:
        if value is not None and not isinstance(value, u.Quantity):
            try:
                value = value * u.dimensionless_unscaled
            except (TypeError, ValueError) as error:
                raise TypeError(
                    f"{value!r} cannot be coerced into an astropy.units.dimensionless_unscaled"
                ) from error
        self._quantity = value

    @property
    def identifier(self) -> str:
        """A unique identifier that is stored with the measurement (`str`)."""
        return self._id

    @property
    def notes(self) -> MeasurementNotes:
        """Annotations (`MeasurementNotes`)."""
        return self._notes

    @property
    def json(self) -> dict[str, Any]:
        """What is stored of the measurement, ready for JSON (`dict`).

        Its keys are ``metric``, ``identifier``, ``value``, ``unit`` and
        ``blob_refs``, which is empty. A value that is NaN or infinite is
        `None`; notes are left out.
        """
        value, unit = None, None
        if self.quantity is not None:
            value, unit = self.quantity.value, _write(self.quantity.unit)
            if not np.isfinite(value):
                value = None
        return {
            "metric": str(self.metric_name),
            "identifier": self.identifier,
            "value": value,
            "unit": unit,
            "blob_refs": [],
        }

    @classmethod
    def deserialize(
        cls,
        metric: str | None = None,
        identifier: str | None = None,
        value: float | None = None,
        unit: str | None = None,
        blob_refs: list[str] | None = None,
        blobs: None = None,
        **kwargs: Any,
    ) -> Measurement:
        """Make a measurement from what `json` gave.

        Parameters
        ----------
        metric : `str`
            Name of the metric.
        identifier : `str`
            Identifier of the stored measurement.
        value : `float` or `None`
            The value; `None` becomes NaN.
        unit : `str`
            Unit of the value, as astropy writes it.
        blob_refs : `list` [`str`], optional
            Ignored: blobs are not stored with a measurement.
        blobs : `None`
            Not available here.
        **kwargs
            Ignored.

        Returns
        -------
        measurement : `Measurement`
            The measurement, without notes.

        Raises
        ------
        NotImplementedError
            Raised if blobs are given.
        """
        quantity = u.Quantity(np.nan if value is None else value, u.Unit(unit))
        instance = cls(metric, quantity, blobs=blobs)  # type: ignore[arg-type]
        instance._id = identifier  # type: ignore[assignment]
        return instance

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Measurement)
            and quantity_allclose(self.quantity, other.quantity)
            and self.metric_name == other.metric_name
            and self.notes == other.notes
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.metric_name}: {self.quantity}"

    def __repr__(self) -> str:
        notes = f", notes={dict(self.notes)!r}" if self.notes else ""
        return f"Measurement({str(self.metric_name)!r}, {self.quantity!r}{notes})"
