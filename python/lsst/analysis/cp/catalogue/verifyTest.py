# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The declaration of a test, and the names that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import astropy.units as u
import numexpr
import numpy as np

from .expressions import REFERENCE_NAMES, namesIn
from .gains import inAdu
from .level import Level
from .limits import Bounds, Fields, StoredLimits, namedFields, shapeOf
from .measurements import MEASUREMENTS, ROWS
from .vectors import VectorReduction

__all__ = ["COMPUTED", "CatalogueError", "VerifyTest"]

COMPUTED = "computed"
"""Stands for the column of verdicts where the tables have none: they follow from quantity and threshold."""

_PRESENCES = ("always", "conditional", "onFailure")
_VARIATIONS = ("epoch", "run")
_OPERATORS = ("<", "<=", ">", ">=", "inside")


class CatalogueError(ValueError):
    """A declaration of the catalogue is wrong."""


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
    untestedWithout
        Statistic of the product without a finite value of which there is no tested quantity, though the
        quantity does not name it, such as one of the same pixels where the quantity is a count, which is 0
        also of no pixels. Empty if there is none.
    operator, threshold
        The test is passed where ``quantity operator threshold``; None if there is no tested quantity. The
        threshold is a number, or the two ends of an interval (operator ``"inside"``), or one of these for
        each physical type of sensor.
    thresholdField
        Field of the configuration of cp_verify's task that holds the threshold, which is then the default of
        the field; of an interval two, and one of these for each physical type where the threshold is. Empty
        if there is none.
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
    untestedWithout: str = ""
    operator: str | None = None
    threshold: Bounds | Mapping[str, Bounds] | None = field(default=None, hash=False)
    thresholdField: Fields | Mapping[str, Fields] = field(default="", hash=False)
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
        if self.quantity is None and self.untestedWithout:
            raise self._error("untestedWithout is given without a tested quantity")
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
            rows = dict.fromkeys(namesIn(expression), np.ones(2))
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
        if self.thresholdField and shapeOf(self.thresholdField) != shapeOf(self.threshold):
            raise self._error(f"field {self.thresholdField!r} does not go with {self.threshold!r}")

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

    @cached_property
    def thresholdFields(self) -> frozenset[str]:
        """All fields of the configuration of cp_verify's task that hold the threshold."""
        return namedFields(self.thresholdField)

    def withLimits(self, limits: StoredLimits) -> VerifyTest:
        """Make the same test with the threshold of a run, if that has all its fields.

        Parameters
        ----------
        limits
            Limits of the run.

        Returns
        -------
        test
            The test, whose ``thresholdSource`` is that of the limits; itself if a field is not known.

        Raises
        ------
        CatalogueError
            If the limits are none, as an interval that is empty.
        """
        threshold = limits.find(self.thresholdField)
        if threshold is None:
            return self
        return replace(self, threshold=threshold, thresholdSource=limits.source)

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
        return () if self.quantity is None else namesIn(self.quantity)

    @cached_property
    def derivedNames(self) -> tuple[str, ...]:
        """Statistics and reference names that a derived statistic is made of, sorted."""
        return () if self.derived is None else namesIn(self.derived)

    @cached_property
    def plausibleNames(self) -> tuple[str, ...]:
        """Reference names in what the statistic must exceed, sorted."""
        return () if self.plausibleAbove is None else namesIn(self.plausibleAbove)

    @cached_property
    def absentNames(self) -> tuple[str, ...]:
        """Statistics that tell whether that of the test is absent, sorted."""
        return () if self.absentWhere is None else namesIn(self.absentWhere)

    @property
    def neededNames(self) -> tuple[str, ...]:
        """Names that have to have values for a tested quantity: those in it first."""
        return (*self.quantityNames, *((self.untestedWithout,) if self.untestedWithout else ()))

    @property
    def comparedNames(self) -> tuple[str, ...]:
        """What the statistic is compared with: the other names in the tested quantity."""
        return tuple(name for name in self.quantityNames if name != self.statistic)

    @cached_property
    def statisticColumns(self) -> tuple[str, ...]:
        """Columns of statistics that the test and its expressions read in rows of its own kind."""
        names = [] if self.statistic is None or self.derived else [self.statistic]
        names += [*self.derivedNames, *self.neededNames, *self.absentNames]
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
