# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The declaration of a product with its tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import astropy.units as u

from .expressions import EXPOSURE_NAMES, REFERENCE_NAMES, dependsOnScale
from .gains import inAdu
from .kinds import CurveKind, ImageKind
from .level import EPOCHS
from .limits import StoredLimits, listLimits
from .measurements import ROWS
from .slope import TIMES, Slope
from .verifyTest import CatalogueError, VerifyTest

__all__ = ["Product"]


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
    notRead
        Values that are stored wrongly and therefore left out, each with the reason, in sentences. The name is
        that of the column, after that of the table where this is not the table of results.
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
        If two tests share a key or the name of a tool, an expression names an unknown statistic, a mean is
        not that of a statistic, a column is read from rows of two kinds, or although it is stored wrongly,
        or two tests say different things of one column: its unit, what it is derived from, or where it is
        absent.
    """

    name: str
    prefix: str = ""
    title: str
    document: str = ""
    url: str = ""
    note: str = ""
    notRead: Mapping[str, str] = field(default_factory=dict, hash=False)
    epoch: str = "exposure"
    tests: tuple[VerifyTest, ...] = ()
    images: Mapping[str, ImageKind] = field(default_factory=dict, hash=False)
    curves: Mapping[str, CurveKind] = field(default_factory=dict, hash=False)
    slopes: tuple[Slope, ...] = ()
    rate: str = ""
    gainsApplied: bool = True

    def __post_init__(self) -> None:
        if self.epoch not in EPOCHS:
            raise self._error(f"epoch is {self.epoch!r}, expected one of {EPOCHS}")
        self._checkNames()
        self._checkSeries()
        for test in self.tests:
            self._checkMeans(test)
            self._checkExpressions(test)
        self._checkColumns()

    def _checkNames(self) -> None:
        """Check that no two tests or slopes share a key, or the name of a tool."""
        declared: tuple[VerifyTest | Slope, ...] = (*self.tests, *self.slopes)
        given = {
            "key": [each.key for each in declared],
            "toolName": [*(each.toolName for each in declared), self.failureToolName],
        }
        for name, values in given.items():
            if repeated := sorted({value for value in values if values.count(value) > 1}):
                raise self._error(f"{name} {', '.join(repeated)} is given twice")

    def _checkSeries(self) -> None:
        """Check that slopes and the rate are of statistics of amplifiers, and what slopes are against."""
        stored = {test.key for test in self.tests if test.statistic and test.row == "amplifier"}
        for what, key in [("rate", self.rate)] * bool(self.rate) + [(s.key, s.test) for s in self.slopes]:
            if key not in stored:
                raise self._error(f"{what} is of {key!r}, which is no statistic of amplifiers")
        for slope in self.slopes:
            try:
                u.Unit(slope.unit)
            except (TypeError, ValueError) as error:
                raise self._error(
                    f"slope {slope.key} has the unit {slope.unit!r}, which is no unit of astropy"
                ) from error
            if slope.against not in TIMES:
                raise self._error(
                    f"slope {slope.key} is against {slope.against!r}, expected one of {', '.join(TIMES)}"
                )

    def _checkMeans(self, test: VerifyTest) -> None:
        """Check that means are of statistics of amplifiers or detectors."""
        averaged = {other.key for other in self.tests if other.statistic and other.row != "exposure"}
        if wrong := sorted(set(test.means.values()) - averaged):
            raise self._error(
                f"{', '.join(wrong)} is no statistic of amplifiers or detectors, of which there are means",
                test,
            )

    def _checkExpressions(self, test: VerifyTest) -> None:
        """Check that expressions of a test name what rows of its kind have."""
        stored = {
            other.statistic
            for other in self.tests
            if (other.row, other.prefix) == (test.row, test.prefix)
            and other.derived is None
            and (other.vectors is None or other is test)
        }
        # There are no nominal values of detectors and exposures, but times.
        references = REFERENCE_NAMES if test.row == "amplifier" else EXPOSURE_NAMES
        read = {
            "quantity": test.quantityNames,
            "derived": test.derivedNames,
            "absentWhere": test.absentNames,
            "untestedWithout": test.neededNames[len(test.quantityNames) :],
        }
        for name, names in read.items():
            if unknown := sorted(set(names) - stored - {*references, *test.means}):
                raise self._error(
                    f"{name} {getattr(test, name)!r} names {', '.join(unknown)}, "
                    f"which is no stored statistic of the product in rows of {ROWS[test.row]}, "
                    f"nor one of {', '.join(references)}",
                    test,
                )

    def _checkColumns(self) -> None:
        """Check that tests of one column say the same of it, and that it is read from rows of one kind."""
        row_of_column: dict[str, str] = {}
        test_of_column: dict[str | None, VerifyTest] = {}
        for test in self.tests:
            first = test_of_column.setdefault(test.statisticColumn, test)
            for name in ("unit", "derived", "vectors", "absentWhere") if test.statistic else ():
                if (value := getattr(test, name)) != (other := getattr(first, name)):
                    raise self._error(f"column {test.statisticColumn} has {name} {other!r} and {value!r}")
            for column in test.inputColumns:
                if column in self.notRead:
                    raise self._error(f"column {column} is left out, and read", test)
                if (row := row_of_column.setdefault(column, test.row)) != test.row:
                    raise self._error(
                        f"column {column} is read from rows of {ROWS[row]} and of {ROWS[test.row]}"
                    )

    def _error(self, text: str, test: VerifyTest | None = None) -> CatalogueError:
        """Make an error that names the product and, if one is given, the test."""
        where = f"product {self.name}" if test is None else f"test {test.key!r} of {self.name}"
        return CatalogueError(f"{where}: {text}")

    @cached_property
    def configuredLimits(self) -> Mapping[str, float]:
        """Limits that fields of the configuration of cp_verify's task hold, by the names of these."""
        return dict(limit for test in self.tests for limit in listLimits(test.thresholdField, test.threshold))

    def withLimits(self, limits: StoredLimits | None) -> Product:
        """Make the same product with the thresholds of a run; itself if these are not known.

        Parameters
        ----------
        limits
            Limits of the run.

        Returns
        -------
        product
            The product.

        Raises
        ------
        CatalogueError
            If a limit is none, as an interval that is empty.
        """
        if limits is None:
            return self
        return replace(self, tests=tuple(test.withLimits(limits) for test in self.tests))

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
