# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that run tools on stored tables of cp_verify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.actions.keyedData import AMP_TABLE, EncodeAmps, encodeAmps
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import AmpKeyError, ColumnError
from lsst.analysis.cp.core.amps import leaveOutWrong
from lsst.analysis.tools.interfaces import AnalysisPipelineTask
from lsst.pex.config import Field
from lsst.pipe.base import Struct, UnprocessableDataError
from lsst.pipe.base import connectionTypes as cT

from .connections import CAMERA, ConfiguredDimensionsConfig, ConfiguredDimensionsConnections
from .limits import VERIFY_CONFIG, connectVerifyConfig, readLimits
from .reference import VERIFIED_EXPOSURES, readHeaders, readTimes
from .runner import describeInputs, describeRows, raiseFailures, signFigures

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.analysis.tools.interfaces import KeyedData
    from lsst.daf.butler import DataCoordinate, DeferredDatasetHandle
    from lsst.pipe.base import InputQuantizedConnection, OutputQuantizedConnection, QuantumContext

__all__ = [
    "AmpAnalysisConfig",
    "AmpAnalysisConnections",
    "AmpAnalysisDetectorConfig",
    "AmpAnalysisDetectorTask",
    "AmpAnalysisExposureConfig",
    "AmpAnalysisExposureTask",
    "AmpAnalysisRunConfig",
    "AmpAnalysisRunConnections",
    "AmpAnalysisRunTask",
    "AmpAnalysisTask",
]

_DATA_IDS = "lsst.analysis.cp.dataIds"
"""Key of the data IDs of a table in its metadata."""


class AmpAnalysisConnections(ConfiguredDimensionsConnections, dimensions={"instrument"}):
    """A table of amplifier results, the camera, and what the verification compared with."""

    data = cT.Input(
        doc="Results of verification, one row an amplifier.",
        name="verifyBiasResults",
        storageClass="ArrowAstropy",
        deferLoad=True,
    )
    camera = CAMERA
    verifiedExposures = VERIFIED_EXPOSURES
    verifyConfig = VERIFY_CONFIG

    def __init__(self, *, config: AmpAnalysisConfig) -> None:
        super().__init__(config=config)
        connectVerifyConfig(self, {tool.product for tool in config.atools if hasattr(tool, "product")})
        # A calibration without exposures has no headers.
        has_epochs = any(getattr(tool, "epoch", "") != "none" for tool in config.atools)
        if not (config.doReadReference and has_epochs):
            self.inputs.remove("verifiedExposures")


class AmpAnalysisRunConnections(AmpAnalysisConnections, dimensions={"instrument"}):
    """A table of the results of a run, and which exposures the run has."""

    exposureResults = cT.Input(
        doc="Results of the exposures of the run. They are not read, but the records of the exposures are, "
        "for exposure and dark times.",
        name="verifyBiasExpResults",
        storageClass="ArrowAstropy",
        multiple=True,
        deferLoad=True,
        minimum=0,
        deferGraphConstraint=True,
    )

    def __init__(self, *, config: AmpAnalysisConfig) -> None:
        super().__init__(config=config)
        self.redeclare("exposureResults", dimensions=self.dimensions | {"exposure"})
        if any(getattr(tool, "epoch", "exposure") != "exposure" for tool in config.atools):
            self.inputs.remove("exposureResults")


class AmpAnalysisConfig(ConfiguredDimensionsConfig, pipelineConnections=AmpAnalysisConnections):
    """Configuration of tools run on a stored table."""

    doReadReference = Field[bool](
        doc="Read the nominal read noise and gain from the headers of the verified exposures, where these "
        "are stored? Else they are the camera's.",
        default=True,
    )


