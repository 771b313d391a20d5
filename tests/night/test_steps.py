# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is done of a night, what is left alone, and what is made anew."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from nightRepository import DAY, EXPOSURES, InProcess, NightRepository, breakExposures

from lsst.analysis.cp.night import StageResult, StageState
from lsst.cp.simulator import ExposureInfo
from lsst.daf.butler import Butler
from lsst.obs.lsst import LsstComCam

pytestmark = pytest.mark.slow

FIRST, SECOND = EXPOSURES[:2]
LATE = ExposureInfo(DAY, 3)
STEPS = ["biasNightDetectors", "biasNightExposures", "biasNightRun", "biasTrends"]


def findExposures(repository: NightRepository, dayObs: int = DAY) -> set[int]:
    """List the exposures that the merge of the run has."""
    return set(repository.get("verifyBiasResults", dayObs)["exposure"].tolist())


def findTrend(repository: NightRepository, dayObs: int = DAY) -> set[int]:
    """List the exposures that the history has."""
    return {int(each) for each in repository.get("cpBiasTrend_trend", dayObs)["exposure"] if each > 0}


def changed(before: dict, after: dict) -> set[str]:
    """List the types of the datasets that are new, gone or others."""
    return {
        name
        for name, data_id in before.keys() | after.keys()
        if before.get((name, data_id)) != after.get((name, data_id))
    }


@pytest.fixture(scope="module")
def failedNight(tmp_path_factory: pytest.TempPathFactory) -> tuple[NightRepository, dict[str, StageResult]]:
    """Verify biases of which one fails, in a repository to be copied; also tell what became of the steps."""
    folder = tmp_path_factory.mktemp("failed")
    repository = NightRepository(folder)
    with pytest.MonkeyPatch.context() as patch:
        breakExposures(patch, folder / "broken", SECOND)
        return repository, repository.verify()


@pytest.fixture
def failed(failedNight, tmp_path) -> NightRepository:
    """Return such a repository of its own, in which nothing fails from now on."""
    return NightRepository(Path(shutil.copytree(failedNight[0].folder, tmp_path / "copy")))


def test_what_is_done_is_left_alone(verified):
    repository = verified
    assert findExposures(repository) == findTrend(repository) == {FIRST.id, SECOND.id}
    before, runner = repository.ids(), InProcess()
    stages = repository.verify(runner=runner)
    assert list(stages) == STEPS
    assert {stage.state for stage in stages.values()} == {StageState.IDLE}
    assert runner.labels == []
    assert repository.ids() == before


def test_late_exposures_make_anew_what_sums_up_and_no_more(verified):
    repository = verified
    before = repository.ids()
    repository.register(LATE)
    repository.verify("bias", "dark")
    after = repository.ids()
    assert findExposures(repository) == findTrend(repository) == {FIRST.id, SECOND.id, LATE.id}
    others = {key: id for key, id in after.items() if f"exposure: {LATE.id}" not in key[1]}
    found = changed(before, others)
    assert {"verifyBiasResults", "cpBiasRun_metrics", "cpBiasTrend_trend"} <= found
    assert not any(re.search("Dark|Exp|verifyBiasDet", name) for name in found)


def test_a_kill_after_the_removal_is_harmless(verified):
    """What is out of date is removed first: whoever then does not run it does not leave it either."""
    repository = verified
    repository.register(LATE)

    class Killed(InProcess):
        def run(self, *arguments):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repository.verify(runner=Killed())
    names = {name for name, _ in repository.ids()}
    assert {"verifyBiasResults", "cpBiasTrend_trend"} & names == set()
    assert "verifyBiasExpResults" in names
    repository.verify()
    assert findExposures(repository) == findTrend(repository) == {FIRST.id, SECOND.id, LATE.id}


def test_a_failed_exposure_costs_itself_and_is_not_tried_for_ever(failedNight, failed):
    _, stages = failedNight
    assert stages["biasNightDetectors"].state is StageState.FAILED
    assert "verifyBiasIsr: 1 of 2 quanta have not succeeded" in stages["biasNightDetectors"].reason
    assert {stages[label].state for label in STEPS[1:]} == {StageState.DONE}
    assert findExposures(failed) == {FIRST.id}
    before, runner = failed.ids(), InProcess()
    stages = failed.verify(runner=runner)
    # The exposure has two quanta: that which failed, and the one downstream of it.
    assert stages["biasNightDetectors"].reason == "2 quanta failed earlier, or are blocked by such"
    assert (runner.labels, failed.ids()) == ([], before)


def test_what_failed_is_made_good_by_a_retry(failed):
    stages = failed.verify(retry=True)
    assert {stage.state for stage in stages.values()} == {StageState.DONE}
    assert findExposures(failed) == findTrend(failed) == {FIRST.id, SECOND.id}


