"""The outcome of ``experiment pays``: statistics, each kind of answer, tables, page; on records made by hand."""

import json
import math
import sys

import numpy as np
import pytest
from pays_records import GRAD_NORM, LOSS, SECONDS, UNIFORM, curve, final, method, write
from scipy import stats

from isgd_mpi.report.__main__ import main
from isgd_mpi.report.pays import tables
from isgd_mpi.report.pays.answer import DOES_NOT_PAY, PAYS, UNDECIDED, answer
from isgd_mpi.report.pays.comparison import compare, ratio_test
from isgd_mpi.report.pays.record import read_record
from isgd_mpi.report.pays.write import print_outcome, write_pays_report
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE


@pytest.fixture
def answer_on(tmp_path):
    """The answer on some methods."""
    return lambda *methods, **fields: answer(read_record(write(tmp_path, *methods, **fields)))


@pytest.fixture
def compared(tmp_path):
    """The comparison of a method with uniform sampling by held-out data."""

    def compared(own, other, curve="valid_judged"):
        record = read_record(write(tmp_path, other, own))
        return compare(record.chosen, record.uniform, curve, record.seconds)

    return compared


def with_figures(of, speed, **fields):
    return method(of, finals=[final(seed, speed, **fields) for seed in range(1, 6)])


# statistics


def test_ratio_test_is_the_paired_t_test_of_logarithms(rng):
    own, other = np.exp(rng.normal(0.0, 0.2, 6)), np.exp(rng.normal(0.3, 0.2, 6))
    found = ratio_test(dict(enumerate(own / other)))
    expected = stats.ttest_rel(np.log(own), np.log(other))
    interval = np.exp(expected.confidence_interval(0.95))
    np.testing.assert_allclose(
        [found.p, found.low, found.high, found.ratio],
        [expected.pvalue, *interval, stats.gmean(own / other)],
        rtol=1e-12,
    )
    assert found.effect_size * math.sqrt(6) == pytest.approx(expected.statistic)


@pytest.mark.parametrize(("ratios", "p"), [([1.0] * 3, 1.0), ([0.5] * 3, 0.0), ([0.5], math.nan), ([], math.nan)])
def test_ratios_that_do_not_differ_or_are_too_few_have_a_test(ratios, p):
    found = ratio_test(dict(enumerate(ratios)))
    assert found.p == pytest.approx(p, nan_ok=True) and math.isnan(found.effect_size) and found.n == len(ratios)


def test_a_run_has_reached_the_least_value_so_far(compared):
    rising = {"seconds": [1.0, 2.0, 4.0, 8.0], "loss": [1.0] * 4, "valid_judged": [0.9, 0.3, None, 0.5]}
    found = compared(method(GRAD_NORM, finals=[final(1, curve=rising)]), method(UNIFORM, seeds=[1]))
    assert found.target == 0.3 and found.times.seconds == {1: 2.0}


def test_times_to_the_worse_median_are_compared_pair_by_pair(compared):
    found = compared(method(GRAD_NORM, 2.0), method(UNIFORM))
    assert found.target == 0.02 and not found.times.censored and not found.uniform_times.censored
    assert found.uniform_times.seconds[2] == 8.0 and found.times.seconds[2] == 4.0 and found.time.ratios[2] == 0.5


def test_a_run_that_does_not_reach_the_target_counts_with_its_whole_time(compared):
    slow = method(UNIFORM, finals=[final(1, curve=curve(floor=0.2)), *(final(seed) for seed in range(2, 6))])
    found = compared(method(GRAD_NORM, 2.0), slow)
    assert found.uniform_times.censored == [1] and found.uniform_times.seconds[1] == SECONDS


def test_failures_count_against_importance_sampling_and_not_for_it(compared):
    own = method(GRAD_NORM, 2.0)
    own["finals"][0] |= {"problem": "diverged", "curve": curve(2.0)}
    found = compared(own, method(UNIFORM))
    assert found.failed == [1] and found.times.seconds[1] == SECONDS and found.time.n == 5
    other = method(UNIFORM)
    other["finals"][0]["problem"] = "diverged"
    found = compared(method(GRAD_NORM, 2.0), other)
    assert found.left_out == [1] and found.time.n == 4


