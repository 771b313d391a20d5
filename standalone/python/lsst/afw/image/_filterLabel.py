# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import dataclasses
from typing import Any

__all__ = ["FilterLabel"]


@dataclasses.dataclass(frozen=True)
class FilterLabel:
    """The filter of an observation.

    Parameters
    ----------
    band : `str`, optional
        Abstract name of the band.
    physical : `str`, optional
        Name of the filter itself.

    Raises
    ------
    ValueError
        Raised if there is neither.
    """

    band: str | None = None
    physical: str | None = None

    def __post_init__(self) -> None:
        if self.band is None and self.physical is None:
            raise ValueError("A FilterLabel needs a band or a physical filter")

    def hasBandLabel(self) -> bool:
        """Tell whether there is a band."""
        return self.band is not None

    def hasPhysicalLabel(self) -> bool:
        """Tell whether there is a physical filter."""
        return self.physical is not None

    @property
    def bandLabel(self) -> str:
        """The band.

        Raises
        ------
        LookupError
            Raised if there is none.
        """
        return _required(self.band, self)

    @property
    def physicalLabel(self) -> str:
        """The physical filter.

        Raises
        ------
        LookupError
            Raised if there is none.
        """
        return _required(self.physical, self)


def _required(label: str | None, owner: Any) -> str:
    if label is None:
        raise LookupError(f"{owner} has no such label")
    return label
