# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the demonstration is made of: cameras, products, and a part for each product of each camera."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.structures import TRANSIENT_KINDS
from lsst.cp.simulator import (
    CTIS,
    KERNELS,
    LINEARIZERS,
    PTCS,
    ExpectedResult,
    ExposureInfo,
    Fault,
    listExpectedCrosstalkResults,
    listExpectedCtiResults,
    listExpectedDarkResults,
    listExpectedDefectsResults,
    listExpectedFlatResults,
    listExpectedGainResults,
    listExpectedKernelResults,
    listExpectedLinearizerResults,
    listExpectedPtcResults,
    listExpectedResponseResults,
    listExpectedResults,
    listExpectedTearingResults,
    parseFaults,
    storeCombinedFlats,
    storeCrosstalks,
    storeCtiStatistics,
)
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam

__all__ = ["CAMERAS", "PRODUCTS", "CameraDemo", "Part", "ProductDemo", "listParts"]

ROOT = Path(__file__).parents[1]
DAY_OBS = 20260301


@dataclass(frozen=True)
class CameraDemo:
    """A camera.

    Parameters
    ----------
    instrument
        Class of the instrument.
    nExposures
        Number of exposures of each product.
    shrinkage
        Factor by which pixels are larger than those of the camera, and fewer, along rows and along columns.
    completeRaft
        Raft of which all detectors are viewed, beside those with faults, and which has a view of its own, of
        the products that have a complete raft; if empty, all detectors of the camera are viewed.
    isShown
        Whether it is shown where no camera is named.
    """

    instrument: type[Any]
    nExposures: int
    shrinkage: int = 1
    completeRaft: str = ""
    isShown: bool = True

    @property
    def name(self) -> str:
        """Name of the instrument."""
        return str(self.instrument.getName())


CAMERAS = {
    camera.name: camera
    for camera in (
        CameraDemo(LsstCam, 1, shrinkage=4, completeRaft="R22"),
        CameraDemo(LsstComCam, 1, shrinkage=4, isShown=False),
        CameraDemo(Latiss, 3),
    )
}
"""The cameras, in the order in which they are shown."""


Expect = Callable[[Sequence[Fault], Any, Sequence[ExposureInfo]], list[ExpectedResult]]
Store = Callable[[Butler, Any, Any, Sequence[Fault]], None]


def ofExposures(listExpected: Callable[..., list[ExpectedResult]]) -> Expect:
    """Make what lists results of the ids of exposures list those of exposures."""
    return lambda faults, camera, exposures: listExpected(faults, camera, [e.id for e in exposures])


def ofCalibrations(listExpected: Callable[[Sequence[Fault], Any], list[ExpectedResult]]) -> Expect:
    """Make what lists results of calibrations list them whatever the exposures, of which there are none."""
    return lambda faults, camera, exposures: listExpected(faults, camera)


def expectOfDarks(
    faults: Sequence[Fault], camera: Any, exposures: Sequence[ExposureInfo]
) -> list[ExpectedResult]:
    """List what has to be found of faults of darks, which depends on the dark times."""
    return listExpectedDarkResults(
        faults, camera, {exposure.id: exposure.exposureTime for exposure in exposures}
    )


def storeCleanCrosstalks(butler: Butler, instrument: Any, camera: Any, faults: Sequence[Fault]) -> None:
    """Store the crosstalk that is corrected, which knows nothing of faults."""
    storeCrosstalks(butler, instrument, camera)


FLATS = {
    ExposureInfo(DAY_OBS, 40 + i, observationType="flat", exposureTime=signal / 2500): signal
    for i, signal in enumerate((3_000.0, 30_000.0, 50_000.0, 100_000.0), start=1)
}
"""Flats with trails in their overscan, and their light (electron)."""


def storeTrails(butler: Butler, instrument: Any, camera: Any, faults: Sequence[Fault]) -> None:
    """Store what ISR measures in the overscan of flats, among the inputs of all pipelines."""
    signals = {exposure.id: signal for exposure, signal in FLATS.items()}
    run = storeCtiStatistics(butler, instrument, camera, signals, faults)
    butler.collections.extend_chain(instrument.makeCollectionName("defaults"), run)


