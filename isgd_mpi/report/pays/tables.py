"""Make a table with a row for each method: as texts for people, CSV, Markdown and LaTeX."""

import csv
import io

from isgd_mpi.report.pays.answer import p_words
from isgd_mpi.report.pays.comparison import reached
from isgd_mpi.report.pays.reasons import digits, median_of
from isgd_mpi.report.pays.record import AXES
from isgd_mpi.report.statistics import quartiles

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "–": "--",
        "Σ": r"$\Sigma$",
        "×": r"$\times$",
        "λ": r"$\lambda$",
        "\n": " ",
    }
)
_FIGURES = {
    # of a final run: heading, factor
    "variance_gain": ("variance gain", 1),
    "possible_gain": ("possible gain", 1),
    "noise_scale": ("noise scale / examples", 1),
    "staleness": ("staleness / steps", 1),
    "steps_per_second": ("steps/s", 1),
    "wait_fraction": ("waiting / %", 100),
    "memory_bytes": ("memory / MB", 1e-6),
}


def spread(values, factor=1.0):
    """Return median and quartiles of some numbers as a text; a dash if none is known."""
    return spread_of(quartiles(values), factor)


def spread_of(found, factor=1.0):
    """Return quartiles as a text."""
    low, median, high, n = found
    if not n:
        return "–"
    text = digits_or_zero(median * factor)
    return text if n < 2 else f"{text} ({digits_or_zero(low * factor)} – {digits_or_zero(high * factor)})"


def digits_or_zero(value):
    """Return a number with three digits; 0 as 0."""
    return digits(value) if abs(value) >= 100 else f"{value:.3g}"


def digits_or_dash(value):
    """Return a number as one says it; a dash if it is NaN."""
    return "–" if value != value else digits(value)


def ratio_words(test):
    """Return a ratio with its interval, or a dash."""
    if test is None or not test.n:
        return "–"
    return f"{test.ratio:.2f}" + (f" ({test.low:.2f} – {test.high:.2f})" if test.n > 1 else "")


def _reached(method):
    """Return the quartiles of what a method's complete runs reach."""
    return quartiles(reached(final, "valid_judged") for final in method.complete)


def settings_table(found):
    """Return head and rows of the best settings, and of what was spent on finding them."""
    head = ["method", *(name.replace("_", " ") for name in AXES), "at the border", "runs searched", "search / s"]
    rows = [
        [
            method.label,
            *(text_of(method.best.get(name)) for name in AXES),
            "yes" if method.at_border else "no",
            str(len(method.trials)),
            digits_or_dash(method.search_seconds),
        ]
        for method in found.record.methods
    ]
    return head, rows


def text_of(value):
    """Return a setting as a text."""
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def equal_time_table(found):
    """Return head and rows of what each method has at equal time: medians and quartiles over its runs."""
    measure, record = found.record.measure, found.record
    head = ["method", "complete", f"{measure.label}, reached", f"{measure.label}, at the end",
            f"training loss / {measure.loss_unit}", f"test {_without_split(measure.label)}",
            *(heading for heading, _ in _FIGURES.values())]  # fmt: skip
    rows = []
    for method in record.methods:
        figures = [spread(method.values(name), factor) for name, (_, factor) in _FIGURES.items()]
        complete = f"{len(method.complete)} of {len(method.finals)}"
        rows.append([
            method.label, complete, spread_of(_reached(method), measure.factor),
            spread(method.last("valid_judged"), measure.factor), spread(method.last("loss")),
            spread(method.tests(), measure.factor), *figures,
        ])  # fmt: skip
    return head, rows


def _without_split(label):
    return label.removeprefix("validation ")


def tests_table(found):
    """Return head and rows of each method's comparison with uniform sampling."""
    measure = found.record.measure
    head = ["method", "answer", f"target: {measure.label}", "reached it", "uniform sampling reached it",
            "time ratio (95 %)", "p", "Cohen's d", "ratio of what is reached (95 %)", "p",
            "time ratio by training loss (95 %)", "p"]  # fmt: skip
    rows = []
    for result in found.results.values():
        judged, loss = result.judged, result.loss
        if judged is None:
            rows.append([result.method.label, result.kind, *["–"] * (len(head) - 2)])
            continue
        n = judged.time.n
        reached = [f"{n - len(times.censored)} of {n}" for times in (judged.times, judged.uniform_times)]
        rows.append([
            result.method.label, result.kind, digits_or_zero(judged.target * measure.factor), *reached,
            ratio_words(judged.time), _p(judged.time), digits_or_dash(judged.time.effect_size),
            ratio_words(judged.value), _p(judged.value), ratio_words(loss and loss.time), _p(loss and loss.time),
        ])  # fmt: skip
    return head, rows


