"""The greedy objective written down as slowly and plainly as possible, in float64, to judge the solver by.

Every potential is recomputed from its definition for every candidate at every pick; nothing is kept between picks.
A term is a dict: {"kind": ..., "strength": a, ...}. Shares no code with lightly_widget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SMALLEST = float(np.finfo(np.float64).tiny)


def _squared(a: np.ndarray, b: np.ndarray) -> float:
    return math.fsum((float(p) - float(q)) ** 2 for p, q in zip(a, b, strict=True))


def _spread(points: Sequence[np.ndarray]) -> float:
    """B: the sum over the points of the squared distance to the nearest other point."""
    if len(points) < 2:
        return 0.0
    return math.fsum(min(_squared(a, b) for k, b in enumerate(points) if k != j) for j, a in enumerate(points))


def log_potential(term: Mapping[str, Any], selection: Sequence[int], row: int) -> float:
    """log P of one term for `selection` plus `row`; potentials at or below zero count as the smallest float."""
    return math.log(max(potential(term, selection, row), SMALLEST))


def potential(term: Mapping[str, Any], selection: Sequence[int], row: int) -> float:
    """P of one term for `selection` plus `row`."""
    kind = term["kind"]
    if kind == "diversity":
        x = term["embeddings"]
        if not selection:
            return 1.0
        nearest = min(_squared(x[row], x[j]) for j in selection)
        value = _spread([x[j] for j in selection]) + nearest
    elif kind == "subparts":
        x, owner = term["embeddings"], term["rows"]
        chosen = [x[c] for c in range(len(x)) if owner[c] in selection]
        mine = [x[c] for c in range(len(x)) if owner[c] == row]
        if not mine:
            value = 0.0
        elif not chosen:
            value = 1.0
        else:
            nearest = math.fsum(min(_squared(a, b) for b in chosen) for a in mine) / len(mine)
            value = _spread(chosen) + nearest
    elif kind == "weights":
        w = [float(v) for v in term["weights"]]
        shift = min([0.0, *w])
        unit = max(v - shift for v in w) or 1.0  # a weight of 0 is as far below every unit of weight
        value = math.fsum((w[j] - shift) / unit for j in [*selection, row])
    elif kind == "balancing":
        counts, target = np.asarray(term["counts"], dtype=np.float64), np.asarray(term["target"], dtype=np.float64)
        total = counts[[*selection, row]].sum(axis=0)
        share = total / total.sum() if total.sum() > 0 else np.zeros_like(total)
        goal = target / target.sum()
        entropy = -math.fsum(t * math.log(max(p, 1e-7)) for t, p in zip(goal, share, strict=True))
        value = 1.0 / max(entropy, SMALLEST)
    elif kind == "facility":
        similarity = dense_similarity(term["indices"], term["similarities"])
        value = math.fsum(similarity[:, [*selection, row]].max(axis=1))
    elif kind == "kernel":
        similarity = kernel(term["embeddings"], term["bandwidth"])
        weights = np.ones(len(similarity)) if term.get("weights") is None else np.asarray(term["weights"])
        value = math.fsum(weights * similarity[:, [*selection, row]].max(axis=1)) / math.fsum(weights)
    else:
        raise AssertionError(kind)
    return value


def kernel(embeddings: np.ndarray, bandwidth: float) -> np.ndarray:
    """(n, n) exp(−‖z_i − z_j‖² / h²), z the rows minus their mean, brought to unit length; 0 at the mean itself."""
    x = embeddings.astype(np.float64)
    x = x / (np.abs(x).max(initial=0.0) or 1.0)
    mean = x.mean(axis=0)
    away = x - mean
    norm = np.sqrt((away**2).sum(axis=1))
    norm[norm <= 1e-12 * (np.sqrt((mean**2).sum()) + norm.max(initial=0.0))] = np.inf
    z = away / norm[:, None]
    return np.exp(-((z[:, None] - z[None]) ** 2).sum(axis=2) / bandwidth**2)


def dense_similarity(indices: np.ndarray, similarities: np.ndarray) -> np.ndarray:
    """(n, n) similarities of a neighbor graph: 1 on the diagonal, 0 without an edge."""
    n, k = indices.shape
    dense = np.zeros((n, n))
    for j in range(n):
        for e in range(k):
            if indices[j, e] >= 0:
                dense[j, indices[j, e]] = max(dense[j, indices[j, e]], float(similarities[j, e]))
        dense[j, j] = 1.0
    return dense


def scores(terms: Sequence[Mapping[str, Any]], n_rows: int, selection: Sequence[int]) -> np.ndarray:
    """(n_rows,) Σ strength · log P of every row; −inf for rows taken or nearer than a minimum distance."""
    out = np.full(n_rows, -np.inf)
    for row in range(n_rows):
        if row in selection or _too_near(terms, selection, row):
            continue
        out[row] = math.fsum(t["strength"] * log_potential(t, selection, row) for t in terms if t["strength"] != 0)
    return out


def _too_near(terms: Sequence[Mapping[str, Any]], selection: Sequence[int], row: int) -> bool:
    return any(
        math.sqrt(min(_squared(t["embeddings"][row], t["embeddings"][j]) for j in selection)) < t["minimum_distance"]
        for t in terms
        if t.get("minimum_distance") is not None and t["strength"] != 0 and selection
    )


def greedy(
    terms: Sequence[Mapping[str, Any]],
    n_rows: int,
    n_picks: int,
    preselected: Sequence[int] = (),
    excluded: Sequence[int] = (),
    tolerance: float = 1e-13,
) -> list[int]:
    """Rows in pick order; scores within `tolerance` of the best count as ties, and the lowest row wins them."""
    selection, picks = list(preselected), []
    for _ in range(n_picks):
        score = scores(terms, n_rows, selection)
        score[list(excluded)] = -np.inf
        if not np.isfinite(score.max(initial=-np.inf)):
            break
        row = int(np.flatnonzero(score >= score.max() - tolerance)[0])
        selection.append(row)
        picks.append(row)
    return picks


# --- limits: dicts as {"kind": "at_most" | "gap" | "budget", ...} -----------------------------------------------------


def within(limits: Sequence[Mapping[str, Any]], before: Sequence[int], picks: Sequence[int], row: int) -> bool:
    """Whether `row` may join: all rows of the sample are compared with it, and the picks' costs are summed again."""
    return all(_keeps(limit, [*before, *picks], picks, row) for limit in limits)


