# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How Butler's YAML formatter stores the classes of this package."""

from collections.abc import Iterator
from typing import Any

import yaml

from ._dateTime import DateTime
from ._propertyContainer import PropertyList, PropertySet

__all__: list[str] = []

_LOADERS = (yaml.Loader, yaml.FullLoader, yaml.UnsafeLoader, yaml.SafeLoader, yaml.CLoader, yaml.CSafeLoader)


def _tag(kind: type) -> str:
    return f"lsst.daf.base.{kind.__name__}"


def _represent_date(dumper: yaml.Dumper, date: DateTime) -> yaml.Node:
    return dumper.represent_scalar(_tag(DateTime), date.toString(DateTime.TAI))


def _construct_date(loader: Any, node: Any) -> DateTime:
    return DateTime(str(loader.construct_scalar(node)), DateTime.TAI)


def _represent(dumper: yaml.Dumper, container: PropertySet) -> yaml.Node:
    return dumper.represent_sequence(_tag(type(container)), container._state(), flow_style=None)


def _register(kind: type[PropertySet]) -> None:
    def construct(loader: Any, node: Any) -> Iterator[PropertySet]:
        container = kind()
        yield container
        container._restore(loader.construct_sequence(node, deep=True))

    yaml.add_representer(kind, _represent)
    for loader in _LOADERS:
        yaml.add_constructor(_tag(kind), construct, Loader=loader)


yaml.add_representer(DateTime, _represent_date)
for _loader in _LOADERS:
    yaml.add_constructor(_tag(DateTime), _construct_date, Loader=_loader)
_register(PropertySet)
_register(PropertyList)