def _p(test):
    return p_words(test.p).removeprefix("p = ").removeprefix("p ") if test and test.n > 1 else "–"


def summary_table(found):
    """Return head and rows of the table that is handed out: a row for each method, with what a paper would print."""
    settings, ends, tests = (table(found) for table in (settings_table, equal_time_table, tests_table))
    by_label = {row[0]: row for row in tests[1]}
    head = [*settings[0][:4], *ends[0][1:], "time ratio (95 %)", "p", "Cohen's d", "answer"]
    rows = []
    for method, setting, end in zip(found.record.methods, settings[1], ends[1]):
        test = by_label.get(method.label)
        figures = [digits_or_dash(factor * median_of(method, name)) for name, (_, factor) in _FIGURES.items()]
        rows.append(
            [
                *setting[:4],
                *end[1 : -len(figures)],
                *figures,
                *([*test[5:8], test[1]] if test else ["1", "–", "–", "compared with"]),
            ]
        )
    return head, rows


def terminal_table(found):
    """Return head and rows of the table for the terminal."""
    measure = found.record.measure
    head = ["method", "best", measure.label, "test", "gain", "time ratio (95 %)", "answer"]
    rows = []
    for method in found.record.methods:
        result = found.results.get(method.name)
        best = ", ".join(text_of(method.best.get(name)) for name in AXES if name in method.best) or "–"
        rows.append([
            method.label, best, spread_of(_reached(method), measure.factor), spread(method.tests(), measure.factor),
            spread(method.values("variance_gain")), ratio_words(result and result.judged and result.judged.time),
            result.kind if result else "compared with",
        ])  # fmt: skip
    return head, rows


def as_markdown(head, rows):
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_markdown, line))} |\n" for line in lines)


def _markdown(text):
    return text.replace("|", "\\|").replace("\n", " ")


def as_latex(head, rows):
    """Return a table in LaTeX; it needs the package booktabs."""
    lines = [r"\begin{tabular}{l" + "r" * (len(head) - 1) + "}", r"\toprule", _latex_line(head), r"\midrule"]
    return "\n".join([*lines, *map(_latex_line, rows), r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_line(texts):
    return " & ".join(map(latex, texts)) + r" \\"


def latex(text):
    """Return a text with all that LaTeX would take for a command escaped."""
    return text.translate(_LATEX)


def as_csv(found):
    """Return the table as CSV: numbers without rounding, a column each for low, median and high."""
    rows = [_numbers(method, found) for method in found.record.methods]
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _numbers(method, found):
    """Return the numbers of a method by column; what is unknown is left empty."""
    result = found.results.get(method.name)
    row = {"data": found.record.data, "ranks": found.record.ranks, "seconds": found.record.seconds}
    row |= {"method": method.name, "label": method.label}
    row |= {name: method.best.get(name) for name in AXES} | {"at_border": method.at_border}
    row |= {"runs": len(method.finals), "failed": len(method.failed)}
    row |= _three("reached", _reached(method))
    row |= _three("valid_judged", quartiles(method.last("valid_judged")))
    row |= _three("training_loss", quartiles(method.last("loss")))
    row |= _three("test_judged", quartiles(method.tests()))
    for name in _FIGURES:
        row[name] = median_of(method, name)
    for name in ("judged", "loss"):
        one = getattr(result, name, None)
        row[f"target_{name}"] = one and one.target
        for figure in ("ratio", "low", "high", "p", "effect_size", "n"):
            row[f"time_ratio_{name}_{figure}"] = one and getattr(one.time, figure)
    row["answer"] = result.kind if result else None
    return {name: "" if value is None or value != value else value for name, value in row.items()}


def _three(name, found):
    return {f"{name}_{part}": getattr(found, part) for part in ("low", "median", "high")}
