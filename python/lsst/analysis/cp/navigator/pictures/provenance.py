# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where a stored plot comes from."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from lsst.daf.butler import ButlerUserError

if TYPE_CHECKING:
    from lsst.analysis.cp.notebook.readPlot import Picture
    from lsst.daf.butler import DatasetRef

__all__ = ["MOST_DATA", "Provenance", "readProvenance"]

MOST_DATA = 20
"""Most datasets behind a plot that are named."""

_MOST_LETTERS = 2000


@dataclass(frozen=True)
class Provenance:
    """Where a plot comes from.

    Parameters
    ----------
    texts
        What its file says, by subject.
    data
        The first datasets that it was made of.
    hasMoreData
        Whether there are others.
    problem
        Why these are not known; empty if they are.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    data: tuple[DatasetRef, ...] = ()
    hasMoreData: bool = False
    problem: str = ""


def readProvenance(picture: Picture) -> Provenance:
    """Read what the file of a plot says of its origin, and find the data behind it.

    Parameters
    ----------
    picture
        The plot.

    Returns
    -------
    provenance
        What is known. A damaged file is no error: then less is.
    """
    try:
        with warnings.catch_warnings():
            # No pixel is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            texts = {key: text[:_MOST_LETTERS] for key, text in picture.provenance.items()}
            data = picture.findData(limit=MOST_DATA + 1)
    except ButlerUserError as error:
        return Provenance(texts=texts, problem=str(error))
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, LookupError) as error:
        return Provenance(problem=f"The file cannot be read: {error}")
    return Provenance(texts, tuple(data[:MOST_DATA]), len(data) > MOST_DATA)