def test_errors_of_zero_have_ratios(compared):
    perfect = method(GRAD_NORM, finals=[final(seed, 2.0, curve=curve(2.0, floor=0.0)) for seed in range(1, 6)])
    found = compared(perfect, method(UNIFORM))
    assert found.value.ratio == pytest.approx(0.5) and found.time.ratio < 1
    both = method(UNIFORM, finals=[final(seed, curve=curve(floor=0.0)) for seed in range(1, 6)])
    assert compared(perfect, both).value.ratio == 1.0


def test_a_target_that_is_reached_at_once_has_a_ratio(compared):
    flat = [final(seed, curve=curve(0.0)) for seed in range(1, 4)]
    found = compared(method(GRAD_NORM, finals=flat), method(UNIFORM, finals=flat))
    assert found.time.ratio == 1.0 and not found.learnt


def test_seeds_of_one_method_only_are_left_out(compared):
    found = compared(method(GRAD_NORM, 2.0, seeds=(1, 2, 3)), method(UNIFORM, seeds=(2, 3, 4)))
    assert found.left_out == [1, 4] and set(found.time.ratios) == {2, 3}


def test_a_curve_of_nulls_reaches_nothing(compared):
    empty = curve() | {"valid_judged": [None] * 21}
    found = compared(method(GRAD_NORM, finals=[final(1, curve=empty), final(2, 2.0)]), method(UNIFORM))
    assert found.failed == [1] and found.times.censored == [1]
    assert compared(method(GRAD_NORM), method(UNIFORM, finals=[final(1, curve=empty)])) is None


# answers


def test_it_pays(answer_on):
    found = answer_on(method(UNIFORM), method(GRAD_NORM, 2.0))
    assert found.kind == PAYS
    assert found.sentence == (
        "On letter.csv with 2 ranks importance sampling (gradient norm) reaches the validation error of tuned uniform "
        "sampling (2.00%) in 0.52 of its time (0.50 to 0.54, 5 seeds, p < 0.001)."
    )


def test_the_method_of_the_sentence_is_the_best_one_of_the_search(answer_on):
    found = answer_on(method(UNIFORM), method(GRAD_NORM, 3.0, searched=0.04), method(LOSS, 1.0, searched=0.03))
    assert found.chosen.method.name == "loss" and found.kind == DOES_NOT_PAY
    assert found.results["grad-norm"].kind == PAYS


def test_slower_is_no(answer_on):
    found = answer_on(method(UNIFORM), method(GRAD_NORM, 0.85))
    assert found.kind == DOES_NOT_PAY and "does not pay: to a validation error of 2" in found.sentence


def scattered(of, speeds):
    return method(of, finals=[final(seed, speed) for seed, speed in enumerate(speeds, start=1)])


def test_an_interval_about_one_is_undecided(answer_on):
    found = answer_on(method(UNIFORM), scattered(GRAD_NORM, [0.8, 1.6, 0.9, 1.8, 1.0]))
    assert found.kind == UNDECIDED and "it is undecided if" in found.sentence and "more seeds" in found.sentence


def plateau(speeds, floors, loss_speed=1.0):
    """Final runs that come to different levels, at their own times, with training losses of one speed."""
    curves = [curve(speed, floor) for speed, floor in zip(speeds, floors)]
    return [final(seed, curve=own | {"loss": curve(loss_speed + 0.01 * seed)["loss"]}) for seed, own in
            enumerate(curves, start=1)]  # fmt: skip


@pytest.mark.parametrize(
    ("speeds", "floors", "loss_speed", "kind"),
    [
        ([1, 2, 1, 2, 1], [0.024, 0.025, 0.026, 0.027, 0.025], 1.0, DOES_NOT_PAY),
        ([1, 2, 1, 2, 1], [0.02, 0.022, 0.018, 0.021, 0.019], 0.7, DOES_NOT_PAY),
        ([1, 2, 1, 2, 1], [0.02, 0.022, 0.018, 0.021, 0.019], 1.0, UNDECIDED),
        ([2, 2, 2, 2, 2], [0.02, 0.022, 0.018, 0.021, 0.019], 1.0, DOES_NOT_PAY),
    ],
)
def test_a_plateau_is_decided_by_what_is_reached_and_by_what_more_time_brings(
    answer_on, speeds, floors, loss_speed, kind
):
    uniform = plateau([6.0, 0.9, 2.0, 0.9, 3.0], [0.02] * 5)
    found = answer_on(method(UNIFORM, finals=uniform), method(GRAD_NORM, finals=plateau(speeds, floors, loss_speed)))
    assert found.chosen.judged.time.low < 0.9 and found.chosen.judged.time.high > 1
    assert found.kind == kind


