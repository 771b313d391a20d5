# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metadata of stored tables."""

from __future__ import annotations

from typing import Any

from astropy.table.meta import get_header_from_yaml

__all__ = ["parseTableMeta"]


def parseTableMeta(text: str) -> dict[str, Any]:
    """Parse the metadata of a table, without those of the Butler, of which there are thousands of lines.

    Parameters
    ----------
    text
        What a table is described by in its file, in YAML; it may be empty.

    Returns
    -------
    meta
        The metadata by their keys.
    """
    lines, is_kept = [], True
    for line in text.splitlines():
        if not line.startswith(" "):
            is_kept = not line.startswith(("- {LSST.BUTLER.", "- LSST.BUTLER."))
        if is_kept:
            lines.append(line)
    return dict(get_header_from_yaml(lines).get("meta", {})) if lines else {}
