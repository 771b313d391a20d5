# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading and checking the YAML files of the catalogue."""

from functools import cache
from importlib import resources
from pathlib import Path

import yaml

from .product import Product, Test

__all__ = ["getProduct", "products", "readProduct"]


def readProduct(text: str, source: str) -> Product:
    """Read one product."""
    data = yaml.safe_load(text)
    common = {"product": data["product"], "prefix": data["prefix"]}
    tests = [Test(key=key, **common, **fields) for key, fields in data["tests"].items()]
    tests += [Test(key=key, statistic=key, **common, **fields) for key, fields in data["statistics"].items()]
    return Product(
        name=data["product"],
        prefix=data["prefix"],
        title=data["title"],
        document=data["document"],
        url=data["url"],
        tests=tuple(tests),
    )


@cache
def getProduct(name: str) -> Product:
    """Get a product by its name."""
    if name not in products():
        raise KeyError(f"no product {name!r} in the catalogue; it has {', '.join(products())}")
    path = resources.files(__package__) / f"{name}.yaml"
    return readProduct(path.read_text(), path.name)


@cache
def products() -> tuple[str, ...]:
    """Names of all products, sorted."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(Path(file.name).stem for file in files if file.name.endswith(".yaml")))
