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

from .kinds import CurveKind, ImageKind
from .product import Product
from .slope import Slope
from .vectors import VectorReduction
from .verifyTest import CatalogueError, VerifyTest

__all__ = ["getProduct", "products", "readProduct"]

_SUFFIX = ".yaml"
_TEXTS = ("prefix", "title", "document", "url", "note", "epoch", "rate")
_SECTIONS = ("notRead", "tests", "statistics", "images", "slopes", "curves")
_KINDS: Mapping[str, type[ImageKind | CurveKind]] = {"images": ImageKind, "curves": CurveKind}

# What one declaration may say; the product and the key are common to the file, or said once.
_TESTED = tuple(f.name for f in dataclasses.fields(VerifyTest) if f.name not in ("product", "key", "inAdu"))
_STORED = (
    "prefix",
    "statistic",
    "derived",
    "vectors",
    "row",
    "presence",
    "varies",
    "isCount",
    "plotted",
    "centre",
    "plausibleAbove",
    "absentWhere",
)

_BOOLEANS = ("isCount", "plotted", "verdict", "inVerdict", "isOurs", "aboutZero")
_LIMITS = {"threshold": float, "thresholdField": str}
_TYPES = {"centre": float, "means": dict} | dict.fromkeys(_BOOLEANS, bool)


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
        YAML with the product's name and title, its prefix, document, url, note and epoch, the values that
        are not read, its tests, the statistics that are only stored, and how its images and vectors are
        shown.
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
def getProduct(name: str, gainsApplied: bool = True) -> Product:
    """Get a product by its name.

    Parameters
    ----------
    name
        Name of a product.
    gainsApplied
        Whether the pipeline applies the gains; if not, what is in electrons is in ADU.

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
    product = readProduct(path.read_text(encoding="utf-8"), path.name)
    return product if gainsApplied else product.withoutGains()


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
    _checkKeys(data, "the product", required=("product", "title"), optional=(*_TEXTS, *_SECTIONS))
    texts = {name: data[name] for name in ("product", *_TEXTS) if name in data}
    for name, value in texts.items():
        if not isinstance(value, str) or not value:
            raise CatalogueError(f"{name} is {value!r}, expected text")
    sections = {name: data.get(name, {}) for name in _SECTIONS}
    for name, declarations in sections.items():
        if not isinstance(declarations, Mapping):
            raise CatalogueError(f"{name} is {declarations!r}, expected declarations by key")
    if (sections["tests"] or sections["statistics"]) and "prefix" not in texts:
        raise CatalogueError("the product lacks prefix, with which the columns of its tests begin")
    kinds: dict[str, Any] = {
        name: _makeKinds(name, kind, sections[name], texts["product"]) for name, kind in _KINDS.items()
    }
    tests = [_makeTest(key, fields, texts, stored=False) for key, fields in sections["tests"].items()]
    tests += [_makeTest(key, fields, texts, stored=True) for key, fields in sections["statistics"].items()]
    slopes = tuple(_makeSlope(key, fields, texts["product"]) for key, fields in sections["slopes"].items())
    kinds["notRead"] = _checkTypes(sections["notRead"], f"notRead of {texts['product']}")
    return Product(name=texts.pop("product"), **texts, tests=tuple(tests), slopes=slopes, **kinds)


def _makeKinds(
    section: str, kind: type[ImageKind | CurveKind], declarations: Mapping[str, Any], product: str
) -> dict[str, Any]:
    """Make the descriptions of a section, which have all fields of their class, by their keys."""
    made = {}
    for key, fields in declarations.items():
        what = f"{section.removesuffix('s')} {key!r} of {product}"
        _checkKeys(fields, what, required=tuple(f.name for f in dataclasses.fields(kind)))
        made[key] = kind(**_checkTypes(fields, what))
    return made


def _makeSlope(key: Any, fields: Any, product: str) -> Slope:
    """Make a slope from its declaration."""
    what = f"slope {key!r} of {product}"
    _checkKeys(fields, what, required=tuple(f.name for f in dataclasses.fields(Slope)[2:]))
    return Slope(product=product, key=key, **_checkTypes(fields, what))


def _makeTest(key: Any, fields: Any, texts: Mapping[str, str], *, stored: bool) -> VerifyTest:
    """Make a test, or a statistic that is only stored, from its declaration."""
    what = f"test {key!r} of {texts['product']}"
    if not isinstance(key, str):
        raise CatalogueError(f"{what}: the key is no text")
    if stored:
        _checkKeys(fields, what, required=("description", "unit", "label"), optional=_STORED)
        fields = {"statistic": key, **fields}
    else:
        _checkKeys(fields, what, required=("description", "verify"), optional=_TESTED)
        if "statistic" in fields and "label" not in fields:
            raise CatalogueError(f"{what} has a statistic, and no label for it")
    common = {"product": texts["product"], "prefix": texts["prefix"]}
    return VerifyTest(key=key, **(common | _checkTypes(fields, what)))


def _checkTypes(fields: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Check the types of the fields of a declaration, and make objects of what is no text."""
    checked = {}
    for name, value in fields.items():
        if name in _LIMITS:
            value = _readLimits(value, name, _LIMITS[name], what)
        elif name == "vectors":
            value = _readVectors(value, f"{what}: vectors")
        elif not isinstance(value, expected := _TYPES.get(name, str)):
            raise CatalogueError(f"{what}: {name} is {value!r}, expected {expected.__name__}")
        checked[name] = value
    return checked


def _readLimits(value: Any, name: str, kind: type, what: str) -> Any:
    """Read a limit or its field, a list of those of the two ends, or one of these by physical type."""
    if isinstance(value, Mapping):
        return {str(sensor): _readLimits(bounds, name, kind, what) for sensor, bounds in value.items()}
    ends = value if isinstance(value, list) else [value]
    if not all(isinstance(end, kind) for end in ends):
        raise CatalogueError(f"{what}: {name} is {value!r}, expected {kind.__name__}")
    return tuple(value) if isinstance(value, list) else value


def _readVectors(fields: Any, what: str) -> VectorReduction:
    """Read how a statistic is made of vectors."""
    _checkKeys(fields, what, required=("reduction", "columns"), optional=("kindColumn", "kinds"))
    lists = {name: fields[name] for name in ("columns", "kinds") if name in fields}
    for name, values in lists.items():
        if not (isinstance(values, list) and values and all(isinstance(value, str) for value in values)):
            raise CatalogueError(f"{what}: {name} is {values!r}, expected a list of text")
    try:
        return VectorReduction(**fields | {name: tuple(values) for name, values in lists.items()})
    except ValueError as error:
        raise CatalogueError(f"{what}: {error}") from error


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
