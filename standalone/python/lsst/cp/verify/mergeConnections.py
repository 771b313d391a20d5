# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Connections of the seven merge tasks, generated from one declaration each.

Follows ``lsst.cp.verify.mergeResults`` of 2026-04-22 in names, documentation order, dimensions and storage
classes; cp_verify spells the seven classes out.
"""

__all__ = [
    "CpVerifyCalibMergeConnections",
    "CpVerifyExpMergeByFilterConnections",
    "CpVerifyExpMergeConnections",
    "CpVerifyRunMergeByFilterConnections",
    "CpVerifyRunMergeConnections",
    "CpVerifyVisitExpMergeConnections",
    "CpVerifyVisitRunMergeConnections",
]

import types
from typing import Any

from lsst.pipe.base import PipelineTaskConnections
from lsst.pipe.base import connectionTypes as cT

_STORAGE_CLASSES = {"Stats": "StructuredDataDict", "Results": "ArrowAstropy", "Matrix": "ArrowAstropy"}


class _MergeConnections(PipelineTaskConnections, dimensions={"instrument"}, defaultTemplates={}):
    """What all merges share: the camera, and connections that the configuration can switch off."""

    camera = cT.PrerequisiteInput(
        name="camera",
        storageClass="Camera",
        doc="Camera whose detectors are merged.",
        dimensions=["instrument"],
        isCalibration=True,
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if not config.hasMatrixCatalog:
            self.inputs.remove("inputMatrix")
            self.outputs.remove("outputMatrix")
        if not config.hasInputResults:
            self.inputs.remove("inputResults")
        if config.doDropStats:
            self.outputs.remove("outputStats")


def _makeConnections(
    className: str,
    *,
    dimensions: tuple[str, ...],
    inputDimensions: tuple[str, ...],
    inputName: str,
    outputName: str,
    matrixDimensions: tuple[str, ...] | None = None,
    outputStatsName: str | None = None,
) -> type[PipelineTaskConnections]:
    """Make the connections class of one merge.

    Parameters
    ----------
    className
        Name of the class.
    dimensions
        Dimensions of the quantum and of the outputs.
    inputDimensions
        Dimensions of the inputs.
    inputName, outputName
        Stems of the default dataset type names, completed by ``Stats``, ``Results`` and ``Matrix``.
    matrixDimensions
        Dimensions of ``inputMatrix`` where they differ from those of the other inputs.
    outputStatsName
        Default name of ``outputStats`` where it does not follow from ``outputName``.

    Returns
    -------
    connections
        The class.
    """
    body: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": f"Connections of a merge over {sorted(set(inputDimensions) - set(dimensions))}.",
    }
    for kind, storage_class in _STORAGE_CLASSES.items():
        body[f"input{kind}"] = cT.Input(
            name=f"{inputName}{kind}",
            doc=f"{kind} to merge.",
            storageClass=storage_class,
            dimensions=(matrixDimensions if kind == "Matrix" else None) or inputDimensions,
            multiple=True,
        )
        body[f"output{kind}"] = cT.Output(
            name=f"{outputName}{kind}",
            doc=f"Merged {kind.lower()}.",
            storageClass=storage_class,
            dimensions=dimensions,
        )
    if outputStatsName is not None:
        body["outputStats"] = cT.Output(
            name=outputStatsName,
            doc="Merged stats.",
            storageClass="StructuredDataDict",
            dimensions=dimensions,
        )
    class_arguments = {"dimensions": set(dimensions), "defaultTemplates": {}}
    return types.new_class(className, (_MergeConnections,), class_arguments, lambda ns: ns.update(body))


CpVerifyExpMergeConnections = _makeConnections(
    "CpVerifyExpMergeConnections",
    dimensions=("instrument", "exposure"),
    inputDimensions=("instrument", "exposure", "detector"),
    inputName="detector",
    outputName="exposure",
)

CpVerifyRunMergeConnections = _makeConnections(
    "CpVerifyRunMergeConnections",
    dimensions=("instrument",),
    inputDimensions=("instrument", "exposure"),
    inputName="exposure",
    outputName="run",
)

CpVerifyExpMergeByFilterConnections = _makeConnections(
    "CpVerifyExpMergeByFilterConnections",
    dimensions=("instrument", "exposure", "physical_filter"),
    inputDimensions=("instrument", "exposure", "detector", "physical_filter"),
    inputName="exposure",
    outputName="run",
)

CpVerifyRunMergeByFilterConnections = _makeConnections(
    "CpVerifyRunMergeByFilterConnections",
    dimensions=("instrument", "physical_filter"),
    inputDimensions=("instrument", "exposure", "physical_filter"),
    inputName="exposure",
    outputName="run",
)

CpVerifyVisitExpMergeConnections = _makeConnections(
    "CpVerifyVisitExpMergeConnections",
    dimensions=("instrument", "visit"),
    inputDimensions=("instrument", "exposure", "detector"),
    matrixDimensions=("instrument", "visit", "detector"),
    inputName="detector",
    outputName="exposure",
)

CpVerifyVisitRunMergeConnections = _makeConnections(
    "CpVerifyVisitRunMergeConnections",
    dimensions=("instrument",),
    inputDimensions=("instrument", "visit"),
    inputName="exposure",
    outputName="run",
)

# cp_verify calls this one output as the exposure merges do.
CpVerifyCalibMergeConnections = _makeConnections(
    "CpVerifyCalibMergeConnections",
    dimensions=("instrument",),
    inputDimensions=("instrument", "detector"),
    inputName="exposure",
    outputName="run",
    outputStatsName="exposureStats",
)
