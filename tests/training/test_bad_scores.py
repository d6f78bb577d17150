from types import SimpleNamespace

import numpy as np

from isgd_mpi.training.bad_scores import BadScores


def test_examples_with_a_bad_score_are_named_once_and_the_first_few_only():
    told, printed = [], []
    bad = BadScores(SimpleNamespace(event=lambda step, text: told.append((step, text)), print=printed.append))
    scores = np.ones(20, np.float32)
    bad.tell(slice(40, 60), scores, 5, rank=2)
    assert not told
    scores[3] = np.nan
    bad.tell(slice(40, 60), scores, 6, rank=2)
    bad.tell(np.arange(40, 60), scores, 7, rank=0)
    assert told == [(6, "example 43 has the score nan on rank 2: the mean of the others stands for it")]
    bad.tell(np.arange(100, 120), np.full(20, np.inf), 8, rank=0)
    assert len(told) == 5 == len(printed) and told[-1][1].endswith("; no further ones are named")