def storeTornFlats(butler: Butler, instrument: Any, camera: Any, faults: Sequence[Fault]) -> None:
    """Store combined flats that are torn, among the inputs of all pipelines."""
    run = storeCombinedFlats(butler, instrument, camera, faults, physicalFilter="SDSSr_65mm~empty")
    butler.collections.extend_chain(instrument.makeCollectionName("defaults"), run)


def expectOfTrails(faults: Sequence[Fault], camera: Any) -> list[ExpectedResult]:
    """List what has to be found of trails, which say nothing of all amplifiers together."""
    together = {"GLOBAL_CTI"}
    return [
        replace(result, failures=result.failures - together, untested=result.untested - together)
        for result in listExpectedCtiResults(faults, camera)
    ]


@dataclass(frozen=True)
class ProductDemo:
    """A product.

    Parameters
    ----------
    name
        Its name in the catalogue.
    expect
        Lists what verification has to find, of faults, a camera and exposures.
    exposures
        Exposures, of which a camera takes as many as it has. A calibration that is verified has none.
    inputs
        Exposures of which something is stored, and nothing verified one by one.
    store
        Stores the calibrations that are verified or taken, of a butler, an instrument, its camera and faults.
    faultsOf
        Name of the product whose faults it has, if it is made of the same simulation.
    cameras
        Names of the cameras that it is shown of; if there are none, all for which there are faults.
    verb
        How the names of its pipelines begin.
    tasksOnDemand
        Labels of the tasks of its pipeline of stored tables that draw on demand.
    reported
        Columns of statistics that show a fault, but have no limit, by the statistic: what they have is
        reported, and not judged.
    ownTests
        Tests that find faults, but are not cp_verify's: tables of culprits do not have them.
    isrTasks
        Labels of the tasks that simulate, if they are not named after the product of exposures.
    hasCompleteRaft
        Whether detectors without faults are viewed, too, where a camera has a complete raft.
    judgesStructures
        Whether structures that are found in the pixels are judged.
    everywhere
        Kinds of structures that are simulated in all exposures, beside the faults.
    sizes
        Configured lengths in pixels, by label and field, which get smaller with the camera.
    settings
        Other configured values, by label and field.
    historyOf
        Name of the camera of which there is a history, too.
    """

    name: str
    expect: Expect
    exposures: tuple[ExposureInfo, ...] = ()
    inputs: tuple[ExposureInfo, ...] = ()
    store: Store | None = None
    faultsOf: str = ""
    cameras: tuple[str, ...] = ()
    verb: str = "verify"
    tasksOnDemand: tuple[str, ...] = ()
    reported: Mapping[str, str] = field(default_factory=dict)
    ownTests: tuple[str, ...] = ()
    isrTasks: tuple[str, ...] = ()
    hasCompleteRaft: bool = False
    judgesStructures: bool = True
    everywhere: Collection[str] = TRANSIENT_KINDS
    sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    historyOf: str = ""

    @property
    def title(self) -> str:
        """The name as it is part of names of tasks and datasets."""
        return self.name.capitalize()

    @property
    def epoch(self) -> str:
        """Dimension of the results of an exposure."""
        return getProduct(self.name).epoch

    @property
    def output(self) -> str:
        """Begin of the names of what judges an exposure, or the run where there is none."""
        return f"cp{self.title}{'Exp' if self.exposures else 'Run'}"


