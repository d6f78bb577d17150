"""Draw what a run says of single examples: the hardest ones, the concentration of the norms, confusions."""

import numpy as np

from isgd_mpi.data.files import read_intact_json
from isgd_mpi.report.curves import label_of, looks_of
from isgd_mpi.report.examples import SHOWN, TITLES, examples_of, image_shape, picture
from isgd_mpi.report.scores import TOP, class_shares, hardest, lorenz, read_scores
from isgd_mpi.report.style import COLOURS, new_figure, plain

_ACROSS = 8  # pictures in a row
_MOST_PANELS = 4
_MOST_BARS = 40  # classes whose shares are drawn
_MOST_NUMBERED = 16  # classes of a confusion matrix with numbers in it
_POINTS = 500  # of a curve


def pictures(study, split):
    """Draw the hardest examples of a split; return None if no run has their scores, or they are no images."""
    found = examples_of(study)
    shape = found and image_shape(found.dataset)
    if not shape or split not in found.scores.splits:
        return None
    columns, images = found.scores.splits[split], found.dataset.splits[split].images
    chosen = hardest(columns, SHOWN)
    n_rows = -(-len(chosen) // _ACROSS)
    figure, axes = new_figure(n_rows, _ACROSS, 1.7 * n_rows)
    figure.get_layout_engine().set(rect=(0, 0, 1, 0.985))  # room for the captions of the first row
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, example in zip(axes.flat, chosen):
        panel.imshow(picture(images[example], *shape), cmap="gray_r", vmin=0, vmax=1)
        panel.set_title(_caption(found.scores, columns, example), fontsize=8)
    return figure


def _caption(scores, columns, example):
    """Return number, label, prediction and loss of an example."""
    answer = f" → {scores.text(columns['prediction'][example])}" if "prediction" in columns else ""
    text = f"{scores.text(columns['label'][example])}{answer}"
    return f"{example}\n{plain(text)}\nloss {columns['loss'][example]:.3g}"


def concentration(study):
    """Draw the Lorenz curve of the norms of each group's first run, and the classes of the largest ones."""
    scores = {group: found for group in study.groups if (found := _first(group.runs)) is not None}
    if not scores:
        return None
    first = next(iter(scores.values()))
    with_bars = 1 < len(first.classes) <= _MOST_BARS
    figure, axes = new_figure(1, 2, 4.2)
    looks = looks_of(study.groups)
    for group, found in scores.items():
        _draw_lorenz(axes[0, 0], found, label_of(group) if len(scores) > 1 else "norms", looks[group])
    axes[0, 0].plot([0, 100], [0, 100], color="#888888", linewidth=0.8)
    axes[0, 0].set_xlabel("training examples, smallest norm first / %")
    axes[0, 0].set_ylabel("share of the sum of all norms / %")
    axes[0, 0].legend(loc="upper left")
    if with_bars:
        _draw_shares(axes[0, 1], first)
    else:
        axes[0, 1].set_axis_off()
    return figure


def _first(runs):
    """Return the scores of the first run that has some, of a complete one if possible."""
    ordered = sorted(runs, key=lambda run: not run.complete)
    return next((found for run in ordered if (found := read_scores(run.folder)) is not None), None)


def _draw_lorenz(axes, scores, name, appearance):
    shares, gini = lorenz(scores.splits["train"]["grad_norm"])
    at = np.unique(np.linspace(0, len(shares) - 1, _POINTS).astype(int))
    line = {key: appearance[key] for key in ("color", "linestyle")}
    axes.plot(100 * at / max(1, len(shares) - 1), 100 * shares[at], label=f"{name}: Gini {gini:.2f}", **line)


def _draw_shares(axes, scores):
    """Draw the share of each class in the training set and among the largest norms, as bars."""
    of_all, of_top = 100 * class_shares(scores.splits["train"], len(scores.classes))
    places = np.arange(len(of_all))
    axes.bar(places - 0.2, of_all, 0.4, color="#bbbbbb", label="of the training set")
    axes.bar(places + 0.2, of_top, 0.4, color=COLOURS[1], label=f"of the {TOP:.0%} with the largest norms")
    names = [plain(name)[:20] for name in scores.classes]
    axes.set_xticks(places, names, rotation=90 if max(map(len, names)) * len(names) > 40 else 0)
    axes.set_ylabel("share of each class / %")
    axes.set_ylim(0, 1.25 * max(of_all.max(), of_top.max()))
    axes.legend(loc="upper left")


def confusion(study):
    """Draw the confusion matrices of the test sets of the first groups; of one group alone that of training, too."""
    panels = [(group, matrices) for group in study.groups if (matrices := _matrices(group))][:_MOST_PANELS]
    n_each = 2 if len(panels) == 1 else 1
    chosen = [(group, split, rows) for group, matrices in panels for split, rows in list(matrices.items())[:n_each]]
    if not chosen:
        return None
    n_rows = -(-len(chosen) // 2)
    figure, axes = new_figure(n_rows, 2, 4.6 * n_rows)
    for panel in axes.flat[len(chosen) :]:
        panel.set_axis_off()
    for panel, (group, split, rows) in zip(axes.flat, chosen):
        _draw_matrix(figure, panel, list(rows), _counts(rows))
        panel.set_title(f"{label_of(group)}: {TITLES[split]} set")
    return figure


def _matrices(group):
    """Return the confusions that a group's first complete run tells, by split; held-out ones first."""
    summary = read_intact_json(group.complete[0].folder / "summary.json") if group.complete else None
    found = {}
    for split in ("test", "valid", "train"):
        figures = (summary or {}).get(split)
        rows = figures.get("confusion") if isinstance(figures, dict) else None
        if isinstance(rows, dict) and rows and all(isinstance(row, dict) for row in rows.values()):
            found[split] = rows
    return {split: found[split] for split in ("test", "train", "valid") if split in found}


def _counts(rows):
    counts = [[row.get(name, 0) for name in rows] for row in rows.values()]
    return np.array([[n if isinstance(n, (int, float)) else 0 for n in row] for row in counts], np.float64)


def _draw_matrix(figure, axes, names, counts):
    """Draw mistakes in colour, as shares of the true class, and the right answers without."""
    of_row = counts.sum(axis=1, keepdims=True)
    shares = 100 * np.divide(counts, of_row, out=np.zeros_like(counts), where=of_row > 0)
    mistakes = np.ma.masked_array(shares, np.eye(len(names), dtype=bool))
    axes.set_facecolor("#dddddd")
    image = axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=max(1e-9, float(mistakes.max() or 0)))
    figure.colorbar(image, ax=axes, label="mistakes / % of the true class", shrink=0.8, pad=0.02)
    labels = [plain(name)[:16] for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=90 if max(map(len, labels)) > 2 else 0)
    axes.set_yticks(range(len(names)), labels)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.grid(False)
    if len(names) <= _MOST_NUMBERED:
        limit = 0.6 * float(mistakes.max() or 0)
        for (row, column), n in np.ndenumerate(counts):
            if n:
                dark = row != column and shares[row, column] > limit
                axes.text(
                    column, row, f"{n:.4g}", ha="center", va="center", fontsize=8, color="white" if dark else "black"
                )
