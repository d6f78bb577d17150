"""Find the name that was meant, among those that there are."""

import difflib

_OTHER_WORDS = {
    "learning_rate": "lr",
    "solver": "optimizer",
    "max_grad_norm": "clip_norm",
    "random_state": "seed",
    "hidden_layer_sizes": "hidden",
    "layers": "hidden",
    "x_val": "validation",
    "eval_set": "validation",
    "max_iter": "epochs",
    "verbose": "quiet",
}
"""Names that other libraries have for the same."""

_LEAST_LIKENESS = 0.6  # of difflib


def nearest(name, names):
    """Return the name that is nearest to another one, however that is written, or None if none is near.

    Parameters
    ----------
    name : str
    names : iterable of str
    """
    by_key = {_key(candidate): candidate for candidate in names}
    meant = _OTHER_WORDS.get(_key(name))
    if meant in by_key:
        return by_key[meant]
    close = difflib.get_close_matches(_key(name), by_key, n=1, cutoff=_LEAST_LIKENESS)
    return by_key[close[0]] if close else None


def suggestion(name, names):
    """Return a question to append to a message, such as ": did you mean lr?", or nothing."""
    meant = nearest(name, names)
    return f": did you mean {meant}?" if meant else ""


def _key(name):
    return name.lower().lstrip("-").replace("-", "_")