PRODUCTS = {
    product.name: product
    for product in (
        ProductDemo(
            "bias",
            ofExposures(listExpectedResults),
            tuple(ExposureInfo(DAY_OBS, i) for i in (1, 2, 3)),
            reported={
                "AMP_CORNER": "BIAS_AMP_CORNER",
                "BIAS_SHIFT_COUNT": "BIAS_BIAS_SHIFT_COUNT",
                "AMPCORR": "overscanCorr",
            },
            hasCompleteRaft=True,
            sizes={"verifyBiasDet": {"ampCornerBoxSize": 200}},
            historyOf="LATISS",
        ),
        ProductDemo(
            "dark",
            expectOfDarks,
            # One that all tests see first: a camera may have no other.
            tuple(
                ExposureInfo(DAY_OBS, i, observationType="dark", exposureTime=time)
                for i, time in ((11, 100.0), (12, 30.0), (13, 300.0))
            ),
            # Hot pixels are noisy when the combined dark is subtracted.
            everywhere=(*TRANSIENT_KINDS, "pixel"),
        ),
        ProductDemo(
            "flat",
            ofExposures(listExpectedFlatResults),
            tuple(
                ExposureInfo(DAY_OBS, i, observationType="flat", exposureTime=time)
                for i, time in ((21, 10.0), (22, 15.0), (23, 20.0))
            ),
            # The combined flat does not know the illumination of an exposure.
            everywhere=(*TRANSIENT_KINDS, "gradient"),
        ),
        ProductDemo(
            "defects",
            ofExposures(listExpectedDefectsResults),
            tuple(ExposureInfo(DAY_OBS, i, observationType="flat", exposureTime=15.0) for i in (31, 32, 33)),
            ownTests=("OUTLIERS_LEFT", "GOOD_MASKED"),
            isrTasks=("verifyDefectsIsr", "verifyUncorrectedDefectsIsr"),
            # Those that are found are the simulated defects.
            judgesStructures=False,
        ),
        ProductDemo(
            "ptc",
            ofCalibrations(listExpectedPtcResults),
            store=PTCS.store,
            tasksOnDemand=("analyzePtcRunExtended", "analyzePtcCurvesExtended"),
            judgesStructures=False,
        ),
        ProductDemo(
            "gain",
            ofCalibrations(listExpectedGainResults),
            store=PTCS.store,
            faultsOf="ptc",
            cameras=("LATISS",),
            verb="analyze",
            ownTests=("PTC_AGREEMENT",),
            judgesStructures=False,
        ),
        ProductDemo(
            "linearizer",
            ofCalibrations(listExpectedLinearizerResults),
            store=LINEARIZERS.store,
            isrTasks=("verifyLinearizerSecondLinearizer",),
            tasksOnDemand=("analyzeLinearizerRunExtended", "analyzeLinearizerCurvesExtended"),
            judgesStructures=False,
        ),
        ProductDemo(
            "response",
            ofCalibrations(listExpectedResponseResults),
            store=LINEARIZERS.store,
            faultsOf="linearizer",
            verb="analyze",
            ownTests=("MAX_DEVIATION",),
            judgesStructures=False,
        ),
        ProductDemo(
            "bfk",
            ofCalibrations(listExpectedKernelResults),
            store=KERNELS.store,
            verb="analyze",
            ownTests=("VALID",),
            judgesStructures=False,
        ),
        ProductDemo(
            "crosstalk",
            ofCalibrations(listExpectedCrosstalkResults),
            store=storeCleanCrosstalks,
            isrTasks=("verifyCrosstalkSolve",),
            tasksOnDemand=("analyzeCrosstalkRunExtended", "analyzeCrosstalkMatricesExtended"),
            judgesStructures=False,
        ),
        ProductDemo(
            "cti",
            ofCalibrations(listExpectedCtiResults),
            store=CTIS.store,
            verb="analyze",
            ownTests=("SERIAL_CTI", "PARALLEL_CTI", "GLOBAL_CTI"),
            judgesStructures=False,
            # What is left out otherwise: those of calibrations made with ip_isr are no measurements.
            settings={"measureCti": {"doMeasureParallel": True}},
        ),
        ProductDemo(
            "eper",
            ofCalibrations(expectOfTrails),
            inputs=tuple(FLATS),
            store=storeTrails,
            verb="analyze",
            ownTests=("SERIAL_CTI", "PARALLEL_CTI"),
            judgesStructures=False,
            settings={"measureEper": {"doMeasureParallel": True}},
        ),
        ProductDemo(
            "tearing",
            ofCalibrations(listExpectedTearingResults),
            store=storeTornFlats,
            verb="analyze",
            ownTests=("MAX",),
            judgesStructures=False,
        ),
    )
}


