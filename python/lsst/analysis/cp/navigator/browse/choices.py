# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What people can choose from to select datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.analysis.cp.metrics.records import findRaft

from .labels import summarize
from .paging import queryInOrder
from .selection import RAFT, Selection
from .types import BrowsedType

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["MOST_OPTIONS", "Choice", "Option", "offerChoices"]

MOST_OPTIONS = 250
"""Most values that are offered for a key; there are cameras of 205 detectors."""

_ORDER = ("instrument", "physical_filter", "day_obs", "exposure", "visit", RAFT, "detector")
_EPOCHS = ("exposure", "visit")
_N_LISTED = 1000


@dataclass(frozen=True)
class Option:
    """A value that can be chosen.

    Parameters
    ----------
    value
        The value, as in the address.
    label
        What people read beside it; empty if there is no more to say.
    """

    value: str
    label: str = ""


@dataclass(frozen=True)
class Choice:
    """What can be chosen for a key.

    Parameters
    ----------
    key
        The key of the selection.
    options
        Values that are offered; there may be others.
    isComplete
        Whether there are no others.
    note
        What is to be known of them; may be empty.
    """

    key: str
    options: tuple[Option, ...] = ()
    isComplete: bool = False
    note: str = ""


def offerChoices(butler: Butler, browsed: BrowsedType, selection: Selection) -> list[Choice]:
    """Offer values of the dimensions of a type. The cost does not grow with the number of datasets.

    Parameters
    ----------
    butler
        The repository.
    browsed
        The dataset type, and where to search.
    selection
        What is chosen already.

    Returns
    -------
    choices
        One for each key that datasets of this type can be selected by.
    """
    dimensions = browsed.datasetType.dimensions
    keys = [key for key in _ORDER if (("detector" if key == RAFT else key) in dimensions.names)]
    keys += [key for key in dimensions.required if key not in keys]
    instruments = browsed.governors.get("instrument", ()) if "instrument" in dimensions.names else ()
    chosen = selection.values.get("instrument", instruments[0] if len(instruments) == 1 else None)
    sample = None
    if chosen is not None:
        of_instrument = Selection(values={"instrument": chosen})
        sample = next(queryInOrder(butler, browsed, of_instrument, size=1), None)
    choices = []
    for key in keys:
        if key == "instrument":
            choices.append(Choice(key, tuple(map(Option, instruments)), isComplete=True))
        elif chosen is None and instruments:
            choices.append(Choice(key, note="choose the instrument first"))
        elif key in ("day_obs", *_EPOCHS) and sample is not None:
            choices.append(_offerTimes(butler, browsed, selection, sample, key))
        else:
            choices.append(_offerRecords(butler, key, {"instrument": chosen} if instruments else {}))
    return choices


def _offerRecords(butler: Butler, key: str, dataId: Mapping[str, object]) -> Choice:
    """Offer the detectors, rafts or filters that an instrument has."""
    if key not in ("detector", RAFT, "physical_filter"):
        return Choice(key)
    element = "detector" if key == RAFT else key
    records = butler.query_dimension_records(
        element, data_id=dict(dataId), order_by=element, limit=_N_LISTED, explain=False
    )
    if key == "detector":
        options = [_offerDetector(record.full_name, record.id) for record in records]
    elif key == RAFT:
        rafts = {findRaft(record.full_name) for record in records}
        options = [Option(name) for name in sorted(name for name in rafts if name)]
    else:
        options = [Option(str(record.name), str(record.band or "")) for record in records]
    return _limit(key, options, "give the name")


def _offerDetector(name: str, number: int) -> Option:
    # Digits are taken for a number.
    return Option(str(number), name) if name.isdigit() else Option(name, str(number))


def _offerTimes(
    butler: Butler, browsed: BrowsedType, selection: Selection, sample: DatasetRef, key: str
) -> Choice:
    """Offer days, exposures or visits: of several detectors, those that one of them has.

    To look at all detectors would mean to look at all datasets.
    """
    required = browsed.datasetType.dimensions.required
    others = [name for name in required if name not in (*_EPOCHS, "instrument")]
    unchosen = [name for name in others if name not in selection.values]
    of_one = {name: selection.values.get(name, sample.dataId[name]) for name in others}
    of_one["instrument"] = sample.dataId["instrument"]
    if key != "day_obs" and "day_obs" in selection.values:
        of_one["day_obs"] = selection.values["day_obs"]
    found: set[int] = set()
    for collection in browsed.collections:
        with butler.query() as query:
            rows = (
                query.join_dataset_search(browsed.datasetType, [collection])
                .where(of_one)
                .general(["instrument", key])
                .order_by(key)
                .limit(MOST_OPTIONS + 1)
            )
            found.update(row[key] for row in rows)
    choice = _limit(key, [Option(str(number)) for number in sorted(found)], _adviseFor(key, selection))
    if unchosen and not choice.note:
        first = summarize(sample, set(required) - set(unchosen))
        return Choice(key, choice.options, note=f"List: those of {first}. Or type another.")
    return choice


def _adviseFor(key: str, selection: Selection) -> str:
    return "give the number" if key == "day_obs" or "day_obs" in selection.values else "choose day_obs first"


def _limit(key: str, options: Sequence[Option], advice: str) -> Choice:
    """Offer nothing of what is too much to choose from."""
    if len(options) > MOST_OPTIONS:
        return Choice(key, note=f"over {MOST_OPTIONS}: {advice}")
    return Choice(key, tuple(options), isComplete=True)
