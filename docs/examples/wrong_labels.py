"""Write a data set with some wrong training labels: python docs/examples/wrong_labels.py mnist 0.2 wrong.npz.

Each training label is replaced with the given probability by another class, all of which are as likely. With --shuffle
the labels are permuted instead, so that nothing can be learnt. Validation and test labels stay right. Data without a
validation set, such as MNIST, get one: a tenth of the training examples, at random.
"""

import argparse

import numpy as np

from isgd_mpi import datasets


def replaced(labels, share, n_classes, rng):
    """Return labels of which a share is replaced by other classes."""
    wrong = rng.random(len(labels)) < share
    others = (labels + rng.integers(1, n_classes, len(labels))) % n_classes
    return np.where(wrong, others, labels)


def held_out(arrays, rng):
    """Return arrays of which a tenth of the training examples are the validation set."""
    order = rng.permutation(len(arrays["y_train"]))
    parts = {"valid": order[: len(order) // 10], "train": order[len(order) // 10 :]}
    return {f"{axis}_{name}": arrays[f"{axis}_train"][rows] for name, rows in parts.items() for axis in "xy"}


def main():
    """Read the arguments, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="name of a data set of classes, such as mnist, or the path of a file")
    parser.add_argument("share", type=float, help="share of the training labels that are replaced, in [0, 1]")
    parser.add_argument("file", help="npz file to write")
    parser.add_argument("--data-dir", help="folder of the original files, as in a run")
    parser.add_argument("--shuffle", action="store_true", help="permute the training labels instead")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dataset, rng = datasets.load(options.data, options.data_dir), np.random.default_rng(options.seed)
    arrays = {}
    for name, split in dataset.splits.items():
        arrays |= {f"x_{name}": split.images, f"y_{name}": split.labels}
    if "valid" not in dataset.splits:
        arrays |= held_out(arrays, rng)
    right = arrays["y_train"]
    shuffled = rng.permutation(right)
    arrays["y_train"] = shuffled if options.shuffle else replaced(right, options.share, dataset.n_classes, rng)
    np.savez(options.file, **arrays)
    wrong = float(np.mean(arrays["y_train"] != right))
    print(f"{options.file}: {wrong:.1%} of {len(right)} training labels are wrong")


if __name__ == "__main__":
    main()
