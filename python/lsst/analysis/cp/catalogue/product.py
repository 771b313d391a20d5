# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Declarations of tests and products, and the names that follow from them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import astropy.units as u
import numexpr
import numpy as np

from .gains import inAdu
from .level import EPOCHS, Level
from .measurements import MEASUREMENTS
from .slope import TIMES, Slope
from .vectors import VectorReduction

__all__ = [
    "COMPUTED",
    "EXPOSURE_NAMES",
    "REFERENCE_NAMES",
    "ROWS",
    "Bounds",
    "CatalogueError",
    "CurveKind",
    "ImageKind",
    "Product",
    "VerifyTest",
]

EXPOSURE_NAMES = ("DARK_TIME", "EXPOSURE_TIME")
"""Names of an expression that are the same for all rows of an exposure: its times (s), where above 0."""

REFERENCE_NAMES = ("RN", "GAIN", "N_PIXELS", *EXPOSURE_NAMES)
"""Names of an expression that no column holds.

They are the nominal read noise (electron) and gain (electron/adu) of the amplifier, the number of pixels of
its imaging section, masked or not, and times of the exposure.
"""

ROWS = {"amplifier": "amplifiers", "detector": "detectors", "exposure": "exposures"}
"""What one row of a test may be, with the plural."""

COMPUTED = "computed"
"""Stands for the column of verdicts where the tables have none: they follow from quantity and threshold."""

type Bounds = float | tuple[float, float]
"""A limit, or the two ends of an interval."""

_PRESENCES = ("always", "conditional", "onFailure")
_VARIATIONS = ("epoch", "run")
_OPERATORS = ("<", "<=", ">", ">=", "inside")


class CatalogueError(ValueError):
    """A declaration of the catalogue is wrong."""


def _namesIn(expression: str) -> tuple[str, ...]:
    """Name the variables of an expression, sorted."""
    tree = ast.parse(expression, mode="eval")
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in calls}
    return tuple(sorted(names))


@cache
def dependsOnScale(expression: str, names: tuple[str, ...], scaled: frozenset[str]) -> bool:
    """Tell whether an expression changes if some of its variables change by a common factor.

    Parameters
    ----------
    expression, names
        The expression, and all variables of it.
    scaled
        Those that change.

    Returns
    -------
    depends
        False where the factor cancels.
    """
    before, after = (
        numexpr.evaluate(
            expression,
            local_dict={
                name: np.array([1.3, 2.1]) ** (i + 1) * (factor if name in scaled else 1.0)
                for i, name in enumerate(names)
            },
            global_dict={},
        )
        for factor in (1.0, 1.7)
    )
    return not np.allclose(before, after, rtol=1e-9, atol=0)


