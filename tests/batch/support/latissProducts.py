# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A small repository of LATISS with what the pipelines of all products read, and what they have written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astropy.table import Table

from lsst.cp.simulator import (
    CTIS,
    KERNELS,
    LINEARIZERS,
    PTCS,
    ExposureInfo,
    PtcModel,
    defineVisits,
    makeRepository,
    shrinkCamera,
    storeCrosstalks,
    storeCtiStatistics,
    storePairs,
)
from lsst.daf.butler import Butler, DatasetType
from lsst.obs.lsst import Latiss

__all__ = ["CONFIGURATION", "DEFAULTS", "Outputs", "makeLatiss", "readOutputs", "select", "storeImages"]

SHRINKAGE = 8
FILTER = "SDSSr_65mm~empty"
DEFAULTS = "LATISS/defaults"
"""Collection with all that is stored."""

EXPOSURES = {
    name: ExposureInfo(20260801, number, FILTER, observationType=kind, exposureTime=time)
    for number, (name, kind, time) in enumerate(
        (
            ("Bias", "bias", 0.0),
            ("Dark", "dark", 100.0),
            ("Flat", "flat", 10.0),
            ("Defects", "flat", 15.0),
        ),
        1,
    )
}
"""Exposures, by the product that they are verified for."""

FLATS = {
    ExposureInfo(20260801, 10 + number, FILTER, observationType="flat", exposureTime=signal / 2500): signal
    for number, signal in enumerate((500.0, 2_000.0, 9_000.0, 12_000.0, 30_000.0, 60_000.0))
}
"""Flats of which pairs and trails are stored, and their light (electron)."""

CONFIGURATION = {
    "verifyBias": "verifyBiasDet:ampCornerBoxSize=25",
    "verifyFlat": "verifyFlatIsr:isrStats.doDivisaderoStatistics=True",
}
"""What is configured for fewer pixels, or to be measured for another pipeline, by pipeline."""

_OTHERS = ("_log", "_metadata", "_config", "packages")
"""Ends of the names of datasets that say how something ran."""

_VALUES = ("ArrowAstropy", "MetricMeasurementBundle")
"""Storage classes of what is compared value by value."""


@dataclass(frozen=True)
class Outputs:
    """What a pipeline has written.

    Parameters
    ----------
    numbers
        Number of datasets, by type; what says how it ran is not among them, but for the metadata.
    values
        Text with all values of each table and each bundle of metrics, by type and data ID.
    """

    numbers: Counter[str] = field(default_factory=Counter)
    values: dict[tuple[str, str], str] = field(default_factory=dict)


def makeLatiss(root: Path) -> None:
    """Make the repository: exposures to be simulated, and calibrations.

    Parameters
    ----------
    root
        Where.
    """
    instrument = Latiss()
    camera = shrinkCamera(instrument.getCamera(), SHRINKAGE)
    signals = {flat.id: signal for flat, signal in FLATS.items()}
    with makeRepository(root, Latiss, (*EXPOSURES.values(), *FLATS), camera=camera) as butler:
        defineVisits(butler, "LATISS")
        for calibrations in (PTCS, LINEARIZERS, KERNELS, CTIS):
            calibrations.store(butler, instrument, camera, ())
        storeCrosstalks(butler, instrument, camera)
        storePairs(butler, instrument, camera, [*signals], model=PtcModel(signals=(*signals.values(),)))
        trails = storeCtiStatistics(butler, instrument, camera, signals)
        butler.collections.extend_chain(DEFAULTS, [trails, "LATISS/calib/cpPtcPartial/simulated"])


def select(pipeline: str) -> str:
    """Say which data a pipeline takes.

    Parameters
    ----------
    pipeline
        Its name.
    """
    product = re.sub("^(verify|analyze|view)", "", pipeline)
    # Flats are stored as science exposures, too.
    exposure = EXPOSURES.get("Flat" if product == "Science" else product)
    return "instrument='LATISS'" + (f" and exposure={exposure.id}" if exposure else "")


def storeImages(root: Path, collections: Sequence[str]) -> None:
    """Store verified images once more, as combined calibrations and as a science exposure.

    Parameters
    ----------
    root
        The repository.
    collections
        Outputs of the verifications of biases, darks and flats.
    """
    with Butler.from_config(str(root), run="LATISS/images", collections=collections) as butler:
        for product in ("bias", "dark", "flat"):
            verified = f"verify{product.title()}"
            filters = ("physical_filter",) if product == "flat" else ()
            for source, target in (
                (f"{verified}IsrExp", product),
                (f"{verified}IsrExpBin8", f"{product}Bin8"),
                (f"{verified}Residual8", f"{product}Mosaic8"),
            ):
                _copy(butler, source, target, filters, isCalibration=True)
        for source, target in (
            ("verifyFlatIsrExp", "verifyScienceIsrExp"),
            ("verifyFlatIsrExpBin8", "verifyScienceIsrExpBin8"),
            ("verifyFlatResidual8", "verifyScience8"),
        ):
            _copy(butler, source, target, ("exposure",), isCalibration=False)
        butler.collections.extend_chain(DEFAULTS, "LATISS/images")


def _copy(
    butler: Butler, source: str, target: str, dimensions: Sequence[str], *, isCalibration: bool
) -> None:
    """Store a dataset under another type; of the detector, if it has one, and of dimensions."""
    (ref,) = butler.query_datasets(source)
    names = (*({"instrument", "detector"} & set(ref.dimensions.names)), *dimensions)
    storage_class = ref.datasetType.storageClass_name
    # Signature removal writes images of any type of pixel, but calibrations have one.
    storage_class = "ExposureF" if storage_class == "Exposure" else storage_class
    dataset_type = DatasetType(
        target, names, storage_class, isCalibration=isCalibration, universe=butler.dimensions
    )
    butler.registry.registerDatasetType(dataset_type)
    data_id = butler.registry.expandDataId(ref.dataId)
    butler.put(butler.get(ref), dataset_type, {name: data_id[name] for name in names})


def readOutputs(butler: Butler, collection: str) -> Outputs:
    """Read what a pipeline has written.

    Parameters
    ----------
    butler
        A butler of the repository.
    collection
        The chain with its output, which begins the names of its runs.
    """
    outputs = Outputs()
    for ref in butler.query_all_datasets(butler.collections.query(f"{collection}/*"), limit=None):
        name = ref.datasetType.name
        if name.endswith(_OTHERS) and not name.endswith("_metadata"):
            continue
        outputs.numbers[name] += 1
        if ref.datasetType.storageClass_name in _VALUES:
            outputs.values[name, str(dict(ref.dataId.required))] = _writeText(butler.get(ref))
    return outputs


def _writeText(dataset: Any) -> str:
    """Write all values of a table or of a bundle of metrics, with all their digits."""
    if isinstance(dataset, Table):
        return str({name: dataset[name].tolist() for name in dataset.colnames})
    measurements = [(tool, each) for tool, bundle in dataset.items() for each in bundle]
    return "\n".join(sorted(f"{tool} {each.metric_name} {each.quantity!r}" for tool, each in measurements))