class AmpAnalysisTask(AnalysisPipelineTask):
    """Run tools on a stored table of amplifier results.

    Only the columns that the tools need are read.
    """

    ConfigClass = AmpAnalysisConfig
    config: AmpAnalysisConfig
    _DefaultName = "ampAnalysis"

    def run(self, *, data: KeyedData | None = None, **kwargs: Any) -> Struct:
        """Run the tools on results that are encoded once.

        Parameters
        ----------
        data
            Results, one row an amplifier.
        **kwargs
            ``camera`` that they belong to, handles of ``verifiedExposures``, ``exposureResults`` and
            ``verifyConfig`` if there are any, and further arguments of the tools.

        Returns
        -------
        results : `lsst.pipe.base.Struct`
            Metrics and plots, as `lsst.analysis.tools.interfaces.AnalysisPipelineTask.run` returns them. The
            plots are signed by `signFigures`.
        """
        if data is not None:
            data, kwargs = self.encode(data, **kwargs)
        results = super().run(data=data, **kwargs)
        output_name, bands = self.config.connections.outputName, [*self.config.bands, ""]
        for name, tool in self.config.atools.items():
            outputs = tool.getOutputNames(config=self.config)
            names = {f"{output_name}_{output.format(band=band)}" for output in outputs for band in bands}
            made = [figure for key, figure in results.getDict().items() if key in names]
            signFigures(made, name, kwargs.get("plotInfo") or {})
        return results

    def encode(self, data: KeyedData, **kwargs: Any) -> tuple[KeyedData, dict[str, Any]]:
        """Encode results once for all tools.

        Parameters
        ----------
        data
            Results, one row an amplifier.
        **kwargs
            As for `run`.

        Returns
        -------
        data
            The encoded results; as they were given if they cannot be encoded for all tools together.
        arguments
            What the tools get besides.
        """
        info = kwargs.get("plotInfo")
        if info is not None and info.keys().isdisjoint({"exposure", "visit"}):
            kwargs["plotInfo"] = {**info, **describeRows(data)}
        handles = kwargs.pop("verifiedExposures", ())
        named = [handle.dataId for handle in (*handles, *kwargs.pop("exposureResults", ()))]
        named += getattr(data, "meta", {}).get(_DATA_IDS, [])
        times = readTimes(named, handles)
        nominal = readHeaders(handles, kwargs["camera"], gainsApplied=self.config.gainsApplied)
        kwargs["reference"] = replace(nominal, times=times)
        configs = kwargs.pop("verifyConfig", ())
        preps = [tool.prep for tool in self.config.atools if isinstance(tool.prep, EncodeAmps)]
        shared = {(prep.product, prep.epoch) for prep in preps}
        if len(shared) == 1:
            ((product, epoch),) = shared
            kwargs["limits"] = readLimits(configs, getProduct(product))
            tests = dict.fromkeys(key for prep in preps for key in prep.tests)
            # Where the results cannot be encoded, each tool reports it for its own tests.
            with suppress(ColumnError, AmpKeyError):
                known = {"epoch": epoch, "gainsApplied": self.config.gainsApplied, **kwargs}
                encode = partial(encodeAmps, product=product, tests=tests, **known)
                table, left_out = leaveOutWrong(data, encode)
                encoded: Any = {AMP_TABLE: table}
                data = encoded
                if left_out:
                    kwargs["plotInfo"] = {**(kwargs.get("plotInfo") or {}), "leftOut": left_out}
                    self.metadata["leftOut"] = dict(left_out)
                for name, reason in left_out.items():
                    self.log.warning("%s is left out: %s", name, reason)
        return data, kwargs

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Run the tools and write what they make.

        Raises
        ------
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a part of the results was left out.
        """
        super().runQuantum(butlerQC, inputRefs, outputRefs)
        raiseFailures(self, self.listLeftOut())

    def listLeftOut(self) -> dict[str, str]:
        """List the reasons why tables were left out by their names, as the metadata have them."""
        return dict(self.metadata["leftOut"].to_dict()) if "leftOut" in self.metadata else {}

    def parsePlotInfo(
        self, inputs: Mapping[str, Any] | None, dataId: DataCoordinate | None, connectionName: str = "data"
    ) -> Mapping[str, str]:
        """Say on figures where the inputs are from, those headers that were read included."""
        if inputs is None:
            return super().parsePlotInfo(inputs, dataId, connectionName)
        headers = [handle.ref for handle in inputs.get("verifiedExposures", ())]
        return describeInputs([inputs[connectionName].ref], dataId, headers)

    def loadData(self, handle: DeferredDatasetHandle, names: Iterable[str] | None = None) -> Table:
        """Read those of the wanted columns that the table has; the tools know which they cannot do without.

        Raises
        ------
        lsst.pipe.base.UnprocessableDataError
            Raised if the table has no columns at all, as cp_verify writes it where there are no results.
        lsst.analysis.cp.core.ColumnError
            Raised if the table has none of the wanted columns.
        """
        wanted = set(self.collectInputNames() if names is None else names)
        stored = [str(name) for name in handle.get(component="columns")]
        present = [name for name in stored if name in wanted]
        # The observing days of a run are written on its figures.
        dates = [name for name in stored if name == "mjd" and names is None and name not in wanted]
        name = f"{handle.ref.datasetType.name} {handle.dataId}"
        if not stored:
            raise UnprocessableDataError(f"{name} is a table without columns")
        if not present:
            raise ColumnError(
                f"{name} has none of the columns {', '.join(sorted(wanted))}; it has {', '.join(stored)}"
            )
        table = handle.get(parameters={"columns": present + dates})
        table.meta[_DATA_IDS] = [handle.dataId]
        return table


class AmpAnalysisDetectorConfig(AmpAnalysisConfig):
    """Configuration of tools run on the results of one detector; by default, of an exposure."""

    def setDefaults(self) -> None:
        """Take one detector of an exposure."""
        super().setDefaults()
        self.dimensions = ["detector", "exposure", "instrument"]


class AmpAnalysisDetectorTask(AmpAnalysisTask):
    """Run tools on the results of one detector."""

    ConfigClass = AmpAnalysisDetectorConfig
    _DefaultName = "ampAnalysisDetector"


class AmpAnalysisExposureConfig(AmpAnalysisConfig):
    """Configuration of tools run on the results of one exposure, or visit."""

    def setDefaults(self) -> None:
        """Take one exposure."""
        super().setDefaults()
        self.dimensions = ["exposure", "instrument"]


class AmpAnalysisExposureTask(AmpAnalysisTask):
    """Run tools on the results of one exposure, or visit."""

    ConfigClass = AmpAnalysisExposureConfig
    _DefaultName = "ampAnalysisExposure"


class AmpAnalysisRunConfig(AmpAnalysisConfig, pipelineConnections=AmpAnalysisRunConnections):
    """Configuration of tools run on the results of a run."""

    def setDefaults(self) -> None:
        """Do not read headers."""
        super().setDefaults()
        # A run has thousands of exposures of one detector: opening each costs more than all tools.
        self.doReadReference = False


class AmpAnalysisRunTask(AmpAnalysisTask):
    """Run tools on the results of a run."""

    ConfigClass = AmpAnalysisRunConfig
    _DefaultName = "ampAnalysisRun"
