"""The report as a whole: the page, what it escapes, what it refuses to replace, and that a browser shows it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from run_folders import SUMMARY, evaluation, ordinary_lines, refresh, write_run

from isgd_mpi.report.__main__ import main
from isgd_mpi.report.write import write_report
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE

pytest.importorskip("matplotlib", reason='pip install "isgd_mpi[report]"')

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NASTY = "<script>alert('$x_1$')</script> & \"$\\frac{\" \ud800"


def write_experiment(folder):
    """An experiment with everything that a report can show, and a run of each unfortunate kind."""
    diverged = SUMMARY | {"stopped": "the loss is not finite at step 50", "steps": 50}
    switch = {"kind": "event", "step": 60, "seconds": 6.0, "message": "switch: off"}
    beside = {"compat_trace_in_use": 2.0, "predictor_correlation": 0.5}
    lines = [line | beside if line["kind"] == "refresh" else line for line in ordinary_lines()]
    for seed in range(3):
        write_run(folder / f"is-{seed}", [*lines, switch, refresh(100, in_use=-1.0)], seed=seed, mixture=0.1)
        write_run(folder / f"sgd-{seed}", ordinary_lines(0.3), seed=seed, score="uniform", spans=False)
    write_run(folder / "is-3", [line for line in lines if line["step"] <= 50], diverged, seed=3, mixture=0.1)
    write_run(folder / "new", [], summary=None, spans=False, comment=NASTY[:-1])
    with open(folder / "new" / "metrics.jsonl", "a") as file:
        file.write('{"kind": "ref')
    groups = [
        {"label": NASTY, "options": {"mixture": 0.1}, "x": 0.1, "runs": [f"is-{n}" for n in range(5)]},
        {"label": "_uniform", "x": None, "runs": [f"sgd-{seed}" for seed in range(3)]},
        {"label": "new", "x": 0.0, "runs": ["new"]},
    ]
    texts = dict.fromkeys(("title", "question", "command", "x_label"), NASTY)
    (folder / "experiment.json").write_text(json.dumps(texts | {"notes": [NASTY], "groups": groups}))
    return folder


PROBE = """<script>onload = () => {
    const page = document.documentElement, measured = document.body.dataset;
    measured.widths = [...document.images].map(image => image.naturalWidth).join(" ");
    measured.overflow = page.scrollWidth - page.clientWidth;
}</script></body>"""


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """The report on that experiment; it is only read."""
    folder = write_experiment(tmp_path_factory.mktemp("experiment"))
    return write_report([folder])


def test_a_report_is_a_page_and_its_figures(everything):
    names = {path.name for path in everything.parent.iterdir()}
    figures = {"loss-seconds", "loss-steps", "traces", "variance-gain", "predictor", "versus", "final", "per-second"}
    assert names == {"index.html"} | {f"{name}.{kind}" for name in figures | {"timeline"} for kind in ("png", "svg")}
    assert everything.read_text().count("<img ") == len(figures) + 1
    assert not [path for path in everything.parent.parent.iterdir() if path.name.startswith(".")]


def test_the_page_needs_nothing_else(everything):
    page = everything.read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:image/png;base64,)", page)
    assert "url(" not in page and "@import" not in page


def test_what_comes_from_files_is_escaped(everything):
    page = everything.read_text()
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&#x27;$x_1$&#x27;)&lt;/script&gt; &amp; &quot;$\\frac{&quot; ?") >= 7


def test_no_run_is_dropped_in_silence(everything):
    page = everything.read_text()
    for text in ("is-3 (diverged: the loss is not finite at step 50)", "is-4 (not there)", "new (incomplete:"):
        assert f"{text}" in page
    assert "the last line is cut off" in page and "is-0: trace_in_use is negative at 1 refreshes" in page
    assert page.count("<td>not there</td>") == 1


def test_the_results_are_medians_and_quartiles(everything):
    rows = re.findall(r"<tr>(.*?)</tr>", everything.read_text())
    uniform = next(re.findall("<td>(.*?)</td>", row) for row in rows if row.startswith("<td>_uniform"))
    assert uniform[1:4] == [
        "3",
        "3 of 3",
        "3<br><small>3 – 3</small>",
    ]  # test error: a tenth of 0.3


def test_a_report_is_the_same_when_it_is_written_again(tmp_path):
    run = write_run(tmp_path / "run")
    written = []
    for _ in range(2):
        page = write_report([run], tmp_path / "out")
        written.append({path.name: path.read_bytes() for path in page.parent.iterdir()})
    assert written[0] == written[1]


@pytest.mark.parametrize("lines", [[], [refresh(10, in_use=None)], [evaluation(10, None)], [evaluation(10, 0.0)]])
def test_a_run_with_next_to_nothing_has_a_report(tmp_path, lines):
    page = write_report([write_run(tmp_path / "run", lines, summary=None, spans=False)]).read_text()
    assert "incomplete" in page and "no verdict" in page


def test_numbers_of_any_size_are_drawn(tmp_path):
    lines = [refresh(step, in_use=value) for step, value in ((10, 1e-300), (20, 1e149), (30, 0.0))]
    lines += [evaluation(step, value) for step, value in ((10, 1e149), (20, 1e-300), (30, -1.0))]
    page = write_report([write_run(tmp_path / "run", lines)])
    assert page.stat().st_size > 0 and list(page.parent.glob("*.png"))


@pytest.mark.parametrize(
    "make",
    [
        lambda out: out.write_text("a file"),
        lambda out: (out.mkdir(), (out / "thesis.tex").write_text("years of work")),
        lambda out: (out.mkdir(), (out / "index.html").write_text("another page")),
        lambda out: out.symlink_to(out.parent),
    ],
)
def test_only_a_report_is_replaced(tmp_path, make, capsys):
    run = write_run(tmp_path / "run")
    make(tmp_path / "out")
    assert main([str(run), "--out", str(tmp_path / "out")]) == BAD_INPUT
    assert "is not a report, so it is not replaced" in capsys.readouterr().err


def test_a_report_with_a_strange_file_in_it_is_not_replaced(tmp_path):
    page = write_report([write_run(tmp_path / "run", [])])
    (page.parent / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="it holds notes.txt"):
        write_report([tmp_path / "run"])


def test_a_report_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run", [])
    page = write_report([run])
    before = page.read_bytes()
    monkeypatch.setattr("isgd_mpi.report.write.render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report([run])
    assert page.read_bytes() == before and not list(run.glob(".report*"))


def test_the_command_prints_where_the_page_is(tmp_path, capsys):
    run = write_run(tmp_path / "run", [])
    assert main([str(run)]) == DONE
    assert Path(capsys.readouterr().out.strip()) == run / "report" / "index.html"


@pytest.mark.parametrize("arguments", [["nowhere"], [], ["--format", "pdf"]])
def test_bad_usage_is_one_line(arguments, capsys):
    assert main(arguments) == BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 1


def test_without_matplotlib_it_says_how_to_get_it(tmp_path):
    program = (
        "import sys; sys.modules['matplotlib'] = None; from isgd_mpi.report.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == BAD_INPUT
    assert done.stderr.count("\n") == 1 and 'pip install "isgd_mpi[report]"' in done.stderr


def test_matplotlib_is_imported_only_when_figures_are_drawn():
    program = "import sys, isgd_mpi.experiment.__main__, isgd_mpi.report.write; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def browse(page, profile):
    """Load a page; return its document and what the browser said."""
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr --window-size=1100,800 --dump-dom"
    )
    done = subprocess.run(
        [CHROMIUM, *options.split(), f"--user-data-dir={profile}", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")
def test_a_browser_shows_every_figure_without_complaint(everything, tmp_path):
    document, said = browse(everything, tmp_path / "profile")
    assert "CONSOLE" not in said and "What each rank did" in document
    page = everything.read_text()
    # only this copy may run a script: the page itself forbids that
    copy = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", PROBE)
    (tmp_path / "copy.html").write_text(copy)
    document, said = browse(tmp_path / "copy.html", tmp_path / "profile")
    assert "CONSOLE" not in said
    widths = np.array(re.search('data-widths="(.*?)"', document)[1].split(), int)
    assert len(widths) == page.count("<img ") and (widths > 1000).all()
    assert re.search('data-overflow="(.*?)"', document)[1] == "0"
