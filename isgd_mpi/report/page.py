"""Render the HTML page: one file that needs no other. Every text that comes from a file is escaped."""

import base64
from html import escape
from importlib.resources import files
from string import Template

from isgd_mpi.report import series
from isgd_mpi.report.runs import SPLITS
from isgd_mpi.report.statistics import quartiles
from isgd_mpi.report.study import differing_options, text_of
from isgd_mpi.report.verdicts import verdict

GENERATOR = '<meta name="generator" content="isgd_mpi.report">'
"""The mark of a page that this module rendered: no other page is replaced."""

_NOT_SHOWN = ("run_dir", "quiet", "tensorboard", "data_dir", "seed")


def render(study, figures, notes, tables=()):
    """Return the page as text.

    Parameters
    ----------
    study : study.Study
    figures : list of (str, str, pathlib.Path)
        Heading, explanation, PNG file.
    notes : list of str
        Shown at the end of the page.
    tables : list of examples.Section
        Shown after the figures.
    """
    body = _template("runs.html").substitute(
        title=escape(study.title),
        introduction=_introduction(study),
        verdicts="\n".join(_verdict(group, study.groups) for group in study.groups),
        results=_results(study),
        figures="\n".join(figure_tag(*figure) for figure in figures) or "<p>There is nothing to draw yet.</p>",
        tables="\n".join(map(_section, tables)),
        runs=_runs(study),
        conditions=_conditions(study),
        notes=list_of("Notes", notes),
    )
    return frame(study.title, body)


def frame(title, body):
    """Return a page as text: head and style around a body that is HTML already."""
    return _template("page.html").substitute(title=escape(title), body=body)


def _template(name):
    return Template(files("isgd_mpi.report").joinpath(name).read_text(encoding="utf-8"))


def table(head, rows):
    """Return an HTML table of texts, which are escaped."""
    parts = ["".join(f"<th>{escape(text)}</th>" for text in head)]
    parts += ["".join(f"<td>{_lines(text)}</td>" for text in row) for row in rows]
    return '<div class="scroll"><table>\n' + "\n".join(f"<tr>{part}</tr>" for part in parts) + "\n</table></div>"


def _lines(text):
    first, *others = escape(text).split("\n")
    return first + "".join(f"<br><small>{line}</small>" for line in others)


def figure_of(value, scale=1.0):
    """Return a number with three digits, or a dash if it is NaN."""
    if value != value:
        return "–"
    value *= scale
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values, scale=1.0):
    """Return median and quartiles of some numbers in two lines, with the number of known ones if not all are."""
    low, median, high, n = quartiles(values)
    if n < 2:
        return figure_of(median, scale)
    few = f" (of {n})" if n < len(values) else ""
    return f"{figure_of(median, scale)}{few}\n{figure_of(low, scale)} – {figure_of(high, scale)}"


def _introduction(study):
    parts = [f"<p><em>{escape(study.question)}</em></p>"] if study.question else []
    parts += [f"<p>{escape(note)}</p>" for note in study.notes]
    if study.command:
        parts.append(f"<pre>{escape(study.command)}</pre>")
    return "\n".join(parts)


def _verdict(group, groups):
    kind, text = verdict(group, groups)
    words = f"<p><strong>{escape(group.label)}</strong>: {escape(text)}</p>"
    return f'<div class="verdict {kind.replace(" ", "-")}">{words}{_failures(group)}</div>'


def _failures(group):
    """Return a line about the runs of a group that are not in its medians, or nothing if there are none."""
    failed = [f"{run.name} ({run.status})" for run in group.runs if not run.complete]
    failed += [f"{name} (not there)" for name in group.missing]
    return f'<p class="small">Not counted: {escape("; ".join(failed))}.</p>' if failed else ""


def _results(study):
    """Return a table with a row for each group: medians and quartiles over its complete runs."""
    splits = [split for split in SPLITS if any(split in run.evaluations for run in study.runs)]
    judge = study.measure
    measures = {
        f"{split} {judge.label}": (lambda run, split=split: series.late(run, split, "measured"), judge.factor)
        for split in splits[::-1]
    }
    measures |= {
        f"last training loss / {judge.loss_unit}": (series.final_loss, 1),
        "variance gain": (lambda run: run.totals["variance_gain"], 1),
        "effective minibatch": (lambda run: run.totals["effective_minibatch"], 1),
        "distinct examples": (lambda run: run.totals["distinct_examples"], 1),
        "noise scale": (lambda run: run.totals["noise_scale"], 1),
        "Tr Σ in use / uniform": (series.final_ratio, 1),
        "exchange / % of trainer's time": (lambda run: run.totals["wait_fraction"], 100),
        "steps/s": (lambda run: run.totals["steps_per_second"], 1),
        "training time / s": (lambda run: run.totals["seconds"], 1),
    }
    rows = []
    for group in study.groups:
        values = [spread(list(map(measure, group.complete)), scale) for measure, scale in measures.values()]
        rows.append([group.label, text_of(group.ranks), group.count, *values])
    return table(["group", "ranks", "complete", *measures], rows)


def _runs(study):
    """Return a table with a row for each run, and the options in which the runs differ."""
    differing = differing_options([run.options for run in study.runs])
    names = ["seed", "ranks", *(name for name in differing if name != "ranks")]
    results = ["status", "steps", "time / s", "last training loss", f"test {study.measure.label}"]
    rows = []
    for group in study.groups:
        rows += [_row(run, group, names) for run in group.runs]
        rows += [[name, group.label, *[""] * len(names), "not there", "", "", "", ""] for name in group.missing]
    return table(["run", "group", *names, *results], rows)


def _row(run, group, names):
    steps = run.totals["steps"] if run.totals["steps"] > 0 else run.refreshes["step"].max(initial=0)
    seconds = run.totals["seconds"] if run.totals["seconds"] > 0 else run.refreshes["seconds"].max(initial=0)
    return [
        run.name,
        group.label,
        *(text_of(run.options.get(name)) for name in names),
        run.status,
        f"{steps:.0f}",
        figure_of(seconds),
        figure_of(series.final_loss(run)),
        figure_of(series.late(run, "test", "measured"), run.measure.factor),
    ]


def _conditions(study):
    """Return a table of the options that all runs have in common, and of the machines and versions."""
    hidden = {*differing_options([run.options for run in study.runs]), *_NOT_SHOWN}
    rows = [(name, text_of(value)) for name, value in study.runs[0].options.items() if name not in hidden]
    machines = {name: _distinct(study.runs, name) for name in ("processor", "mpi_library", "git_revision")}
    rows += [(name.replace("_", " "), text) for name, text in machines.items() if text]
    return "<h2>In common</h2>\n" + table(["option", "value"], rows)


def _distinct(runs, name):
    values = {str(run.environment[name]) for run in runs if run.environment.get(name) is not None}
    return "; ".join(sorted(values))


def figure_tag(heading, explanation, path):
    """Return a figure with its picture in it."""
    content = base64.b64encode(path.read_bytes()).decode()
    image = f'<img alt="{escape(heading)}" src="data:image/png;base64,{content}">'
    return f"<figure><h3>{escape(heading)}</h3>{image}<figcaption>{escape(explanation)}</figcaption></figure>"


def _section(section):
    heading, explanation, head, rows = section
    return f'<h3>{escape(heading)}</h3>\n<p class="small">{escape(explanation)}</p>\n{table(head, rows)}'


def list_of(heading, texts):
    """Return a heading and a list of texts, or nothing if there are none."""
    if not texts:
        return ""
    return f"<h2>{heading}</h2>\n<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"
