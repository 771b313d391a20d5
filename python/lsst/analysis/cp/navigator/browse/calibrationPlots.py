# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where there are plots and images of calibrations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.analysis.cp.notebook.search import isCalled
from lsst.daf.butler import CollectionType

from .types import isPlot, isPyramid

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["COMBINED", "ShownCollection", "findShown", "listParents"]

COMBINED = "cpCombined"
"""How the names of dataset types begin that show calibrations, not exposures."""

_MOST_PARENTS = 20
_MOST_IMAGES = 20


@dataclass(frozen=True)
class ShownCollection:
    """A collection with plots or images of a product.

    Parameters
    ----------
    name
        Its name.
    combined
        Dataset types of plots of the calibration.
    others
        Dataset types of plots of exposures that verify it.
    images
        Images of the calibration that the viewer shows.
    """

    name: str
    combined: tuple[str, ...]
    others: tuple[str, ...]
    images: tuple[DatasetRef, ...]


def listParents(butler: Butler, name: str) -> list[str]:
    """List the chains that hold a collection, at most 20, the last by name first.

    Names end in times, and the newest are wanted.
    """
    parents = butler.collections.get_info(name, include_parents=True).parents or ()
    return sorted(parents, reverse=True)[:_MOST_PARENTS]


def findShown(butler: Butler, product: str, collections: Iterable[str]) -> Iterator[ShownCollection]:
    """Find plots and images of a calibration.

    Parameters
    ----------
    butler
        The repository.
    product
        Dataset type of the calibration, as ``bias``.
    collections
        Where to look.

    Yields
    ------
    collection
        Those that have any, in the given order.
    """
    for name in collections:
        infos = butler.collections.query_info(
            name,
            collection_types={CollectionType.RUN, CollectionType.TAGGED},
            flatten_chains=True,
            include_summary=True,
        )
        known = {each for info in infos for each in info.dataset_types or ()}
        types = [butler.get_dataset_type(each) for each in sorted(known) if isCalled(each, product)]
        plots = [each.name for each in types if isPlot(each)]
        pyramids = [each.name for each in types if isPyramid(each) and each.name.startswith(COMBINED)]
        if not plots and not pyramids:
            continue
        images: list[DatasetRef] = []
        for each in pyramids:
            images += butler.query_datasets(each, name, limit=_MOST_IMAGES, explain=False)
        yield ShownCollection(
            name,
            tuple(each for each in plots if each.startswith(COMBINED)),
            tuple(each for each in plots if not each.startswith(COMBINED)),
            tuple(images),
        )
