# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of the limits with which a run was verified."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lsst.analysis.cp.catalogue import Product, StoredLimits, getProduct
from lsst.pipe.base import connectionTypes as cT

if TYPE_CHECKING:
    from lsst.daf.butler import DeferredDatasetHandle

    from .connections import AnalysisConnections

__all__ = ["VERIFY_CONFIG", "connectVerifyConfig", "readLimits"]

_LOG = logging.getLogger(__name__)

VERIFY_CONFIG = cT.Input(
    doc="Configuration of the task that verified, for its limits. Where there is none, or it cannot be read, "
    "they are the defaults of cp_verify.",
    name="verifyPtcDet_config",
    storageClass="Config",
    dimensions=(),
    multiple=True,
    deferLoad=True,
    minimum=0,
    deferGraphConstraint=True,
)
"""The connection that every task has which judges by limits of a configuration."""


def connectVerifyConfig(connections: AnalysisConnections, products: Iterable[str]) -> None:
    """Keep the connection ``verifyConfig`` only if a product has limits that a configuration holds."""
    if any(getProduct(name).configuredLimits for name in products):
        # That of a quantum would be wrong: a configuration has no dimensions.
        connections.redeclare("verifyConfig", dimensions=())
    else:
        connections.inputs.remove("verifyConfig")


def readLimits(handles: Iterable[DeferredDatasetHandle], product: Product) -> StoredLimits | None:
    """Read the limits of a product.

    Parameters
    ----------
    handles
        Handles of configurations, of which there is one at most.
    product
        The product that was verified.

    Returns
    -------
    limits
        Those of its fields that the configuration has; None if there is no configuration, or it cannot be
        read, as where the package of its task is not installed.
    """
    for handle in handles:
        name = f"{handle.ref.datasetType.name} of {handle.ref.run}"
        try:
            config = handle.get()
            fields = sorted(product.configuredLimits)
            values = {field: float(getattr(config, field)) for field in fields if hasattr(config, field)}
            limits = StoredLimits(values, name)
            # Those that are none are told here, and not where results are encoded.
            product.withLimits(limits)
        except Exception:
            _LOG.warning("Limits are the defaults of cp_verify: %s cannot be read.", name, exc_info=True)
        else:
            return limits
    return None
