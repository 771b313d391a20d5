# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The task that looks at exposures at full resolution."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from lsst.afw.image import ImageF
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic
from lsst.analysis.cp.core.pyramid import PyramidWriter
from lsst.analysis.cp.core.structures import (
    DetectionThresholds,
    Stamp,
    Structures,
    cutStamps,
    findStructures,
    foremostStamps,
    markStructures,
    measureSignificance,
    rankStructures,
)
from lsst.analysis.cp.core.typing import Float32Array, FloatArray
from lsst.analysis.cp.tasks.runner import (
    ToolRunner,
    describeInputs,
    listInputs,
    putOutputs,
    raiseFailures,
    runTools,
)
from lsst.analysis.cp.tasks.views.data import gridKeys, presenceKeys
from lsst.analysis.cp.tasks.views.reading import DetectorImage, DetectorImages, readCulprits
from lsst.geom import Box2I, Extent2I, Point2I
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
    Struct,
)

from .config import IMAGE_OUTPUTS, ResidualPyramidConfig
from .pyramidImage import PyramidImage

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.afw.cameraGeom import Camera
    from lsst.analysis.cp.core import FocalPlaneGeometry

__all__ = ["Measured", "ResidualPyramidTask", "ampSlices"]


def ampSlices(geometry: FocalPlaneGeometry, detector: int) -> tuple[tuple[slice, slice], ...]:
    """Say where the amplifiers lie in the image of a detector.

    Parameters
    ----------
    geometry
        The camera.
    detector
        Id of the detector.

    Returns
    -------
    slices
        Rows and columns of each amplifier, in the order of the camera.
    """
    (index,) = geometry.detectorIndex([detector])
    first = geometry.detectorEdges[index][:2]
    boxes = geometry.ampEdges[geometry.layout.ampDetector == index] - [*first, *first]
    return tuple(
        (slice(y_min, y_max), slice(x_min, x_max))
        for x_min, y_min, x_max, y_max in boxes.round().astype(int).tolist()
    )