def test_against_uniform_sampling_that_may_not_be_tuned_nothing_pays(answer_on):
    found = answer_on(method(UNIFORM, at_border=True), method(GRAD_NORM, 2.0))
    assert found.kind == UNDECIDED and "best settings of uniform sampling lie at the border" in found.sentence
    assert answer_on(method(UNIFORM), method(GRAD_NORM, 2.0, at_border=True)).kind == PAYS


def test_a_no_says_if_importance_sampling_may_not_be_tuned(answer_on):
    found = answer_on(method(UNIFORM), method(GRAD_NORM, 0.8, at_border=True))
    assert found.kind == DOES_NOT_PAY and "best settings of gradient norm lie at the border" in found.sentence


@pytest.mark.parametrize("fields", [{"possible_gain": 1.03}, {"switched_off": True}])
def test_where_nothing_is_to_be_gained_no_clear_difference_is_a_no(answer_on, fields):
    speeds = [0.8, 1.6, 0.9, 1.8, 1.0]
    unclear = [final(seed, speed, **fields) for seed, speed in enumerate(speeds, start=1)]
    assert answer_on(method(UNIFORM), method(GRAD_NORM, finals=unclear)).kind == DOES_NOT_PAY


def test_what_cannot_gain_does_not_pay_by_chance(answer_on):
    found = answer_on(method(UNIFORM), with_figures(GRAD_NORM, 2.0, possible_gain=1.03))
    assert found.kind == UNDECIDED and "perfect scores would be worth 1.03 times" in found.sentence


def test_one_seed_is_undecided(answer_on):
    found = answer_on(method(UNIFORM, seeds=[1]), method(GRAD_NORM, 2.0, seeds=[1]))
    assert found.kind == UNDECIDED and "one seed is too few" in found.sentence


def test_what_is_not_complete_is_undecided(answer_on):
    found = answer_on(method(UNIFORM), method(GRAD_NORM, 2.0), complete=False)
    assert found.kind == UNDECIDED and found.sentence.startswith("Not complete, so undecided; so far: On letter.csv")
    assert answer_on(method(UNIFORM, finals=[], trials=[], best={}), complete=False).kind == UNDECIDED


def test_shuffled_labels_never_pay(answer_on, rng):
    """Evaluations that are chance alone, on a level that nobody learns to leave: however often it is tried."""

    def guessing(of):
        finals = []
        for seed in range(1, 6):
            judged = rng.binomial(1000, 0.9, 21) / 1000
            finals.append(final(seed, curve=curve() | {"valid_judged": judged.tolist()}))
        return method(of, finals=finals)

    answers = [answer_on(guessing(UNIFORM), guessing(GRAD_NORM), guess=0.9) for _ in range(40)]
    assert {found.kind for found in answers} == {DOES_NOT_PAY}
    assert "nothing is learnt that holds on held-out data" in answers[0].sentence


def test_what_is_learnt_at_once_is_no_guess(answer_on):
    quick = [[final(seed, speed, curve=curve(speed, start=0.0205)) for seed in range(1, 6)] for speed in (1.0, 2.0)]
    found = answer_on(method(UNIFORM, finals=quick[0]), method(GRAD_NORM, finals=quick[1]), guess=0.9)
    assert found.kind == PAYS


def test_equal_methods_seldom_pay(answer_on, rng):
    """Both methods alike: the answer is yes in one of forty cases at most, as p < 0.05 on one side has it."""

    def alike(of):
        return scattered(of, np.exp(rng.normal(0.5, 0.3, 5)))

    assert sum(answer_on(alike(UNIFORM), alike(GRAD_NORM)).kind == PAYS for _ in range(40)) <= 3


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"noise_scale": 9.0}, "the noise scale is 9 examples, less than the minibatch of 16"),
        ({"possible_gain": 1.1, "variance_gain": 1.0}, "perfect scores would be worth 1.10 times the minibatch"),
        ({"possible_gain": 6.0, "variance_gain": 1.4}, "scores are too old: 210 steps; they are worth 1.4 times"),
        (
            {"steps_per_second": 20.0},
            "the trainer limits: it takes 320 examples a second, uniform sampling with 1 trainer 1 600",
        ),
        ({"wait_fraction": 0.5}, "the trainer spends 50% of its time waiting"),
        ({"switched_off": True}, "switched off by itself"),
        ({}, "no single cause shows in the figures (variance gain 3 of a possible 4, noise scale 5 000 examples"),
    ],
)
def test_an_answer_of_no_has_its_reason(answer_on, fields, reason):
    found = answer_on(method(UNIFORM), with_figures(GRAD_NORM, 0.8, **fields))
    assert found.kind == DOES_NOT_PAY and reason in found.sentence