@dataclass(frozen=True)
class Part:
    """A product of a camera.

    Parameters
    ----------
    camera, product
        These.
    """

    camera: CameraDemo
    product: ProductDemo

    @property
    def name(self) -> str:
        """Name of the part, for people."""
        return f"{self.camera.name} {self.product.name}"

    @property
    def exposures(self) -> tuple[ExposureInfo, ...]:
        """The exposures."""
        return self.product.exposures[: self.camera.nExposures]

    @property
    def exposureIds(self) -> tuple[int, ...]:
        """Ids of the exposures; of a calibration that is verified, one 0."""
        return tuple(exposure.id for exposure in self.exposures) or (0,)

    def dataId(self, exposure: int) -> dict[str, Any]:
        """Give the data ID of the results of an exposure; 0 is none."""
        # A visit has the number of its exposure.
        return {"instrument": self.camera.name} | ({self.product.epoch: exposure} if exposure else {})

    @property
    def pipeline(self) -> Path:
        """File of the pipeline."""
        return self._findPipeline(self.product.verb)

    @property
    def pipelineOnDemand(self) -> Path:
        """File of the pipeline of stored tables."""
        return self._findPipeline("analyze")

    def _findPipeline(self, verb: str) -> Path:
        return ROOT / "pipelines" / self.camera.name / f"{verb}{self.product.title}.yaml"

    @property
    def outputCollection(self) -> str:
        """Collection of the outputs."""
        return f"demo/verify{self.product.title}"

    @property
    def faultFile(self) -> Path:
        """File of the faults to inject. What has none is no part of the demonstration."""
        folder = self.product.faultsOf or self.product.name
        return ROOT / "demo" / "faults" / folder / f"{self.camera.name}.txt"

    @property
    def hasHistory(self) -> bool:
        """Whether there is a history, too."""
        return self.product.historyOf == self.camera.name

    def readFaults(self) -> tuple[Fault, ...]:
        """Read the faults to inject."""
        lines = self.faultFile.read_text().splitlines()
        return parseFaults(line for line in lines if not line.startswith("#"))

    def listViewed(self, names: Sequence[str], *, full: bool) -> tuple[str, ...]:
        """List the detectors whose pixels are looked at, of those of the camera; none if these are all."""
        if full or not self.camera.completeRaft:
            return ()
        faulty = {str(fault.detector) for fault in self.readFaults()}
        return tuple(name for name in names if name in faulty or name.partition("_")[0] == self.viewedRaft)

    @property
    def viewedRaft(self) -> str:
        """The raft that is viewed as a whole, if only one is."""
        return self.camera.completeRaft if self.product.hasCompleteRaft else ""

    @property
    def omittedTasks(self) -> tuple[str, ...]:
        """Labels of the tasks that a quick demonstration leaves out.

        They bin so coarsely that nothing else takes their outputs, or sum up a run that has one exposure, or
        show rafts of which few detectors are viewed.
        """
        title = self.product.title
        labels = [f"mosaic{title}Exp64"]
        if len(self.exposures) == 1:
            labels += [f"verify{title}", f"analyze{title}Core"]
        if self.camera.completeRaft and not self.product.hasCompleteRaft:
            labels.append(f"view{title}ExpRaft")
        return tuple(labels)

    def writeConfigs(
        self, directory: Path, viewed: Sequence[str], shrinkage: int, *, full: bool
    ) -> dict[str, Path]:
        """Write the configuration of tasks; return the file of each label."""
        title, faults = self.product.title, [fault.toText() for fault in self.readFaults()]
        simulated, lines = [f"config.faults = {faults!r}"], {}
        if self.exposures:
            simulated.append(f"config.doCoarselyBinnedExposures = {full}")
            if shrinkage > 1:
                # The noise of fewer pixels scatters more: leave less of that of combined calibrations in it.
                simulated.append("config.numCombined = 400")
            lines[f"verify{title}Isr"] = simulated
            lines[f"view{title}ExpResidual"] = [f"config.requestedDetectors = {list(viewed)!r}"]
        lines |= dict.fromkeys(self.product.isrTasks, simulated)
        for label, sizes in self.product.sizes.items():
            lines[label] = [f"config.{name} = {size // shrinkage}" for name, size in sizes.items()]
        for label, values in self.product.settings.items():
            lines[label] = [f"config.{name} = {value!r}" for name, value in values.items()]
        files = {label: directory / f"{label}.py" for label in lines}
        for label, file in files.items():
            file.write_text("\n".join([*lines[label], ""]))
        return files


def listParts(cameras: Collection[str], products: Collection[str]) -> list[Part]:
    """List the parts of the demonstration.

    Parameters
    ----------
    cameras, products
        Names of those to show; if there are none, those that are shown by default.

    Returns
    -------
    parts
        Those of them that have faults to inject.
    """
    return [
        part
        for camera in CAMERAS.values()
        if (camera.name in cameras if cameras else camera.isShown)
        for product in PRODUCTS.values()
        if not products or product.name in products
        if not product.cameras or camera.name in product.cameras
        if (part := Part(camera, product)).faultFile.is_file()
    ]
