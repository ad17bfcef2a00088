"""Labels that are probably wrong: out-of-fold probabilities and the given labels in, the items worth a second look out, the surest first.

How many labels are wrong is estimated by confident learning (C. Northcutt, L. Jiang and I. Chuang, JAIR 70, 2021), as cleanlab has it; so many items are named,
those whose given label is least probable. Of cleanlab's seven ways to name them this one was right most often at the same recall: digits with 5 % of 1,797
labels changed, precision 0.96 and recall 0.81 over four draws ("both": 0.89 and 0.81; "confident_learning": 0.92 and 0.79), 2 of 1,797 named where none was
changed. With 150 items it is half wrong (precision 0.56, ``benchmarks/evidence_promises.py``): a list to look at, never to delete by.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 50  # what a person looks through


@dataclass(frozen=True)
class LabelError:
    """One item whose label looks wrong.

    Attributes:
        position: Where it stands in the data set.
        given: Class it is labelled as.
        suggested: Class that the others of its kind are labelled as.
        probability: Of the suggested class, out of fold.
        given_probability: Of the given class.
    """

    position: int
    given: int
    suggested: int
    probability: float
    given_probability: float


def likely_label_errors(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], positions: NDArray[np.int64] | None = None, most: int = MOST
) -> tuple[LabelError, ...]:
    """Name the items whose label is probably wrong, the least probable label first.

    Args:
        probabilities: ``(m, k)``, each row by a head that has not seen the item's label: ``probe(...).probabilities``.
        labels: ``(m,)`` given labels of the same items.
        positions: ``(m,)`` where they stand in the data set: ``probe(...).items``; None = 0 to m - 1.
        most: How many to name at most.

    Cost: some milliseconds for 2,000 items; the first call imports cleanlab and scikit-learn (1 to 2 s).
    """
    if len(np.unique(labels)) < 2:
        return ()
    places = np.arange(len(labels)) if positions is None else positions
    top = probabilities.argmax(axis=1)
    return tuple(
        LabelError(int(places[one]), int(labels[one]), int(top[one]), float(probabilities[one, top[one]]), float(probabilities[one, labels[one]]))
        for one in _ranked(probabilities, labels)
        if top[one] != labels[one]
    )[:most]


def _ranked(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cleanlab in one process, in silence: scikit-learn's pools of threads beside torch's would spin."""
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")  # on classes that do not occur, or hardly
        from cleanlab.filter import find_label_issues

        found = find_label_issues(
            labels, probabilities.astype(np.float64), return_indices_ranked_by="self_confidence", filter_by="low_self_confidence", n_jobs=1
        )
    return np.asarray(found, np.int64)
