# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from __future__ import annotations

__all__ = ["BaseMetricAction", "BasePrep", "BaseProcess", "BaseProduce"]

import logging
from collections.abc import Mapping
from typing import Any, override

import astropy.units as u

from lsst.pex.config import DictField, ListField
from lsst.pex.config.configurableActions import ConfigurableActionStruct, ConfigurableActionStructField
from lsst.pipe.base import AlgorithmError
from lsst.verify import Measurement

from ._actions import AnalysisAction, JointAction, KeyedDataAction, MetricAction, NoPlot, VectorAction
from ._interfaces import KeyedData, KeyedDataSchema, KeyedDataTypes, MetricResultType, Scalar, Tensor, Vector

_LOG = logging.getLogger(__name__)


class MissingMetadataError(AlgorithmError):
    """Raised if a value from which a metric is made is not in the data.

    Parameters
    ----------
    key : `str`
        The key that is missing.
    data_repr : `str`
        The data, as text.
    """

    def __init__(self, key: str, data_repr: str) -> None:
        self._key = key
        self._data_repr = data_repr
        super().__init__(f"Key '{key}' could not be found in input data {data_repr}")

    @property
    @override
    def metadata(self) -> dict[str, Any]:
        return {"metadata_key": self._key, "input_data_repr": self._data_repr}


class BasePrep(KeyedDataAction):
    """Take what is asked for out of the data, and select rows.

    Only the vectors named in ``vectorKeys`` are shortened by the selectors.
    """

    keysToLoad = ListField[str](doc="Keys to extract from KeyedData and return", default=[])

    vectorKeys = ListField[str](doc="Keys from the input data which selectors will be applied", default=[])

    selectors = ConfigurableActionStructField[VectorAction](
        doc="Selectors for selecting rows, will be AND together",
    )

    def _keys(self) -> list[str]:
        return sorted({*self.keysToLoad, *self.vectorKeys})

    @override
    def getInputSchema(self) -> KeyedDataSchema:
        yield from ((key, Vector | Scalar | Tensor) for key in self._keys())
        for action in self.selectors:
            yield from action.getInputSchema()

    @override
    def getOutputSchema(self) -> KeyedDataSchema:
        return ((key, Vector | Scalar | Tensor) for key in self._keys())

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        mask: Any = None
        for selector in self.selectors:
            selected = selector(data, **kwargs)
            mask = selected if mask is None else mask * selected
        names = [key.format_map(kwargs) for key in self._keys()]
        result = {name: data[name] for name in names}
        if mask is not None:
            for name in {key.format_map(kwargs) for key in self.vectorKeys}:
                result[name] = result[name][mask]  # type: ignore[index]
        return result

    @override
    def addInputSchema(self, inputSchema: KeyedDataSchema) -> None:
        schema = list(inputSchema)
        self.keysToLoad = sorted({*self.keysToLoad, *(key for key, _ in schema)})
        self.vectorKeys = sorted({*self.vectorKeys, *(key for key, kind in schema if kind == Vector)})


class BaseProcess(KeyedDataAction):
    """Build new vectors, filter them, and calculate from them, in this order.

    Each of the three steps sees the input data and the results before it; a
    result hides an input of the same name. An action that returns a mapping
    gives all its entries, another one a value under its own name.
    """

    buildActions = ConfigurableActionStructField[VectorAction | KeyedDataAction](
        doc="Actions which compute a Vector which will be added to results"
    )
    filterActions = ConfigurableActionStructField[VectorAction | KeyedDataAction](
        doc="Actions which filter one or more input or build Vectors into shorter vectors"
    )
    calculateActions = ConfigurableActionStructField[AnalysisAction](
        doc="Actions which compute quantities from the input or built data"
    )

    @override
    def getInputSchema(self) -> KeyedDataSchema:
        schema: KeyedDataTypes = {}
        steps: tuple[ConfigurableActionStruct, ...] = (
            self.buildActions,
            self.filterActions,
            self.calculateActions,
        )
        for number, actions in enumerate(steps):
            # What an action of the same step makes is not yet there to be used.
            made = {key for step in steps[:number] for key in _outputs(step)}
            for action in actions:
                schema.update((key, kind) for key, kind in action.getInputSchema() if key not in made)
        return ((key, kind) for key, kind in schema.items())

    @override
    def getOutputSchema(self) -> KeyedDataSchema:
        for action in self.buildActions:
            if isinstance(action, KeyedDataAction):
                yield from action.getOutputSchema() or ()

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        inputs = dict(data)
        results: dict[str, Any] = {}
        for actions in (self.buildActions, self.filterActions, self.calculateActions):
            view = inputs | results
            for name, action in actions.items():
                result = action(view, **kwargs)
                results.update(result if isinstance(result, Mapping) else {name: result})
        return results


def _outputs(actions: ConfigurableActionStruct) -> set[str]:
    """Return the keys that a set of actions makes."""
    names: set[str] = set()
    for name, action in actions.items():
        if isinstance(action, KeyedDataAction):
            names.update(key for key, _ in action.getOutputSchema() or ())
        else:
            names.add(name)
    return names


def _hasNoMinus(value: str) -> bool:
    if "-" in value:
        # The reason cannot be put into the exception that pex_config raises.
        _LOG.error("Remapped metric names must not have a - character in them.")
        return False
    return True


class BaseMetricAction(MetricAction):
    """Make measurements of numbers that are in the data.

    A value that is a mapping gives one measurement for each of its entries,
    named after both. Spaces and minus signs in names become underscores.
    """

    units = DictField[str, str](doc="Mapping of scalar key to astropy unit string", default={})
    newNames = DictField[str, str](
        doc=(
            "Mapping of key to new name if needed prior to creating metric, "
            "cannot contain a minus character in the name."
        ),
        default={},
        itemCheck=_hasNoMinus,
    )

    @override
    def getInputSchema(self) -> KeyedDataSchema:
        return [(key, Scalar) for key in self.units]

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> MetricResultType:
        results: dict[str, Measurement] = {}
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        for key, unit in self.units.items():
            name = key.format(**kwargs)
            if name not in data:
                raise MissingMetadataError(name, repr(data))
            value = data[name]
            if new_name := self.newNames.get(key):
                name = new_name.format(**kwargs)
            values = (
                {f"{name}_{k}": v for k, v in value.items()} if isinstance(value, Mapping) else {name: value}
            )
            for full_name, number in values.items():
                clean = full_name.replace(" ", "_").replace("-", "_")
                results[clean] = Measurement(clean, number * u.Unit(unit), notes=notes)
        return results


class BaseProduce(JointAction):
    """Make metrics and, if set, plots."""

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.metric = BaseMetricAction()
        self.plot = NoPlot