def _keeps(limit: Mapping[str, Any], selection: Sequence[int], picks: Sequence[int], row: int) -> bool:
    if limit["kind"] == "budget":
        return math.fsum(float(limit["costs"][j]) for j in [*picks, row]) <= limit["total"] * (1 + 1e-9)
    groups = limit["groups"]
    same = [j for j in selection if groups is None or groups[j] == groups[row]]
    if limit["kind"] == "at_most":
        return len(same) < limit["most"]
    return all(abs(limit["values"][j] - limit["values"][row]) >= limit["least"] for j in same)


def scores_per_cost(
    terms: Sequence[Mapping[str, Any]], n_rows: int, selection: Sequence[int], limits: Sequence[Mapping[str, Any]]
) -> np.ndarray:
    """(n_rows,) what is compared under budgets: the gain per cost.

    The gain of one term is the rise of its potential (of balancing, the fall of the cross-entropy; of subparts, as of
    several terms, the rise of strength · log P). While a P is 0, the product of all P^strength is what is divided. A
    loss is multiplied by the cost.
    """
    score = scores(terms, n_rows, selection)
    budgets = [limit for limit in limits if limit["kind"] == "budget"]
    active = [term for term in terms if term["strength"] != 0]
    if not budgets or not active:
        return score
    cost = sum(np.asarray(budget["costs"], dtype=np.float64) / budget["total"] for budget in budgets)
    cost = cost / cost.min()
    alone = len(active) == 1 and active[0]["kind"] != "subparts"
    if not alone and any(base(term, selection) <= 0 for term in active):
        return score - np.log(cost)
    gain = np.full(n_rows, -np.inf)
    for row in np.flatnonzero(np.isfinite(score)).tolist():
        if alone:
            gain[row] = math.copysign(1, active[0]["strength"]) * rise(active[0], selection, row)
        else:
            gain[row] = math.fsum(
                t["strength"] * (log_potential(t, selection, row) - math.log(base(t, selection))) for t in active
            )
    return np.where(gain > 0, gain / cost, gain * cost)


def rise(term: Mapping[str, Any], selection: Sequence[int], row: int) -> float:
    """How much the row adds to P; for balancing, how much it takes from the cross-entropy."""
    if term["kind"] == "balancing":
        return 1 / base(term, selection) - 1 / potential(term, selection, row)
    return potential(term, selection, row) - base(term, selection)


def base(term: Mapping[str, Any], selection: Sequence[int]) -> float:
    """P of one term for `selection` alone; 0 where there is none yet."""
    kind = term["kind"]
    if kind == "diversity":
        return _spread([term["embeddings"][j] for j in selection])
    if kind == "subparts":
        chosen = [c for c, owner in enumerate(term["rows"]) if owner in selection]
        return _spread([term["embeddings"][c] for c in chosen])
    if kind == "balancing" and not selection:
        goal = np.asarray(term["target"], dtype=np.float64)
        return 1.0 / -math.fsum(t * math.log(1e-7) for t in goal / goal.sum())
    return potential(term, selection[:-1], selection[-1]) if selection else 0.0