def makeMosaicImage(mosaic: FocalPlaneMosaic) -> ImageF:
    """Make a dataset of the pixels of a mosaic.

    Its coordinates count from the centre of the focal plane: pixel (i, j) has its centre at (i + 0.5) and
    (j + 0.5) times the side of a pixel.
    """
    grid = mosaic.grid
    first = Point2I(*(round(centre / grid.pixelSize - 0.5) for centre in (grid.x0, grid.y0)))
    image = ImageF(Box2I(first, Extent2I(grid.shape[1], grid.shape[0])))
    image.array[:] = mosaic.image
    return image


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What was measured on the image of a detector.

    Parameters
    ----------
    peaks
        Absolute significance of each pixel, or that of the structure that it belongs to if this is higher;
        shape (ny, nx). NaN in amplifiers that could not be searched.
    noise
        Noise of each amplifier, in the image's unit; shape (nAmp,).
    structures
        What was found.
    threshold
        Significance from which a pixel is found.
    unsearched
        Names of the amplifiers with too few good pixels to be searched.
    """

    peaks: Float32Array
    noise: FloatArray
    structures: Structures
    threshold: float
    unsearched: tuple[str, ...]


@dataclass(eq=False)
class Gathered:
    """What was gathered from the detectors of an exposure."""

    mean: FocalPlaneMosaic
    """Mean of the pixels of each bin."""
    peak: FocalPlaneMosaic
    """Largest significance of each bin, as in `Measured.peaks`."""
    found: list[tuple[int, Structures]] = field(default_factory=list)
    """Id and structures of each detector that could be measured."""
    threshold: float = 0.0
    """Significance from which a pixel is found, the highest of all detectors; 0 without any."""
    stamps: list[Stamp] = field(default_factory=list)
    """Stamps of the most conspicuous structures so far."""
    unsearched: list[str] = field(default_factory=list)
    """Detector and amplifier of those that could not be searched."""


class ResidualPyramidTask(PipelineTask):
    """Find the structures in an exposure, and keep it so that any part of it can be seen at any scale.

    One detector is in memory at a time, besides mosaics of the focal plane. One whose image cannot be used is
    logged and shown as missing.

    The tools get two images of the focal plane, ``mean`` and ``significance``, with ``x0``, ``y0`` and
    ``pixelSize`` as in `FocalPlaneImageViewTask`; the ``threshold`` of single pixels; ``imageDetectors``,
    ``missing`` and ``notRequested``, the detectors that have an image, that have none, and that nobody asked
    for, as `presenceKeys` gives them; ``structures``, the table of `rankStructures`; ``stamps``, those of its
    first rows; and ``culprits``, that of `readCulprits`, where there is one. Amplifiers with too few good
    pixels to be searched are logged, named in the metadata ``unsearched`` of the table, and have no
    significance.
    """

    ConfigClass = ResidualPyramidConfig
    config: ResidualPyramidConfig
    _DefaultName = "residualPyramid"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Make all outputs, the images and the table first, and write them.

        Raises
        ------
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        camera, data = inputs["camera"], inputs["data"]
        plot_info = describeInputs(
            [handle.ref for handle in data], butlerQC.quantum.dataId, listInputs(inputRefs)
        )
        runner = ToolRunner(self.log, plot_info)
        refs = dict(iter(outputRefs))
        # The pyramid of a large camera has some GB: the repository gets a hard link to the file that is made
        # here, or a copy if it is on another file system.
        with TemporaryDirectory(prefix="residualPyramid") as folder:
            outputs = self.run(
                DetectorImages(
                    data,
                    camera,
                    excludedPlanes=self.config.excludedPlanes,
                    requested=self.config.requestedDetectors,
                    log=self.log,
                ),
                camera=camera,
                runner=runner,
                folder=Path(folder),
                exposure=plot_info.get("exposure"),
                extras=readCulprits(inputs.get("culprits", ()), plot_info.get("exposure")),
            )
            for name in IMAGE_OUTPUTS:
                if name in refs:
                    butlerQC.put(getattr(outputs, name), refs.pop(name))
        putOutputs(butlerQC, outputs, refs.items(), runner)
        raiseFailures(self, runner.failures)

    def run(
        self,
        images: DetectorImages,
        *,
        camera: Camera,
        runner: ToolRunner,
        folder: Path,
        exposure: int | None = None,
        extras: Mapping[str, Table] | None = None,
    ) -> Struct:
        """Look at all detectors, one after another, and run the tools.

        Parameters
        ----------
        images
            Images of the detectors, read one at a time.
        camera
            Camera that they belong to.
        runner
            Runs the tools, and remembers which failed.
        folder
            Where the file of the pyramid is made; the pyramid that is returned is that file.
        exposure
            Id of the exposure, for the table.
        extras
            What else the tools get, see `readCulprits`.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            ``pyramid`` (unless the configuration leaves it out), ``structures``, ``meanMosaic``,
            ``significanceMosaic``, ``metrics``, and the figures by the names of their connections.
        """
        geometry = cameraGeometry(camera)
        path = folder / "pyramid.fits"
        unit, finest = self.config.unit, self.config.finestFactor
        open_pyramid: AbstractContextManager[PyramidWriter | None] = nullcontext()
        if self.config.doWritePyramid:
            open_pyramid = PyramidWriter(path, geometry, finestFactor=finest, unit=unit)
        mean, peak = (FocalPlaneMosaic(geometry, self.config.mosaicBinning) for _ in range(2))
        gathered = Gathered(mean, peak)
        with open_pyramid as writer:
            for image in images:
                self._addDetector(image, images, geometry, writer, gathered)
                # Two detectors would be in memory while the next is read.
                del image
        table = rankStructures(
            gathered.found, geometry, exposure or 0, unit=unit, maxPerKind=self.config.maxStructures
        )
        table.meta["unsearched"] = gathered.unsearched
        if exposure is None:
            table.remove_column("exposure")
        view = {
            "mean": mean.image,
            "significance": peak.image,
            **({"threshold": gathered.threshold} if gathered.found else {}),
            **gridKeys(mean.grid),
            **presenceKeys(mean, images),
            "structures": table,
            "stamps": gathered.stamps,
            **(extras or {}),
        }
        outputs = runTools(self.config, view, runner, camera=camera)
        outputs.structures = table
        outputs.meanMosaic, outputs.significanceMosaic = makeMosaicImage(mean), makeMosaicImage(peak)
        if self.config.doWritePyramid:
            outputs.pyramid = PyramidImage.fromFile(path)
        return outputs

    def _addDetector(
        self,
        image: DetectorImage,
        images: DetectorImages,
        geometry: FocalPlaneGeometry,
        writer: PyramidWriter | None,
        gathered: Gathered,
    ) -> None:
        """Measure a detector and add it to all outputs; one on which that fails is missing."""
        try:
            measured = self.measure(image, geometry)
        except Exception as error:
            self.log.exception("Detector %d cannot be measured.", image.detector)
            images.markMissing(image.detector, "cannot be measured", f"{image.name}: {error}")
            return
        if writer is not None:
            writer.addDetector(
                image.detector,
                image.image,
                image.excluded,
                mask=image.mask,
                planes=image.planes,
                significance=measured.peaks,
                noise=measured.noise,
            )
        gathered.mean.addUnbinned(image.detector, image.image, "mean", excluded=image.excluded)
        gathered.peak.addUnbinned(image.detector, measured.peaks, "max", excluded=image.excluded)
        gathered.found.append((image.detector, measured.structures))
        if measured.unsearched:
            name = geometry.layout.detectorName[geometry.detectorIndex([image.detector])[0]]
            gathered.unsearched += [f"{name} {amp}" for amp in measured.unsearched]
            self.log.warning(
                "Detector %d (%s): too few good pixels to search the amplifiers %s.",
                image.detector,
                name,
                ", ".join(measured.unsearched),
            )
        gathered.threshold = max(gathered.threshold, measured.threshold)
        number = self.config.numStamps
        own = cutStamps(image.image, image.excluded, measured.structures, image.detector, number=number)
        gathered.stamps = foremostStamps([*gathered.stamps, *own], number)

    def measure(self, image: DetectorImage, geometry: FocalPlaneGeometry) -> Measured:
        """Measure the significance of the pixels of a detector, and find its structures."""
        amps = ampSlices(geometry, image.detector)
        thresholds = DetectionThresholds.fromBudget(amps, budget=self.config.falseAlarmBudget)
        significance = measureSignificance(
            image.image, image.excluded, amps, boxSize=self.config.backgroundBoxSize
        )
        structures = findStructures(significance, amps, thresholds)
        peaks = markStructures(np.abs(significance.values), 1, structures)
        unsearched = np.flatnonzero(significance.unsearched)
        for amp in unsearched.tolist():
            peaks[amps[amp]] = np.nan
        layout = geometry.layout
        names = layout.ampName[layout.firstAmp[geometry.detectorIndex([image.detector])] + unsearched]
        return Measured(
            peaks=peaks,
            noise=significance.noise,
            structures=structures,
            threshold=thresholds.pixel,
            unsearched=tuple(names.tolist()),
        )
