# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The task that looks at exposures at full resolution."""

from __future__ import annotations

__all__ = ["ResidualPyramidTask"]

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic
from lsst.analysis.cp.core.pyramid import PyramidWriter
from lsst.analysis.cp.core.structures import (
    DetectionThresholds,
    Structures,
    findStructures,
    markStructures,
    measureSignificance,
    rankStructures,
)
from lsst.analysis.cp.core.typing import Float32Array, FloatArray
from lsst.analysis.cp.tasks.runner import ToolRunner, describeInput, putOutputs, raiseFailures, runTools
from lsst.analysis.cp.tasks.views.data import (
    ampSlices,
    gridKeys,
    makeMosaicImage,
    presenceKeys,
    structureKeys,
)
from lsst.analysis.cp.tasks.views.reading import DetectorImage, DetectorImages, readFailures
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What was measured on the image of a detector.

    Parameters
    ----------
    peaks
        Absolute significance of each pixel, or that of the structure that it belongs to if this is higher;
        shape (ny, nx).
    noise
        Noise of each amplifier, in the image's unit; shape (nAmp,).
    structures
        What was found.
    threshold
        Significance from which a pixel is found.
    """

    peaks: Float32Array
    noise: FloatArray
    structures: Structures
    threshold: float


@dataclass(kw_only=True, eq=False)
class Gathered:
    """What was gathered from the detectors of an exposure.

    Parameters
    ----------
    mean
        Mean of the pixels of each bin.
    peak
        Largest significance of each bin, as in `Measured.peaks`.
    found
        Id and structures of each detector that could be measured.
    threshold
        Significance from which a pixel is found, the highest of all detectors; 0 without any.
    """

    mean: FocalPlaneMosaic
    peak: FocalPlaneMosaic
    found: list[tuple[int, Structures]] = field(default_factory=list)
    threshold: float = 0.0


class ResidualPyramidTask(PipelineTask):
    """Find the structures in an exposure, and keep it so that any part of it can be seen at any scale.

    One detector is in memory at a time, besides mosaics of the focal plane. One whose image cannot be used is
    logged and shown as missing.

    The tools get two images of the focal plane, ``mean`` and ``significance``, with ``x0``, ``y0`` and
    ``pixelSize`` as in `FocalPlaneImageViewTask`; the ``threshold`` of single pixels; the vectors of
    `presenceKeys` and `structureKeys`; and those of `readFailures`, where there are failures.
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

        Parameters
        ----------
        butlerQC
            Gets and puts the datasets of the quantum.
        inputRefs, outputRefs
            The quantum's datasets.

        Raises
        ------
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        camera = inputs["camera"]
        plot_info = describeInput(inputs["data"][0].ref, butlerQC.quantum.dataId)
        runner = ToolRunner(self.log, plot_info)
        images = DetectorImages(
            inputs["data"], camera, excludedPlanes=self.config.excludedPlanes, log=self.log
        )
        refs = dict(iter(outputRefs))
        # The pyramid of a large camera has some GB: the repository gets a hard link to the file that is made
        # here, or a copy if it is on another file system.
        with TemporaryDirectory(prefix="residualPyramid") as folder:
            outputs = self.run(
                images,
                camera=camera,
                runner=runner,
                folder=Path(folder),
                exposure=plot_info.get("exposure"),
                failures=readFailures(inputs.get("culprits")),
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
        failures: Mapping[str, Any] | None = None,
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
        failures
            The vectors of `readFailures`.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            ``pyramid`` (unless the configuration leaves it out), ``structures``, ``meanMosaic``,
            ``significanceMosaic``, ``metrics``, and the figures by the names of their connections.
        """
        geometry = cameraGeometry(camera)
        path = folder / "pyramid.fits"
        with self._openPyramid(path, geometry) as writer:
            gathered = self._gather(images, geometry, writer)
        mean, peak, threshold = gathered.mean, gathered.peak, gathered.threshold
        table = self._rank(gathered.found, geometry, exposure)
        view = {
            "mean": mean.image,
            "significance": peak.image,
            **({"threshold": threshold} if threshold else {}),
            **gridKeys(mean.grid),
            **presenceKeys(mean.added, images.missing),
            **structureKeys(table),
            **(failures or {}),
        }
        outputs = runTools(self.config, view, runner, camera)
        outputs.structures = table
        outputs.meanMosaic, outputs.significanceMosaic = makeMosaicImage(mean), makeMosaicImage(peak)
        if self.config.doWritePyramid:
            outputs.pyramid = PyramidImage.fromFile(path)
        return outputs

    def _gather(
        self, images: DetectorImages, geometry: FocalPlaneGeometry, writer: PyramidWriter | None
    ) -> Gathered:
        """Look at one detector after another."""
        mean, peak = (FocalPlaneMosaic(geometry, self.config.mosaicBinning) for _ in range(2))
        gathered = Gathered(mean=mean, peak=peak)
        for image in images:
            if (measured := self._attempt(image, images, geometry)) is not None:
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
                mean.addUnbinned(image.detector, image.image, "mean", excluded=image.excluded)
                peak.addUnbinned(image.detector, measured.peaks, "max", excluded=image.excluded)
                gathered.found.append((image.detector, measured.structures))
                gathered.threshold = max(gathered.threshold, measured.threshold)
            # The next is read before these names have another value.
            del image, measured
        return gathered

    def _rank(
        self, found: list[tuple[int, Structures]], geometry: FocalPlaneGeometry, exposure: int | None
    ) -> Table:
        """Rank structures; those of a calibration have no exposure."""
        table = rankStructures(
            found,
            geometry,
            0 if exposure is None else exposure,
            unit=self.config.unit,
            maxPerKind=self.config.maxStructures,
        )
        if exposure is None:
            table.remove_column("exposure")
        return table

    def _openPyramid(self, path: Path, geometry: FocalPlaneGeometry) -> Any:
        """Start a pyramid, if there is to be one."""
        if not self.config.doWritePyramid:
            return nullcontext()
        return PyramidWriter(path, geometry, finestFactor=self.config.finestFactor, unit=self.config.unit)

    def _attempt(
        self, image: DetectorImage, images: DetectorImages, geometry: FocalPlaneGeometry
    ) -> Measured | None:
        """Measure a detector; one on which that fails is missing."""
        try:
            return self.measure(image, geometry)
        except Exception as error:
            self.log.exception("Detector %d cannot be measured.", image.detector)
            images.markMissing(image.detector, "cannot be measured", f"{image.name}: {error}")
            return None

    def measure(self, image: DetectorImage, geometry: FocalPlaneGeometry) -> Measured:
        """Measure the significance of the pixels of a detector, and find its structures.

        Parameters
        ----------
        image
            Image of the detector, at full resolution.
        geometry
            Geometry of its camera.

        Returns
        -------
        measured
            Significance and structures.
        """
        amps = ampSlices(geometry, image.detector)
        thresholds = DetectionThresholds.fromBudget(amps, budget=self.config.falseAlarmBudget)
        significance = measureSignificance(
            image.image, image.excluded, amps, boxSize=self.config.backgroundBoxSize
        )
        structures = findStructures(significance, amps, thresholds)
        return Measured(
            peaks=markStructures(np.abs(significance.values), 1, structures),
            noise=significance.noise,
            structures=structures,
            threshold=thresholds.pixel,
        )
