# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What has become of the quanta of a run."""

from __future__ import annotations

from lsst.daf.butler import Butler
from lsst.pipe.base.pipeline_graph import TaskImportMode
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

__all__ = ["describeFailures"]

_N_NAMED = 5
"""How many quanta of a task are named."""


def describeFailures(graph: str, repository: str) -> list[str]:
    """Describe the quanta that have not succeeded: they have no metadata.

    Parameters
    ----------
    graph
        File of the quantum graph that was run.
    repository
        The repository, which has been shown the outputs.

    Returns
    -------
    lines
        For each task with such quanta how many they are, and the data IDs of some.
    """
    with PredictedQuantumGraph.open(graph, import_mode=TaskImportMode.DO_NOT_IMPORT) as reader:
        reader.read_thin_graph()
        predicted = reader.finish()
    lines = []
    with Butler.from_config(repository, collections=predicted.header.output_run) as butler:
        for label, quanta in predicted.quanta_by_task.items():
            known = butler.registry.queryDatasetTypes(f"{label}_metadata")
            refs = butler.query_datasets(f"{label}_metadata", explain=False, limit=None) if known else []
            succeeded = {ref.dataId.required_values for ref in refs}
            failed = [data_id for data_id in quanta if data_id.required_values not in succeeded]
            if failed:
                named = ", ".join(str(dict(data_id.required)) for data_id in sorted(failed)[:_N_NAMED])
                more = ", ..." if len(failed) > _N_NAMED else ""
                lines.append(
                    f"{label}: {len(failed)} of {len(quanta)} quanta have not succeeded: {named}{more}"
                )
    return lines