def test_what_failed_is_tried_again_with_other_work(failed):
    failed.register(LATE)
    failed.verify()
    assert findExposures(failed) == findTrend(failed) == {FIRST.id, SECOND.id, LATE.id}


def test_a_detector_of_many_costs_itself_and_is_made_good(tmp_path, monkeypatch):
    """What is of other exposures and detectors stays as it is; all that sums the one up is made anew."""
    repository = NightRepository(tmp_path, EXPOSURES[:2], LsstComCam)
    breakExposures(monkeypatch, tmp_path / "broken", SECOND, detector=3)
    stages = repository.verify()
    assert [stage.state for stage in stages.values()] == [StageState.FAILED, *[StageState.DONE] * 3]
    before = repository.ids()
    merged = repository.get("verifyBiasResults")
    assert {*merged["detector"][merged["exposure"] == SECOND.id]} == {*range(9)} - {3}
    breakExposures(monkeypatch, tmp_path / "broken")
    assert {stage.state for stage in repository.verify(retry=True).values()} == {StageState.DONE}
    merged, after = repository.get("verifyBiasResults"), repository.ids()
    assert {*merged["detector"][merged["exposure"] == SECOND.id]} == {*range(9)}
    new = {(name, data_id) for name, data_id in after if after[name, data_id] != before.get((name, data_id))}
    assert {data_id for _, data_id in new if f"exposure: {FIRST.id}" in data_id} == set()
    details = {data_id for _, data_id in new if "detector: " in data_id and "exposure: " in data_id}
    assert {re.search(r"detector: (\d+)", data_id)[1] for data_id in details} == {"3"}
    sums = {key for key in after if f"exposure: {FIRST.id}" not in key[1] and "detector: " not in key[1]}
    kept = {name for name, _ in sums - new}
    assert {name for name in kept if not name.endswith(("_config", "packages"))} == set()


def test_an_exposure_that_is_made_anew_takes_its_merge_along(verified):
    """Whatever is lost of a detector, as by hand: nothing keeps what was made of it."""
    repository = verified
    before = repository.ids()
    with Butler.from_config(str(repository.root), writeable=True) as butler:
        lost = [
            butler.find_dataset(
                name, instrument="LATISS", exposure=FIRST.id, detector=0, collections=repository.night().run
            )
            for name in ("verifyBiasDet_metadata", "verifyBiasDet_log")
        ]
        butler.pruneDatasets(lost, disassociate=True, unstore=True, purge=True)
    runner = InProcess()
    repository.verify("bias", "dark", runner=runner)
    after = repository.ids()
    new = {key for key in after if before.get(key) != after[key]}
    assert {data_id for name, data_id in new if name == "verifyBiasExpResults"} == {
        data_id for _, data_id in after if f"exposure: {FIRST.id}" in data_id and "detector" not in data_id
    }
    assert "verifyBiasResults" in {name for name, _ in new}
    # Its images do not depend on what was lost.
    assert "verifyBiasIsrExp" not in {name for name, _ in new}
    assert runner.labels[0] == {"verifyBiasDet"}


def test_other_exposures_are_not_verified(verified):
    repository = verified
    repository.verify("flat")
    found = {
        name: set() for name in ("verifyBiasDet_metadata", "verifyDarkDet_metadata", "verifyFlatDet_metadata")
    }
    with Butler.from_config(str(repository.root)) as butler:
        for name in found:
            refs = butler.query_datasets(name, collections=repository.night().run)
            found[name] = {ref.dataId["exposure"] for ref in refs}
    types = ("bias", "dark", "flat")
    assert list(found.values()) == [
        {info.id for info in EXPOSURES if info.observationType == kind} for kind in types
    ]


def test_a_product_without_exposures_has_no_steps(repository):
    assert repository.verify("flat", dayObs=DAY + 1) == {}


def test_a_history_has_the_nights_up_to_its_own(repository):
    following = ExposureInfo(DAY + 1, 1)
    repository.register(following)
    # The later night comes first, as where an earlier one was forgotten.
    repository.verify(dayObs=DAY + 1)
    assert findTrend(repository, DAY + 1) == {following.id}
    repository.verify()
    assert findTrend(repository) == {FIRST.id, SECOND.id}
    # The latest was made anew.
    assert findTrend(repository, DAY + 1) == {FIRST.id, SECOND.id, following.id}
    assert findExposures(repository, DAY + 1) == {following.id}
    repository.register(LATE)
    repository.verify()
    assert findTrend(repository, DAY + 1) == {FIRST.id, SECOND.id, LATE.id, following.id}
    with Butler.from_config(str(repository.root)) as butler:
        chain = butler.collections.get_info(repository.night().output).children
    assert chain == (repository.night(DAY + 1).run, repository.night().run)
