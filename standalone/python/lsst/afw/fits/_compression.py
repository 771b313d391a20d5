# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Self

__all__ = [
    "CompressionAlgorithm",
    "CompressionOptions",
    "DitherAlgorithm",
    "QuantizationOptions",
    "ScalingAlgorithm",
]


class CompressionAlgorithm(enum.Enum):
    """How the tiles of an image are compressed."""

    GZIP_1 = "GZIP_1"
    GZIP_2 = "GZIP_2"
    RICE_1 = "RICE_1"


class DitherAlgorithm(enum.Enum):
    """How quantisation is randomised; the values are those of FITS."""

    NO_DITHER = -1
    SUBTRACTIVE_DITHER_1 = 1
    SUBTRACTIVE_DITHER_2 = 2


class ScalingAlgorithm(enum.Enum):
    """How the quantum of an image is found."""

    RANGE = "RANGE"
    STDEV_MASKED = "STDEV_MASKED"
    STDEV_CFITSIO = "STDEV_CFITSIO"
    MANUAL = "MANUAL"


@dataclasses.dataclass
class QuantizationOptions:
    """How floats are made integers before they are compressed.

    Parameters
    ----------
    dither : `DitherAlgorithm`, optional
        How rounding is randomised.
    scaling : `ScalingAlgorithm`, optional
        How the quantum is found: from the range, from the robust standard
        deviation of the whole image without the masked pixels, from the noise
        of each tile, or as given.
    mask_planes : `list` [`str`], optional
        Planes whose pixels do not count in ``RANGE`` and ``STDEV_MASKED``.
    level : `float`, optional
        Quanta a standard deviation; with ``MANUAL`` the quantum itself.
    seed : `int`, optional
        Seed of the dither, 1 to 10000; 0 takes it from the clock.
    """

    dither: DitherAlgorithm = DitherAlgorithm.NO_DITHER
    scaling: ScalingAlgorithm = ScalingAlgorithm.STDEV_MASKED
    mask_planes: list[str] = dataclasses.field(default_factory=lambda: ["NO_DATA"])
    level: float = 0.0
    seed: int = 0

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Make the options of a mapping, as it stands in a write recipe.

        Raises
        ------
        ValueError
            Raised if the mapping has a key that is no option.
        KeyError
            Raised if an algorithm has an unknown name.
        """
        values = _known_options(cls, mapping, "quantization")
        if "dither" in values:
            values["dither"] = DitherAlgorithm[values["dither"]]
        if "scaling" in values:
            values["scaling"] = ScalingAlgorithm[values["scaling"]]
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as a mapping of plain values."""
        return dataclasses.asdict(self) | {"dither": self.dither.name, "scaling": self.scaling.name}


@dataclasses.dataclass
class CompressionOptions:
    """How an image is compressed: by default without loss, row by row.

    Parameters
    ----------
    algorithm : `CompressionAlgorithm`, optional
        How the tiles are compressed.
    tile_width, tile_height : `int`, optional
        Dimensions of a tile in pixels; 0 stands for that of the image.
    quantization : `QuantizationOptions`, optional
        How floats are quantised; `None` keeps them exact.
    """

    algorithm: CompressionAlgorithm = CompressionAlgorithm.GZIP_2
    tile_width: int = 0
    tile_height: int = 1
    quantization: QuantizationOptions | None = None

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Make the options of a mapping, as it stands in a write recipe.

        Raises
        ------
        ValueError
            Raised if the mapping has a key that is no option.
        KeyError
            Raised if an algorithm has an unknown name.
        """
        values = _known_options(cls, mapping, "compression")
        if "algorithm" in values:
            values["algorithm"] = CompressionAlgorithm[values["algorithm"]]
        if values.get("quantization") is not None:
            values["quantization"] = QuantizationOptions.from_mapping(values["quantization"])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as a mapping of plain values."""
        quantization = self.quantization.to_dict() if self.quantization is not None else None
        return dataclasses.asdict(self) | {"algorithm": self.algorithm.name, "quantization": quantization}


def _known_options(cls: type, mapping: Mapping[str, Any], kind: str) -> dict[str, Any]:
    unknown = mapping.keys() - {field.name for field in dataclasses.fields(cls)}
    if unknown:
        raise ValueError(f"Unrecognized {kind} options: {sorted(unknown)}.")
    return dict(mapping)
