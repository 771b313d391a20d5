# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Declarations of tests and products, and the names that follow from them."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import astropy.units as u
import numexpr

__all__ = ["KEY_COLUMNS", "REFERENCE_NAMES", "CatalogueError", "Product", "Test"]

KEY_COLUMNS = ("exposure", "detector", "amplifier")
"""Columns that identify a row of an amplifier table."""

REFERENCE_NAMES = ("RN", "GAIN")
"""Names of an expression that no column holds: nominal read noise (electron) and gain (electron/adu)."""

_LEVELS = ("amp", "detector", "exposure")
_PRESENCES = ("always", "conditional", "onFailure")
_OPERATORS = ("<", "<=", ">", ">=")


class CatalogueError(ValueError):
    """A declaration of the catalogue is wrong."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """One test, or one statistic that is stored without being tested.

    Parameters
    ----------
    product
        Name of the product that is verified (``"bias"``).
    prefix
        Prefix of the product's columns, without underscore (``"BIAS"``).
    key
        Name of the test (``"NOISE"``), unique in its product.
    section
        Section of the document that defines the test; empty if none does.
    level
        What one value belongs to: ``"amp"``, ``"detector"`` or ``"exposure"``.
    statistic
        Column of the measured statistic, without prefix; None if there is none.
    verify
        Column of the verdict, without prefix and ``VERIFY_``; None if the statistic is only stored.
    presence
        ``"always"``: the columns are in every table. ``"conditional"``: only in tables of runs that made the
        test. ``"onFailure"``: a verdict is written only where the test failed.
    unit
        Unit of the statistic, as astropy spells it; empty if dimensionless.
    label
        What the statistic is, in a few words for the axes of plots, without unit; empty if there is none.
    isCount
        Whether the statistic is a whole number of things, which plots show in classes.
    centre
        Value that the statistic should have, from which plots diverge; None if there is none.
    quantity
        Tested quantity as a numexpr expression in statistics of the product and `REFERENCE_NAMES`; None if
        there is none.
    quantityUnit
        Unit of the tested quantity.
    operator, threshold
        The test is passed where ``quantity operator threshold``; None if there is no tested quantity.
    thresholdSource
        Where the threshold comes from: a configuration field, or the place of a literal.
    verdict
        Whether the column sums up the other tests.
    inVerdict
        Whether a failure of the test counts in that sum.
    description
        What a passed test means, or what the statistic is, in one sentence.

    Raises
    ------
    CatalogueError
        If a field has a value that it may not have, or fields do not go together.
    """

    __test__ = False  # It is no test case, whatever its name.

    product: str
    prefix: str
    key: str
    section: str = ""
    level: str = "amp"
    statistic: str | None = None
    verify: str | None = None
    presence: str = "always"
    unit: str = ""
    label: str = ""
    isCount: bool = False
    centre: float | None = None
    quantity: str | None = None
    quantityUnit: str = ""
    operator: str | None = None
    threshold: float | None = None
    thresholdSource: str = ""
    verdict: bool = False
    inVerdict: bool = True
    description: str

    def __post_init__(self) -> None:
        for field, choices in (("level", _LEVELS), ("presence", _PRESENCES), ("operator", _OPERATORS)):
            value = getattr(self, field)
            if value not in choices and not (field == "operator" and value is None):
                raise self._error(f"{field} is {value!r}, expected one of {', '.join(choices)}")
        for field in ("unit", "quantityUnit"):
            try:
                u.Unit(getattr(self, field))
            except (TypeError, ValueError) as error:
                raise self._error(f"{field} {getattr(self, field)!r} is no unit of astropy") from error
        if self.statistic is None and self.verify is None:
            raise self._error("neither a statistic nor a verify column is given")
        criterion = (self.quantity, self.operator, self.threshold)
        if None in criterion and criterion != (None, None, None):
            raise self._error("quantity, operator and threshold must be given together")
        if self.quantity is not None and self.verify is None:
            raise self._error("a tested quantity is given without a verify column")
        if self.quantity is not None:
            self._checkExpression()
        if not self.description.strip():
            raise self._error("the description is empty")

    def _checkExpression(self) -> None:
        """Evaluate the expression once, so that a mistake shows when the catalogue is read."""
        try:
            names = self.quantityNames
            value = numexpr.evaluate(self.quantity, local_dict=dict.fromkeys(names, 1.0), global_dict={})
        except (SyntaxError, TypeError, KeyError, AttributeError, ValueError, NotImplementedError) as error:
            raise self._error(f"quantity {self.quantity!r} cannot be evaluated: {error}") from error
        if value.dtype.kind != "f" or not names:
            raise self._error(f"quantity {self.quantity!r} is no real function of a statistic")

    def _error(self, text: str) -> CatalogueError:
        return CatalogueError(f"test {self.key!r} of {self.product}: {text}")

    @property
    def toolName(self) -> str:
        """Name of the tool that emits the metrics (``"biasNoise"``)."""
        stem = self.key.removeprefix(f"{self.prefix}_").replace(".0_", "_").replace(".", "p")
        return self.product + "".join(word.capitalize() for word in stem.split("_"))

    @property
    def statisticColumn(self) -> str | None:
        """Column of the statistic (``"BIAS_NOISE"``), or None."""
        return None if self.statistic is None else f"{self.prefix}_{self.statistic}"

    @property
    def verifyColumn(self) -> str | None:
        """Column of the verdict (``"BIAS_VERIFY_NOISE"``), or None."""
        return None if self.verify is None else f"{self.prefix}_VERIFY_{self.verify}"

    @cached_property
    def quantityNames(self) -> tuple[str, ...]:
        """Statistics and reference names in the tested quantity, sorted."""
        if self.quantity is None:
            return ()
        tree = ast.parse(self.quantity, mode="eval")
        calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in calls}
        return tuple(sorted(names))

    @property
    def statisticColumns(self) -> tuple[str, ...]:
        """Columns of statistics that the test or its tested quantity read."""
        names = [] if self.statistic is None else [self.statistic]
        names += [name for name in self.quantityNames if name not in REFERENCE_NAMES]
        return tuple(f"{self.prefix}_{name}" for name in dict.fromkeys(names))

    @property
    def inputColumns(self) -> tuple[str, ...]:
        """All columns that the test reads, without those that identify the row."""
        return self.statisticColumns + (() if self.verifyColumn is None else (self.verifyColumn,))

    def measurementUnit(self, name: str) -> str:
        """Get the unit of a measurement.

        Parameters
        ----------
        name
            Name of the measurement.

        Returns
        -------
        unit
            As astropy spells it; empty for counts.
        """
        if name in ("min", "median", "max"):
            return self.unit
        return self.quantityUnit if name.startswith("quantity") else ""


@dataclass(frozen=True, kw_only=True)
class Product:
    """A calibration product with its tests.

    Parameters
    ----------
    name
        Name of the product (``"bias"``).
    prefix
        Prefix of its columns, without underscore (``"BIAS"``).
    title
        Name for labels.
    document, url
        Name and address of the document that defines the tests.
    tests
        Tests and stored statistics, in the order of the catalogue.

    Raises
    ------
    CatalogueError
        If two tests share a key or the name of a tool, or a quantity names an unknown statistic.
    """

    name: str
    prefix: str
    title: str
    document: str
    url: str
    tests: tuple[Test, ...]

    def __post_init__(self) -> None:
        for field in ("key", "toolName"):
            values = [getattr(test, field) for test in self.tests]
            if repeated := sorted({value for value in values if values.count(value) > 1}):
                raise CatalogueError(f"product {self.name}: {field} {', '.join(repeated)} is given twice")
        known = {test.statistic for test in self.tests} | set(REFERENCE_NAMES)
        for test in self.tests:
            if unknown := sorted(set(test.quantityNames) - known):
                raise CatalogueError(
                    f"test {test.key!r} of {self.name}: quantity {test.quantity!r} names "
                    f"{', '.join(unknown)}, which is no statistic of the product, "
                    f"nor one of {', '.join(REFERENCE_NAMES)}"
                )

    def __getitem__(self, key: str) -> Test:
        for test in self.tests:
            if test.key == key:
                return test
        raise KeyError(f"{self.name} has no test {key!r}; it has {', '.join(self.keys())}")

    def __iter__(self) -> Iterator[Test]:
        return iter(self.tests)

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def keys(self) -> tuple[str, ...]:
        """Keys of all tests, in order."""
        return tuple(test.key for test in self.tests)

    def neededKeys(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Add to tests the verdicts without which the majority rule cannot judge them.

        Parameters
        ----------
        keys
            Keys of tests.

        Returns
        -------
        keys
            The same, and the verdicts if a failure of some test counts only beside them.
        """
        chosen = tuple(keys)
        if all(self[key].inVerdict for key in chosen):
            return chosen
        return tuple(dict.fromkeys((*chosen, *(test.key for test in self.tests if test.verdict))))

    def inputColumns(self, keys: Iterable[str] | None = None) -> tuple[str, ...]:
        """Columns that tests read, those that identify the row first.

        Parameters
        ----------
        keys
            Tests to read; all if None.

        Returns
        -------
        columns
            Names of columns, each once.
        """
        tests = self.tests if keys is None else [self[key] for key in self.neededKeys(keys)]
        columns = [column for test in tests for column in test.inputColumns]
        return KEY_COLUMNS + tuple(dict.fromkeys(columns))
