# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the columns of stored tables mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from astropy.table import Table

from lsst.analysis.cp import __version__
from lsst.analysis.cp.catalogue import MEASUREMENTS, ROWS, VerifyTest

__all__ = ["TABLE_COLUMNS", "describeColumns"]

_EXPOSURE = {"exposure": "Id of the exposure or visit; absent where there is none, as in a run."}
_DETECTOR = {"detector": "Id of the detector.", "detectorName": "Name of the detector."}
_SENSOR = _DETECTOR | {
    "detectorType": "Type of the detector: SCIENCE, GUIDER or WAVEFRONT.",
    "physicalType": "Vendor or type of the sensor.",
}
_OF_VERDICTS = {"status", "majorityFailed"} | {
    kind.name for kind in MEASUREMENTS.values() if kind.of == "verdict"
}
_COMPUTED = " The verdict is computed from statistics, not one of cp_verify."
_STATUS = {"{key}_status": "Status in {key}: good, failed or unknown."}
_AMPLIFIER = {"amplifier": "Name of the amplifier."}
_NOMINAL = {
    "readNoise": "Read noise that the verification compared with; NaN where it is no positive number.",
    "readNoiseSource": "Where the read noise comes from: header or camera.",
}
_TIMES = {
    "exposureTime": "Exposure time; NaN where it is not known.",
    "exposureTimeSource": "Where the exposure time comes from: record or header; empty if it is not known.",
    "darkTime": "Dark time; NaN where it is not known.",
    "darkTimeSource": "Where the dark time comes from: record or header; empty if it is not known.",
}

TABLE_COLUMNS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "detectorSummary": _EXPOSURE
        | _SENSOR
        | {
            "nAmps": MEASUREMENTS["nAmps"].meaning,
            "nAmpsMissing": MEASUREMENTS["nAmpsMissing"].meaning,
            "nDetectors": MEASUREMENTS["nDetectors"].meaning,
            "nExposures": MEASUREMENTS["nExposures"].meaning,
            "missingAmps": "Names of the amplifiers without results, with blanks between.",
            "status": "Status over all tests whose verdicts count: good, failed or unknown.",
        }
        | {f"{{key}}_{kind.name}": kind.meaning for kind in MEASUREMENTS.values() if kind.of != "rows"}
        | _STATUS,
        "ampSummary": _EXPOSURE
        | _SENSOR
        | _AMPLIFIER
        | _TIMES
        | _NOMINAL
        | {
            "gain": "Gain that the verification used; NaN where it is no positive number.",
            "{key}_value": "Statistic of {key}: {statistic}.",
            "{key}_quantity": "Tested quantity of {key}: {quantity}.",
            "{key}_suspicious": "Whether {statistic} is too low to be plausible, whatever the status.",
        }
        | _STATUS,
        "ampSummary of a run": _SENSOR
        | _AMPLIFIER
        | {
            "nExposures": "Number of exposures in which the amplifier has results.",
            "{key}_nTested": "Number of exposures with a verdict of {key}.",
            "{key}_nFailed": "Number of exposures in which {key} failed.",
            "{key}_majorityFailed": "Whether {key} failed in the majority of the exposures of the run.",
            "{key}_nSuspicious": "Number of exposures in which {statistic} is too low to be plausible.",
        },
        "culprits": _EXPOSURE
        | {
            "detector": "Id of the detector; -1 for an exposure as a whole.",
            "detectorName": "Name of the detector; empty for an exposure as a whole.",
            "amplifier": "Name of the amplifier; empty for a detector or an exposure as a whole.",
            "test": "Key of the test.",
            "section": "Section of the document that defines the test; empty if none does.",
            "value": "Statistic of the test; NaN where there is none.",
            "unit": "Unit of the value.",
        }
        | _NOMINAL
        | {
            "quantity": "Tested quantity; NaN where there is none.",
            "operator": "The test is passed where the quantity has this relation to the threshold.",
            "threshold": "Limit of the quantity, of an interval the nearer end; NaN where there is none.",
            "quantityUnit": "Unit of the quantity and the threshold.",
            "status": "failed, unknown or suspicious.",
            "reason": "Why, in words.",
        },
        "structures": {"rank": "Place in the order, from 1 for the largest excess; transient kinds last."}
        | _EXPOSURE
        | _DETECTOR
        | {
            "amplifier": "Name of the amplifier that it belongs to; empty for the whole detector.",
            "kind": "Kind of structure.",
            "x": "Column of the centre, in pixels of the detector, of which the lowest is 0.",
            "y": "Row of the centre.",
            "fpX": "Centre on the focal plane.",
            "fpY": "Centre on the focal plane.",
            "width": "Number of columns of the box around it.",
            "height": "Number of rows of the box around it.",
            "nPixels": "Number of pixels that it is made of.",
            "score": "Significance (standard deviations).",
            "threshold": "Significance from which it is reported.",
            "amplitude": "Height, with its sign, in the unit of the image.",
            "nFound": "Number of structures of this kind that the detector has, listed or not.",
        },
    }
)
"""Meaning of each column, by the names of the tables and the columns.

Columns that there are for each test have the places ``{key}``, ``{statistic}``, ``{quantity}`` and ``{rows}``
(plural of what one row of the test is).
"""


def describeColumns(table: Table, name: str, tests: Iterable[VerifyTest] = ()) -> Table:
    """Write what columns mean into the metadata of a table, and the version of this package.

    Parameters
    ----------
    table
        The table, which is changed.
    name
        Name of the table in `TABLE_COLUMNS`.
    tests
        The tests that the table has columns of.

    Returns
    -------
    table
        The same table.

    Raises
    ------
    KeyError
        If a column has no meaning.
    """
    texts = {column: text for column, text in TABLE_COLUMNS[name].items() if "{key}" not in column}
    for test in tests:
        words = {"statistic": test.statistic or "", "quantity": test.quantity or "", "rows": ROWS[test.row]}
        texts |= {
            column.format(key=test.key): text.format(key=test.key, **words)
            + _COMPUTED * (test.isComputed and column.removeprefix("{key}_") in _OF_VERDICTS)
            for column, text in TABLE_COLUMNS[name].items()
            if "{key}" in column
        }
    for column in table.itercols():
        column.info.description = texts[column.name]
    table.meta["analysis_cp"] = __version__
    return table