def test_what_is_learnt_by_heart_does_not_pay(answer_on):
    faster = [final(seed, curve=curve(0.9) | {"loss": curve(2 + 0.1 * seed)["loss"]}) for seed in range(1, 6)]
    found = answer_on(method(UNIFORM), method(GRAD_NORM, finals=faster))
    assert found.kind == DOES_NOT_PAY and "what is learnt sooner does not generalise better" in found.sentence


# files


def test_latex_escapes_what_it_would_take_for_a_command():
    assert tables.latex(r"50 % of a_b & {c} $x$ #1 \d ~^ –") == (
        r"50 \% of a\_b \& \{c\} \$x\$ \#1 \textbackslash{}d \textasciitilde{}\textasciicircum{} --"
    )


def test_a_report_has_outcome_tables_and_page(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason='pip install "isgd_mpi[report]"')
    nasty = UNIFORM | {"label": "uniform <script> | a_b"}
    failed = method(GRAD_NORM, 2.0, at_border=True)
    failed["finals"][4] |= {"problem": "the loss is not finite"}
    folder = write(tmp_path / "out", method(nasty), failed, method(LOSS, seeds=[]))
    page = write_pays_report(folder)
    bytes_of = {path.name: path.read_bytes() for path in page.parent.iterdir()}
    assert main([str(folder)]) == DONE and capsys.readouterr().out.strip() == str(page)
    assert bytes_of == {path.name: path.read_bytes() for path in page.parent.iterdir()} and len(bytes_of) == 7
    text = page.read_text()
    assert "<script" not in text and text.count("<img ") == 3 and "seed 5 failed (the loss is not finite)" in text
    outcome = json.loads((folder / "outcome.json").read_text())
    assert outcome["sentence"] == answer(read_record(folder)).sentence
    assert outcome["comparisons"]["grad-norm"]["judged"]["failed"] == [5]
    assert len((folder / "table.csv").read_text().splitlines()) == 4
    rows = (folder / "table.md").read_text().splitlines()
    assert len(rows) == 5 and "uniform <script> \\| a_b" in rows[2]
    assert (folder / "table.tex").read_text().count(r"\\" + "\n") == 4
    print_outcome(folder)
    assert outcome["sentence"] in (printed := capsys.readouterr().out) and printed.endswith(f"{page}\n")


def test_without_matplotlib_all_but_the_figures_is_written(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "isgd_mpi.report.pays.figures", raising=False)
    monkeypatch.delitem(sys.modules, "isgd_mpi.report.curves", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.lines", None)
    folder = write(tmp_path, method(UNIFORM), method(GRAD_NORM, 2.0))
    page = write_pays_report(folder)
    assert "pip install" in page.read_text() and (folder / "table.csv").exists()
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]


_BEST = {"minibatch_size": "x", "lr": 0.1, "trainers": 1}


@pytest.mark.parametrize(
    "broken",
    [{"format": 2}, {"methods": [{"name": "x"}]}, {"methods": [method(UNIFORM) | {"best": _BEST}]}, {"ranks": None}],
)
def test_a_damaged_record_is_named(tmp_path, broken, capsys):
    folder = write(tmp_path, method(UNIFORM), **broken)
    with pytest.raises(InputError, match="pays.json"):
        read_record(folder)
    assert main([str(folder)]) == BAD_INPUT and len(capsys.readouterr().err.splitlines()) == 1


def test_curves_of_different_lengths_are_named(tmp_path):
    short = [final(1, curve=curve() | {"loss": [1.0]})]
    with pytest.raises(InputError, match="curve loss has 1 points"):
        read_record(write(tmp_path, method(UNIFORM, finals=short)))
