"""Draw the hardest test digits of MNIST, of a run whose list is kept: ``python docs/figures/hardest_digits.py``.

``python docs/figures/hardest_digits.py RUN`` first keeps those of a run, which was
``mpirun -n 2 python -m isgd_mpi --data mnist --epochs 5 --save-scores --run-dir RUN``. The pictures are those that come
with the package: MNIST's test file.
"""

import gzip
import json
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np

from isgd_mpi.report.examples import SHOWN, picture
from isgd_mpi.report.scores import hardest, read_scores
from isgd_mpi.report.style import house_style, new_figure

HERE = Path(__file__).parent
KEPT = HERE / "data" / "hardest-digits.json"
ACROSS = 8


def main(arguments, folder=HERE):
    """Keep the hardest digits of a run, if one is given, and draw them into a folder."""
    if arguments:
        KEPT.write_text(json.dumps(digits_of(Path(arguments[0])), indent=1) + "\n")
    with house_style():
        draw(json.loads(KEPT.read_text())).savefig(folder / "hardest-digits.png", dpi=110, metadata={"Software": None})


def digits_of(run):
    """Return number, label, prediction and loss of each of the hardest test digits, ready for JSON."""
    columns = read_scores(run).splits["test"]
    return [
        {"number": int(k), "label": int(columns["label"][k]), "prediction": int(columns["prediction"][k]),
         "loss": float(f"{columns['loss'][k]:.3g}")}
        for k in hardest(columns, SHOWN)
    ]  # fmt: skip


def draw(digits):
    """Return the figure: a picture of each digit, with what is known of it above."""
    packed = files("isgd_mpi").joinpath("data", "mnist10k", "t10k-images-idx3-ubyte.gz").read_bytes()
    images = np.frombuffer(gzip.decompress(packed), np.uint8, offset=16).reshape(-1, 784)
    n_rows = -(-len(digits) // ACROSS)
    figure, axes = new_figure(n_rows, ACROSS, 1.7 * n_rows)
    figure.get_layout_engine().set(rect=(0, 0, 1, 0.985))  # room for the captions of the first row
    for panel, digit in zip(axes.flat, digits):
        panel.set_axis_off()
        panel.imshow(picture(images[digit["number"]], (28, 28), False), cmap="gray_r", vmin=0, vmax=1)
        text = f"{digit['number']}\n{digit['label']} → {digit['prediction']}\nloss {digit['loss']:.3g}"
        panel.set_title(text, fontsize=8)
    return figure


if __name__ == "__main__":
    main(sys.argv[1:])
