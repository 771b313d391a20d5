# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""What is written on every plot, and colour maps."""

__all__ = ["addPlotInfo", "mkColormap", "parsePlotInfo"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

_SELECTION = "Selection: "


def parsePlotInfo(plotInfo: Mapping[str, Any]) -> str:
    """Return what a plot says of its data.

    Parameters
    ----------
    plotInfo : `~collections.abc.Mapping`
        Must have ``run``, ``tableName`` and ``bands``; ``tract``, ``visit``
        and what is said of signal-to-noise, magnitudes and selections are
        shown if they are there.

    Returns
    -------
    text : `str`
        Three lines, of which the first is empty.
    """
    data_id = "".join(
        f", {name.capitalize()}: {plotInfo[name]}" for name in ("tract", "visit") if name in plotInfo
    )
    text = (
        f"\n{plotInfo['run']}\nTable: {plotInfo['tableName']}{data_id}, Bands: {', '.join(plotInfo['bands'])}"
    )
    signal = [key for key in plotInfo if "SN" in key or "S/N" in key]
    magnitude = [key for key in plotInfo if "Mag" in key and key not in signal]
    selections = [
        f"{key.removeprefix(_SELECTION)}: {plotInfo[key]}"
        for key in plotInfo
        if key.startswith(_SELECTION) and key not in signal and key not in magnitude
    ]
    if signal:
        text += f"{'\n' if magnitude else ', '}{signal[0]}{plotInfo[signal[0]]}"
    if magnitude:
        text += f", {magnitude[0]}{plotInfo[magnitude[0]]}"
    if selections:
        text += f", Selections: {', '.join(selections)}"
    return text


def addPlotInfo(fig: Figure, plotInfo: Mapping[str, Any]) -> Figure:
    """Write name and origin in the upper left corner of a figure.

    Parameters
    ----------
    fig : `matplotlib.figure.Figure`
        The figure.
    plotInfo : `~collections.abc.Mapping`
        As for `parsePlotInfo`, with ``plotName`` in addition.

    Returns
    -------
    fig : `matplotlib.figure.Figure`
        The same figure.
    """
    corner: dict[str, Any] = {"transform": fig.transFigure, "ha": "left", "va": "top"}
    fig.text(0.01, 0.99, plotInfo["plotName"], fontsize=7, **corner)
    fig.text(0.01, 0.984, parsePlotInfo(plotInfo), fontsize=6, alpha=0.6, **corner)
    return fig


def mkColormap(colorNames: Sequence[str]) -> LinearSegmentedColormap:
    """Make a colour map that goes through named colours at equal distances.

    Parameters
    ----------
    colorNames : `~collections.abc.Sequence` [`str`]
        Names of three colours: the middle one is see-through.

    Returns
    -------
    cmap : `matplotlib.colors.LinearSegmentedColormap`
        The colour map.

    Raises
    ------
    NotImplementedError
        Raised if there are not three colours.
    """
    if len(colorNames) != 3:
        raise NotImplementedError(f"This stand-in expects three colours, got {list(colorNames)}.")
    alphas = (1.0, 0.3, 1.0)
    nodes = [(*to_rgb(name), alpha) for name, alpha in zip(colorNames, alphas, strict=True)]
    channels = zip(("red", "green", "blue", "alpha"), zip(*nodes, strict=True), strict=True)
    segments: Any = {
        channel: [(place, value, value) for place, value in zip(np.linspace(0, 1, 3), values, strict=True)]
        for channel, values in channels
    }
    return LinearSegmentedColormap("newCmap", segments)
