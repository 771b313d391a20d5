# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Makes the pictures of README and documentation from the figures of the demonstration.

``python doc/generate/pictures.py demo-output`` takes those of LSSTCam, and of the history of LATISS;
``--camera LSSTComCam`` is quicker to simulate. That of TinyCam is saved by the example of addingACamera.rst
in ``tinyCam-output/figures``, of which a copy has to be in ``demo-output/figures``.
Unlike the files of ``python doc/generate`` they do not follow from the sources alone: they are made anew
when figures change, and looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

__all__ = [
    "DIRECTORY",
    "MAX_BYTES",
    "PICTURES",
    "WIDTH",
    "Picture",
    "findFigure",
    "firstFigure",
    "main",
    "shrink",
]

DIRECTORY = Path(__file__).resolve().parents[1] / "lsst.analysis.cp" / "pictures"
WIDTH = 1200
"""Largest width of a picture, pixels: sharp on a page of half that width."""
COLOURS = 256
MAX_BYTES = 400_000
"""Largest size of a file."""


@dataclass(frozen=True)
class Picture:
    """A picture, and the figure that it is made of.

    Parameters
    ----------
    name
        Name of the file, without its ending.
    figure
        Pattern of the figure's name; the first in alphabetical order is taken.
    camera
        Camera of the figure; empty for that which the user chooses.
    """

    name: str
    figure: str
    camera: str = ""


PICTURES = (
    Picture("noiseMap", "cpBiasExp_biasNoise_FocalPlaneGeometryPlot_*"),
    Picture("failureMap", "cpBiasExp_biasFailures_FailureMapPlot_*"),
    Picture("focalPlane", "cpBiasExpView_biasImage_FocalPlaneImagePlot_*"),
    Picture("raft", "cpBiasExpRaftView_biasImage_FocalPlaneImagePlot_*_R22_*"),
    Picture("detector", "cpBiasExpDetView_biasImage_DetectorImagePlot_*_R22_S11"),
    Picture("significance", "cpBiasExpResidual_biasSignificance_FocalPlaneImagePlot_*"),
    Picture("structures", "cpBiasExpResidual_biasStructures_StructureStampsPlot_*"),
    Picture("failuresOfLatiss", "cpBiasExp_biasFailures_FailureMapPlot_*2", "LATISS"),
    Picture("limits", "cpPtcRunExtended_ptcByVendor_VendorHistogramPlot*", "LATISS"),
    Picture("tinyCam", "cpBiasExp_biasNoise_FocalPlaneGeometryPlot_*", "TinyCam"),
    Picture("step", "cpBiasTrend_biasNoiseByDetector_TrendPlot*", "LATISS"),
    Picture("drift", "cpBiasTrend_biasMeanByDetector_TrendPlot*", "LATISS"),
)


def findFigure(picture: Picture, figures: Path, camera: str) -> Path:
    """Find the figure of a picture.

    Parameters
    ----------
    picture
        The picture.
    figures
        Directory of the figures of the demonstration.
    camera
        The camera that the user chooses.

    Returns
    -------
    path
        The figure.

    Raises
    ------
    FileNotFoundError
        Raised if there is none.
    """
    folder = figures / (picture.camera or camera)
    found = firstFigure(folder, picture.figure)
    if not found:
        raise FileNotFoundError(
            f"There is no figure {picture.figure}.png in {folder}: run the demonstration."
        )
    return found


def firstFigure(folder: Path, pattern: str) -> Path | None:
    """Find the first figure, in alphabetical order, whose name without its ending has a pattern; or None."""
    return min(folder.glob(f"{pattern}.png"), default=None)


def shrink(
    figure: Path,
    target: Path,
    width: int = WIDTH,
    method: Image.Quantize = Image.Quantize.MAXCOVERAGE,
) -> None:
    """Write a figure with fewer pixels and colours.

    Parameters
    ----------
    figure
        The figure.
    target
        Where to.
    width
        Largest width and height, pixels.
    method
        How the colours are chosen. The default makes the smallest files, and tints large pale areas.
    """
    with Image.open(figure) as image:
        small = image.convert("RGB")
        small.thumbnail((width, width), Image.Resampling.LANCZOS)
        small.quantize(COLOURS, method, dither=Image.Dither.NONE).save(target, optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make all pictures, and list them."""
    parser = argparse.ArgumentParser(description="Make the pictures of the documentation.")
    parser.add_argument("output", type=Path, help="directory of the outputs of the demonstration")
    parser.add_argument("--camera", default="LSSTCam", help="camera of the figures")
    options = parser.parse_args(arguments)
    DIRECTORY.mkdir(exist_ok=True)
    for picture in PICTURES:
        path = DIRECTORY / f"{picture.name}.png"
        shrink(findFigure(picture, options.output / "figures", options.camera), path)
        print(path)


if __name__ == "__main__":
    main()