@dataclass(frozen=True, kw_only=True)
class VerifyTest:
    """One test, or one statistic that is stored without being tested.

    Parameters
    ----------
    product
        Name of the product that is verified (``"bias"``).
    prefix
        Prefix of the columns of statistics, without underscore (``"BIAS"``).
    key
        Name of the test (``"NOISE"``), unique in its product.
    section
        Section of the document that defines the test; empty if none does.
    row
        What one row of the table is that has a result of the test, a key of `ROWS`.
    statistic
        Column of the measured statistic, without prefix; None if there is none.
    derived
        The statistic as a numexpr expression in other statistics of the product and `REFERENCE_NAMES`, if no
        column holds it; else None.
    vectors
        How the statistic is made of vectors in the row, if no column holds it; else None. A row of another
        kind has none, and where no row is of the kind, the statistic of a conditional test is absent.
    verify
        Column of the verdict in full (``"BIAS_VERIFY_NOISE"``), or `COMPUTED`; None if the statistic is only
        stored.
    presence
        ``"always"``: the columns are in every table. ``"conditional"``: only in tables of runs that made the
        test. ``"onFailure"``: a verdict is written only where the test failed.
    varies
        ``"epoch"``: each exposure has a value of its own. ``"run"``: all exposures of a run repeat the same
        value, which is measured once a run.
    unit
        Unit of the statistic, as astropy spells it; empty if dimensionless.
    label
        What the statistic is, in a few words for the axes of plots, without unit; empty if there is none.
    isCount
        Whether the statistic is a whole number of things, which plots show in classes.
    plotted
        Whether the test has a map of its own and a history by default.
    centre
        Value that the statistic should have, from which plots diverge; None if there is none.
    quantity
        Tested quantity as a numexpr expression in statistics of the product and `REFERENCE_NAMES`; None if
        there is none.
    quantityUnit
        Unit of the tested quantity.
    operator, threshold
        The test is passed where ``quantity operator threshold``; None if there is no tested quantity. The
        threshold is a number, or the two ends of an interval (operator ``"inside"``), or one of these for
        each physical type of sensor.
    thresholdField
        Field of the configuration of cp_verify's task that holds the threshold, which is then the default of
        the field; empty if there is none.
    thresholdSource
        Where the threshold comes from: a configuration field, or the place of a literal.
    means
        What some names in the quantity of a test of exposures stand for: keys of tests or statistics of the
        product, whose finite statistics are averaged over the rows of the exposure.
    isOurs
        Whether the test is not one of cp_verify, but of this package.
    setAside
        Why the verdict of a test of cp_verify does not count; empty if it counts.
    plausibleAbove
        A numexpr expression in `REFERENCE_NAMES`, in the unit of the statistic. The statistic is plausible
        only above it and above 0; one that is not is suspicious, whatever the verdict. None if every value is
        plausible.
    absentWhere
        A numexpr condition in statistics of the product. Where it holds, what the table has for the statistic
        is no measurement, and is left out. None if every value is one.
    verdict
        Whether the column sums up the other tests.
    inVerdict
        Whether a failure of the test counts in that sum.
    inAdu
        Whether the statistic is in ADU only because the gains were not applied.
    description
        What a passed test means, or what the statistic is, in one sentence.

    Raises
    ------
    CatalogueError
        If a field has a value that it may not have, or fields do not go together.
    """

    product: str
    prefix: str
    key: str
    section: str = ""
    row: str = "amplifier"
    statistic: str | None = None
    derived: str | None = None
    vectors: VectorReduction | None = None
    verify: str | None = None
    presence: str = "always"
    varies: str = "epoch"
    unit: str = ""
    label: str = ""
    isCount: bool = False
    plotted: bool = False
    centre: float | None = None
    quantity: str | None = None
    quantityUnit: str = ""
    operator: str | None = None
    threshold: Bounds | Mapping[str, Bounds] | None = field(default=None, hash=False)
    thresholdField: str = ""
    thresholdSource: str = ""
    means: Mapping[str, str] = field(default_factory=dict, hash=False)
    isOurs: bool = False
    setAside: str = ""
    plausibleAbove: str | None = None
    absentWhere: str | None = None
    verdict: bool = False
    inVerdict: bool = True
    inAdu: bool = False
    description: str

    def __post_init__(self) -> None:
        choices = {"row": tuple(ROWS), "presence": _PRESENCES, "varies": _VARIATIONS}
        if self.operator is not None:
            choices["operator"] = _OPERATORS
        for name, allowed in choices.items():
            if (value := getattr(self, name)) not in allowed:
                raise self._error(f"{name} is {value!r}, expected one of {', '.join(allowed)}")
        for name in ("unit", "quantityUnit"):
            try:
                u.Unit(getattr(self, name))
            except (TypeError, ValueError) as error:
                raise self._error(f"{name} {getattr(self, name)!r} is no unit of astropy") from error
        if self.statistic is None and self.verify is None:
            raise self._error("neither a statistic nor a verify column is given")
        criterion = (self.quantity, self.operator, self.threshold)
        if None in criterion and criterion != (None, None, None):
            raise self._error("quantity, operator and threshold must be given together")
        if self.quantity is None and self.isComputed:
            raise self._error("a computed verdict needs a tested quantity")
        if self.quantity is not None:
            if self.verify is None:
                raise self._error("a tested quantity is given without a verify column")
            self._checkExpression("quantity", self.quantity)
            self._checkThreshold()
        self._checkOrigin()
        self._checkMeans()
        self._checkDerived()
        self._checkVectors()
        self._checkPlausibility()
        self._checkAbsence()
        if not self.description.strip():
            raise self._error("the description is empty")

    def _checkExpression(
        self, field: str, expression: str, what: str = "real function", kind: str = "f"
    ) -> None:
        """Evaluate an expression once, so that a mistake shows when the catalogue is read."""
        try:
            rows = dict.fromkeys(_namesIn(expression), np.ones(2))
            value = numexpr.evaluate(expression, local_dict=rows, global_dict={})
        except (SyntaxError, TypeError, KeyError, AttributeError, ValueError, NotImplementedError) as error:
            raise self._error(f"{field} {expression!r} cannot be evaluated: {error}") from error
        if value.dtype.kind != kind or value.shape != (2,):
            raise self._error(f"{field} {expression!r} is no {what} of a statistic")

    def _checkAbsence(self) -> None:
        """Check that there is a condition, of a statistic."""
        if self.absentWhere is not None:
            self._checkExpression("absentWhere", self.absentWhere, "condition", "b")
            if self.statistic is None or self.derived is not None:
                raise self._error("absentWhere is given without a stored statistic")
            if wrong := sorted({*self.absentNames} & {*REFERENCE_NAMES, *self.means}):
                raise self._error(f"absentWhere names {', '.join(wrong)}, which is no statistic")

    def _checkPlausibility(self) -> None:
        """Check that there is a statistic to compare, and nominal values to compare it with."""
        if self.plausibleAbove is None:
            return
        self._checkExpression("plausibleAbove", self.plausibleAbove)
        if self.statistic is None or self.row != "amplifier":
            raise self._error("plausibleAbove is given without a statistic of amplifiers")
        if unknown := sorted(set(self.plausibleNames) - set(REFERENCE_NAMES)):
            raise self._error(
                f"plausibleAbove names {', '.join(unknown)}, expected {', '.join(REFERENCE_NAMES)}"
            )

    def _checkOrigin(self) -> None:
        """Check that a test of ours has no stored verdict, and is not set aside as one of cp_verify is."""
        if self.isOurs and not self.isComputed:
            raise self._error(f"a test of ours has the verdict {COMPUTED!r}, not {self.verify!r}")
        if self.setAside and (self.isOurs or self.verify is None):
            raise self._error("only a test of cp_verify can be set aside")

    def _checkMeans(self) -> None:
        """Check that means are of exposures, and that the tested quantity has them."""
        if self.means and self.row != "exposure":
            raise self._error(f"means are those of exposures, not of {ROWS[self.row]}")
        if unused := sorted(self.means.keys() - set(self.quantityNames)):
            raise self._error(f"means of {', '.join(unused)} are given, which the quantity does not name")

    def _checkDerived(self) -> None:
        """Check that what a statistic is derived from can be evaluated, and that it has a name."""
        if self.derived is not None:
            self._checkExpression("derived", self.derived)
            if self.statistic is None or self.isTested:
                raise self._error("a derived statistic has a name and no verdict")

    def _checkVectors(self) -> None:
        """Check that what is made of vectors has a name, and is not made of something else, too."""
        if self.vectors is not None and (self.statistic is None or self.derived is not None):
            raise self._error("vectors are given without a statistic, or for one that is derived")

    def _checkThreshold(self) -> None:
        """Check that the operator fits the threshold, and that intervals are not empty."""
        given = self.threshold.values() if isinstance(self.threshold, Mapping) else [self.threshold]
        if not given:
            raise self._error("no threshold is given")
        for bounds in given:
            if bounds != bounds:
                raise self._error("the threshold is NaN, which nothing passes or fails")
            if isinstance(bounds, tuple) != (self.operator == "inside"):
                raise self._error(f"operator {self.operator!r} does not go with threshold {bounds!r}")
            if isinstance(bounds, tuple) and not (len(bounds) == 2 and bounds[0] < bounds[1]):
                raise self._error(f"threshold {bounds!r} is no interval")
        if self.thresholdField and not isinstance(self.threshold, float):
            raise self._error(f"field {self.thresholdField!r} holds a number, not {self.threshold!r}")

    def _error(self, text: str) -> CatalogueError:
        return CatalogueError(f"test {self.key!r} of {self.product}: {text}")

    @cached_property
    def toolName(self) -> str:
        """Name of the tool that emits the metrics (``"biasNoise"``)."""
        stem = self.key.removeprefix(f"{self.product.upper()}_").replace(".0_", "_").replace(".", "p")
        return self.product + "".join(word.capitalize() for word in stem.split("_"))

    def withoutGains(self) -> VerifyTest:
        """Make the same test of a pipeline that does not apply the gains, so that electrons are ADU."""
        unit = inAdu(self.unit)
        return replace(self, unit=unit, quantityUnit=inAdu(self.quantityUnit), inAdu=unit != self.unit)

    @property
    def name(self) -> str:
        """Section and key, for the small print of plots, which says if the verdict is computed."""
        return f"{self.section} {self.key}{' (computed)' * self.isComputed}".strip()

    @cached_property
    def isTested(self) -> bool:
        """Whether there are verdicts, stored or computed."""
        return self.verify is not None

    @property
    def isComputed(self) -> bool:
        """Whether the verdict follows from quantity and threshold, and is not one that cp_verify stores."""
        return self.verify == COMPUTED

    @property
    def counts(self) -> bool:
        """Whether the verdict counts in the status of what is verified; no test of ours does."""
        return self.isTested and not self.isOurs and not self.setAside

    @cached_property
    def statisticColumn(self) -> str | None:
        """Column of the statistic (``"BIAS_NOISE"``), or None."""
        return None if self.statistic is None else f"{self.prefix}_{self.statistic}"

    @cached_property
    def verifyColumn(self) -> str | None:
        """Column of the verdict (``"BIAS_VERIFY_NOISE"``); None if there is none."""
        return None if self.isComputed else self.verify

    @cached_property
    def quantityNames(self) -> tuple[str, ...]:
        """Statistics and reference names in the tested quantity, sorted."""
        return () if self.quantity is None else _namesIn(self.quantity)

    @cached_property
    def derivedNames(self) -> tuple[str, ...]:
        """Statistics and reference names that a derived statistic is made of, sorted."""
        return () if self.derived is None else _namesIn(self.derived)

    @cached_property
    def plausibleNames(self) -> tuple[str, ...]:
        """Reference names in what the statistic must exceed, sorted."""
        return () if self.plausibleAbove is None else _namesIn(self.plausibleAbove)

    @cached_property
    def absentNames(self) -> tuple[str, ...]:
        """Statistics that tell whether that of the test is absent, sorted."""
        return () if self.absentWhere is None else _namesIn(self.absentWhere)

    @property
    def comparedNames(self) -> tuple[str, ...]:
        """What the statistic is compared with: the other names in the tested quantity."""
        return tuple(name for name in self.quantityNames if name != self.statistic)

    @cached_property
    def statisticColumns(self) -> tuple[str, ...]:
        """Columns of statistics that the test and its expressions read in rows of its own kind."""
        names = [] if self.statistic is None or self.derived else [self.statistic]
        names += [*self.derivedNames, *self.quantityNames, *self.absentNames]
        stored = [name for name in names if name not in (*REFERENCE_NAMES, *self.means)]
        return tuple(f"{self.prefix}_{name}" for name in dict.fromkeys(stored))

    @cached_property
    def encodedColumns(self) -> tuple[str, ...]:
        """Columns of numbers and verdicts of the test; one made of vectors is not in the table."""
        return self.statisticColumns + (() if self.verifyColumn is None else (self.verifyColumn,))

    @cached_property
    def inputColumns(self) -> tuple[str, ...]:
        """All columns that the test reads, without those that identify the row."""
        if self.vectors is None:
            return self.encodedColumns
        others = [column for column in self.encodedColumns if column != self.statisticColumn]
        return (*(f"{self.prefix}_{name}" for name in self.vectors.inputs), *others)

    @property
    def limit(self) -> float | None:
        """Threshold that holds for all rows; None if there is none, an interval, or one for each sensor."""
        return self.threshold if isinstance(self.threshold, float) else None

    def has(self, part: str) -> bool:
        """Tell whether the test has a statistic, a tested quantity, a verdict or a plausibility.

        Parameters
        ----------
        part
            ``"statistic"``, ``"quantity"``, ``"verdict"`` or ``"plausibility"``.

        Returns
        -------
        has
            Whether it is declared.
        """
        fields = {"verdict": "verify", "plausibility": "plausibleAbove"}
        return getattr(self, fields.get(part, part)) is not None

    def isMeasuredAt(self, level: Level) -> bool:
        """Tell whether the test has metrics at a level.

        One that varies by run has none of an exposure, one of exposures none of a detector.
        """
        if self.row == "exposure" and level.byDetector:
            return False
        return self.varies == "epoch" or not level.byEpoch

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
        units = {"statistic": self.unit, "quantity": self.quantityUnit}
        return units.get(MEASUREMENTS[name].unitOf, "") if name in MEASUREMENTS else ""


