# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.cp.core.amps.names import encodeNames

NAMES = st.lists(st.text(max_size=12), min_size=1, max_size=8, unique=True)


@given(known=NAMES, other=NAMES)
def test_names_are_found_whatever_they_are(known, other):
    # A trailing null is padding to numpy.
    clean = sorted({name.rstrip("\0") for name in known})
    names = np.array(clean + other)
    codes = encodeNames(names, np.unique(np.array(clean)))
    index = {str(name): i for i, name in enumerate(np.unique(np.array(clean)))}
    assert codes.tolist() == [index.get(str(name), len(clean)) for name in names]


@pytest.mark.parametrize("width", [3, 8, 9, 20])
def test_width_of_the_type_does_not_matter(width):
    names = np.array(["C01", "C7", "C00"], dtype=f"U{width}")
    assert encodeNames(names, np.array(["C00", "C01"])).tolist() == [1, 2, 0]
