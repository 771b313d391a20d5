# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading and checking the YAML files of the catalogue."""

import dataclasses
from collections.abc import Hashable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from .product import CatalogueError, Product, Test

__all__ = ["getProduct", "products", "readProduct"]

_SUFFIX = ".yaml"
_TEXTS = ("prefix", "title", "document", "url")
_SECTIONS = ("tests", "statistics")

# What one declaration may say; the rest of a test is common to the file.
_FIELDS = {f.name: f for f in dataclasses.fields(Test) if f.name not in ("product", "prefix", "key")}

_TYPES = {"threshold": float, "centre": float, "isCount": bool, "verdict": bool, "inVerdict": bool}


class _UniqueKeyLoader(yaml.SafeLoader):
    """A loader that does not let a second key replace the first in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise CatalogueError(f"key {key!r} is given twice (line {node.start_mark.line + 1} on)")
        return super().construct_mapping(node, deep=deep)


def readProduct(text: str, source: str) -> Product:
    """Read the declaration of one product.

    Parameters
    ----------
    text
        YAML with the product's name, prefix, title, document and url, its tests, and the statistics that are
        only stored.
    source
        Name of the file, for messages.

    Returns
    -------
    product
        The product.

    Raises
    ------
    CatalogueError
        If the text is not such a declaration.
    """
    try:
        return _makeProduct(yaml.load(text, _UniqueKeyLoader))
    except (yaml.YAMLError, CatalogueError) as error:
        raise CatalogueError(f"{source}: {error}") from error


@cache
def getProduct(name: str) -> Product:
    """Get a product by its name.

    Parameters
    ----------
    name
        Name of a product.

    Returns
    -------
    product
        The product.

    Raises
    ------
    KeyError
        If there is no such product.
    """
    if name not in products():
        raise KeyError(f"no product {name!r} in the catalogue; it has {', '.join(products())}")
    path = resources.files(__package__) / f"{name}{_SUFFIX}"
    return readProduct(path.read_text(encoding="utf-8"), path.name)


@cache
def products() -> tuple[str, ...]:
    """Name all products.

    Returns
    -------
    names
        Names of products, sorted.
    """
    names = (file.name for file in resources.files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def _makeProduct(data: Any) -> Product:
    """Make a product from parsed YAML."""
    _checkKeys(data, "the product", required=("product", *_TEXTS, *_SECTIONS))
    texts = {name: data[name] for name in ("product", *_TEXTS)}
    for name, value in texts.items():
        if not isinstance(value, str) or not value:
            raise CatalogueError(f"{name} is {value!r}, expected text")
    tests = []
    for section in _SECTIONS:
        if not isinstance(data[section], Mapping):
            raise CatalogueError(f"{section} is {data[section]!r}, expected declarations by key")
        for key, fields in data[section].items():
            tests.append(_makeTest(key, fields, texts, stored=section == "statistics"))
    texts["name"] = texts.pop("product")
    return Product(**texts, tests=tuple(tests))


def _makeTest(key: Any, fields: Any, texts: Mapping[str, str], *, stored: bool) -> Test:
    """Make a test, or a statistic that is only stored, from its declaration."""
    what = f"test {key!r} of {texts['product']}"
    if stored:
        optional = ("presence", "level", "isCount", "centre")
        _checkKeys(fields, what, required=("description", "unit", "label"), optional=optional)
        fields = {**fields, "statistic": key}
    else:
        _checkKeys(fields, what, required=("description", "verify"), optional=tuple(_FIELDS))
        if "statistic" in fields and "label" not in fields:
            raise CatalogueError(f"{what} has a statistic, and no label for it")
    for name, value in fields.items():
        expected = _TYPES.get(name, str)
        if not isinstance(value, expected):
            raise CatalogueError(f"{what}: {name} is {value!r}, expected {expected.__name__}")
    return Test(key=key, product=texts["product"], prefix=texts["prefix"], **fields)


def _checkKeys(data: Any, what: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Raise unless a mapping has all required keys and no unknown one."""
    if not isinstance(data, Mapping):
        raise CatalogueError(f"{what} is {data!r}, expected fields by name")
    if missing := [key for key in required if key not in data]:
        raise CatalogueError(f"{what} lacks {', '.join(missing)}")
    known = tuple(dict.fromkeys((*required, *optional)))
    if unknown := [str(key) for key in data if key not in known]:
        raise CatalogueError(
            f"{what} has unknown field(s) {', '.join(unknown)}; known are {', '.join(known)}"
        )