@dataclass(frozen=True, kw_only=True)
class ImageKind:
    """How images of a product are shown.

    Parameters
    ----------
    label
        What the pixels show.
    unit
        Unit of the pixels, as astropy spells it; empty for none.
    aboutZero
        Whether the pixels are 0 where there is no fault, so that colours diverge from there.
    """

    label: str
    unit: str
    aboutZero: bool


@dataclass(frozen=True, kw_only=True)
class CurveKind:
    """How a column of vectors of a product, one an amplifier, is shown.

    Parameters
    ----------
    label
        What the values are.
    along
        What the places along a vector are.
    unit
        Unit of the values, as astropy spells it; empty if dimensionless.
    """

    label: str
    along: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class Product:
    """A calibration product with its tests.

    Parameters
    ----------
    name
        Name of the product (``"bias"``).
    prefix
        Prefix of its columns, without underscore (``"BIAS"``); empty if there are no tables.
    title
        Name for labels.
    document, url
        Name and address of the document that defines the tests; empty if there is none.
    note
        What readers of its tests have to know, in sentences; empty if there is nothing.
    epoch
        What tells the results of a run apart, one of `~lsst.analysis.cp.catalogue.EPOCHS`.
    tests
        Tests and stored statistics, in the order of the catalogue.
    images
        How images are shown: ``"exposure"`` (residuals, or processed exposures), ``"combined"``
        (calibrations) and ``"mask"``, as far as there are such.
    curves
        How vectors of amplifiers are shown, by their columns without prefix.
    slopes
        Statistics that grow with a time of the exposures.
    rate
        Key of the statistic of amplifiers that is a rate of light, whose history in a run is looked at; empty
        if there is none.
    gainsApplied
        Whether the pipeline applies the gains, so that statistics are in electrons.

    Raises
    ------
    CatalogueError
        If two tests share a key or the name of a tool, a quantity names an unknown statistic, a mean is not
        that of a statistic, or a column is read from rows of two kinds or has two units.
    """

    name: str
    prefix: str = ""
    title: str
    document: str = ""
    url: str = ""
    note: str = ""
    epoch: str = "exposure"
    tests: tuple[VerifyTest, ...] = ()
    images: Mapping[str, ImageKind] = field(default_factory=dict, hash=False)
    curves: Mapping[str, CurveKind] = field(default_factory=dict, hash=False)
    slopes: tuple[Slope, ...] = ()
    rate: str = ""
    gainsApplied: bool = True

    def __post_init__(self) -> None:
        if self.epoch not in EPOCHS:
            raise CatalogueError(f"product {self.name}: epoch is {self.epoch!r}, expected one of {EPOCHS}")
        for name in ("key", "toolName"):
            values = [getattr(test, name) for test in self.tests]
            values += [getattr(slope, name) for slope in self.slopes]
            values += [self.failureToolName] if name == "toolName" else []
            if repeated := sorted({value for value in values if values.count(value) > 1}):
                raise CatalogueError(f"product {self.name}: {name} {', '.join(repeated)} is given twice")
        self._checkSeries()
        row_of_column: dict[str, str] = {}
        unit_of_column: dict[str | None, str] = {}
        for test in self.tests:
            of = (test.row, test.prefix)
            stored = {
                other.statistic
                for other in self.tests
                if (other.row, other.prefix) == of
                and other.derived is None
                and (other.vectors is None or other is test)
            }
            # There are no nominal values of detectors and exposures, but times.
            references = REFERENCE_NAMES if test.row == "amplifier" else EXPOSURE_NAMES
            known = stored | {*references, *test.means}
            averaged = {other.key for other in self.tests if other.statistic and other.row != "exposure"}
            if wrong := sorted(set(test.means.values()) - averaged):
                raise CatalogueError(
                    f"test {test.key!r} of {self.name}: {', '.join(wrong)} is no statistic of amplifiers or "
                    "detectors, of which there are means"
                )
            read = {
                "quantity": test.quantityNames,
                "derived": test.derivedNames,
                "absentWhere": test.absentNames,
            }
            for name, names in read.items():
                if unknown := sorted(set(names) - known):
                    raise CatalogueError(
                        f"test {test.key!r} of {self.name}: {name} {getattr(test, name)!r} names "
                        f"{', '.join(unknown)}, which is no stored statistic of the product in rows of "
                        f"{ROWS[test.row]}, nor one of {', '.join(references)}"
                    )
            if unit_of_column.setdefault(test.statisticColumn, test.unit) != test.unit:
                raise CatalogueError(
                    f"product {self.name}: column {test.statisticColumn} has the units "
                    f"{unit_of_column[test.statisticColumn]!r} and {test.unit!r}"
                )
            for column in test.inputColumns:
                if (row := row_of_column.setdefault(column, test.row)) != test.row:
                    raise CatalogueError(
                        f"product {self.name}: column {column} is read from rows of {ROWS[row]} and of "
                        f"{ROWS[test.row]}"
                    )

    def _checkSeries(self) -> None:
        """Check that slopes and the rate are of statistics of amplifiers, and what slopes are against."""
        stored = {test.key for test in self.tests if test.statistic and test.row == "amplifier"}
        for what, key in [("rate", self.rate)] * bool(self.rate) + [(s.key, s.test) for s in self.slopes]:
            if key not in stored:
                raise CatalogueError(
                    f"product {self.name}: {what} is of {key!r}, which is no statistic of amplifiers"
                )
        for slope in self.slopes:
            try:
                u.Unit(slope.unit)
            except (TypeError, ValueError) as error:
                raise CatalogueError(
                    f"product {self.name}: slope {slope.key} has the unit {slope.unit!r}, "
                    "which is no unit of astropy"
                ) from error
            if slope.against not in TIMES:
                raise CatalogueError(
                    f"product {self.name}: slope {slope.key} is against {slope.against!r}, expected one of "
                    f"{', '.join(TIMES)}"
                )

    def withoutGains(self) -> Product:
        """Make the same product of a pipeline that does not apply the gains, so that electrons are ADU."""
        return replace(
            self,
            gainsApplied=False,
            tests=tuple(test.withoutGains() for test in self.tests),
            images={key: replace(kind, unit=inAdu(kind.unit)) for key, kind in self.images.items()},
            curves={key: replace(kind, unit=inAdu(kind.unit)) for key, kind in self.curves.items()},
            slopes=tuple(replace(slope, unit=inAdu(slope.unit)) for slope in self.slopes),
        )

    def awaitsGain(
        self, test: VerifyTest, expression: str, names: tuple[str, ...], unit: str
    ) -> frozenset[str]:
        """Name the variables of an expression that have to be converted from ADU to electrons.

        Parameters
        ----------
        test
            The test that has the expression.
        expression, names, unit
            The expression, its variables, and its unit.

        Returns
        -------
        names
            None if the gains are applied, if the gain cancels, or if the unit is that of ADU itself.
        """
        in_adu = {other.statisticColumn for other in self.tests if other.inAdu}
        means = {name for name, key in test.means.items() if self[key].inAdu}
        scaled = frozenset(name for name in names if f"{test.prefix}_{name}" in in_adu or name in means)
        needed = bool(scaled) and "adu" not in unit and dependsOnScale(expression, names, scaled)
        return scaled if needed else frozenset()

    def slope(self, key: str) -> Slope:
        """Get a slope by its key."""
        return {slope.key: slope for slope in self.slopes}[key]

    @property
    def failureToolName(self) -> str:
        """Name of the tool that counts the failures of all tests (``"biasFailures"``)."""
        return f"{self.name}Failures"

    def __getitem__(self, key: str) -> VerifyTest:
        for test in self.tests:
            if test.key == key:
                return test
        raise KeyError(f"{self.name} has no test {key!r}; it has {', '.join(self.keys())}")

    def __iter__(self) -> Iterator[VerifyTest]:
        return iter(self.tests)

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def keys(self) -> tuple[str, ...]:
        """Keys of all tests, in order."""
        return tuple(test.key for test in self.tests)

    def columnUnit(self, column: str) -> str:
        """Get the unit of a column of statistics, as astropy spells it; empty if dimensionless."""
        return next(test.unit for test in self.tests if test.statisticColumn == column)

    def ownVerdicts(self, keys: Iterable[str] = ()) -> tuple[VerifyTest, ...]:
        """List the tests that have a verdict and do not sum up others.

        Parameters
        ----------
        keys
            Keys of the tests to choose from; if empty, all whose verdicts count.

        Returns
        -------
        tests
            In the order of the keys, or of the catalogue.
        """
        chosen = [self[key] for key in keys] or [test for test in self.tests if test.counts]
        return tuple(test for test in chosen if test.isTested and not test.verdict)

    def withMeans(self, keys: Iterable[str] = ()) -> tuple[VerifyTest, ...]:
        """Choose tests, with those of whose statistics the quantities have means.

        Parameters
        ----------
        keys
            Keys of tests; all if empty.

        Returns
        -------
        tests
            The tests, those of the means last.
        """
        chosen = tuple(self[key] for key in keys) or self.tests
        averaged = [self[key] for test in chosen for key in test.means.values()]
        return tuple(dict.fromkeys((*chosen, *averaged)))

    def needed(self, keys: Iterable[str] = ()) -> tuple[VerifyTest, ...]:
        """Choose tests, with those of the means and the verdicts without which they cannot be judged.

        Parameters
        ----------
        keys
            Keys of tests; all if empty.

        Returns
        -------
        tests
            The tests, those of the means, and the verdicts if a failure of some test counts only beside them.
        """
        chosen = self.withMeans(keys)
        if all(test.inVerdict for test in chosen):
            return chosen
        return tuple(dict.fromkeys((*chosen, *(test for test in self.tests if test.verdict))))

    def inputColumns(self, keys: Iterable[str] = ()) -> tuple[str, ...]:
        """List the columns that tests read, those that identify the row first.

        Parameters
        ----------
        keys
            Tests to read; all if empty.

        Returns
        -------
        columns
            Names of columns, each once.
        """
        identity = ("exposure",) * (self.epoch != "none") + ("detector", "amplifier")
        columns = [column for test in self.needed(keys) for column in test.inputColumns]
        return tuple(dict.fromkeys((*identity, *columns)))
