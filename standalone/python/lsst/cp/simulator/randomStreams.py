# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Random numbers that depend on the data ID and on nothing else."""

__all__ = ["RandomStreams"]

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RandomStreams:
    """Independent generators of one data ID.

    Parameters
    ----------
    seed
        Seed of the whole simulation.
    instrument
        Name of the instrument.
    detector
        Detector ID.
    exposure
        Exposure ID; `None` for what does not change between exposures.
    """

    seed: int
    instrument: str
    detector: int
    exposure: int | None = None

    def make(self, purpose: str, item: str = "") -> np.random.Generator:
        """Make a generator.

        Parameters
        ----------
        purpose
            What it is for.
        item
            Which one of several, an amplifier for example.

        Returns
        -------
        generator
            At the start of its stream, which is the same for the same arguments, in whatever order generators
            are made and used.
        """
        key = repr((self.seed, self.instrument, self.detector, self.exposure, purpose, item))
        entropy = int.from_bytes(hashlib.sha256(key.encode()).digest())
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy)))
