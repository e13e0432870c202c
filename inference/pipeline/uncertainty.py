"""How unsure a network is, voxel by voxel: the entropy of its averaged answer, as a share of the largest there is."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inference.pipeline.answers import Logits
from inference.pipeline.job_maps import HISTOGRAM_BINS, FoundMap, MapKind
from inference.pipeline.probabilities import UNITS_PER_PROBABILITY
from inference.pipeline.tiles import UNITS_PER_SCORE

Box = tuple[slice | int, slice, slice]
_LEVELS = 255


def find_sure_lead(classes: int) -> float:
    """Return by how much the best score must lead the second for the entropy to round to 0 of 255.

    With a lead of g the others together have at most q = (k-1) e^-g / (1 + (k-1) e^-g). Of all answers with this q the
    one that spreads it evenly has the largest entropy, h(q) + q ln(k-1), which grows with q up to (k-1)/k and so falls
    with g: what is below half a level at g is below it at every larger lead.
    """
    low, high = 0.0, 64.0
    for _ in range(60):
        middle = (low + high) / 2
        if _most_entropy(middle, classes) < 0.5 / _LEVELS:
            high = middle
        else:
            low = middle
    return high


def _most_entropy(lead: float, classes: int) -> float:
    others = (classes - 1) * math.exp(-lead)
    q = others / (1.0 + others)
    entropy = q * math.log(classes - 1) if classes > 2 else 0.0
    entropy -= sum(p * math.log(p) for p in (q, 1.0 - q) if p > 0)
    return entropy / math.log(classes)


class Doubt:
    """Gathers the entropy of what becomes final.

    Parameters
    ----------
    shape
        Voxels of the grid that is labelled.
    labels
        The label of each score: of classes, all but the background's; of regions that are written in this order, each.
    is_regions
        Whether each score answers a question of its own, so that the mean of their binary entropies is taken.
    is_probability
        Whether units stand for probabilities and no longer for scores.
    temperature
        What scores are divided by before they count as logarithms of probabilities.
    keeps_logits
        Whether `logits` is filled, which takes a hundred times the memory of `voxels`.

    Attributes
    ----------
    logits
        float16 (score, *shape), not divided by the temperature; None unless kept.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        labels: tuple[int, ...],
        *,
        is_regions: bool = False,
        is_probability: bool = False,
        temperature: float = 1.0,
        keeps_logits: bool = False,
    ) -> None:
        self.voxels: npt.NDArray[np.uint8] = np.zeros(shape, np.uint8)
        scores = len(labels) + (not is_regions)
        self.logits: Logits | None = np.zeros((scores, *shape), np.float16) if keeps_logits else None
        self._labels = labels
        self._is_regions = is_regions
        self._is_probability = is_probability
        self._temperature = temperature
        self._lead = find_sure_lead(max(len(labels) + 1, 2)) * temperature
        self._counts = np.zeros((len(labels), HISTOGRAM_BINS), np.int64)
        self._best_of_unsure = np.zeros(len(labels) + 1, np.int64)

    def measure(self, units: Tensor, box: Box) -> None:
        """Take units (class, ..., row, column) of voxels that are final and lie in a box of the grid; changes none."""
        flat = units.reshape(units.shape[0], -1)
        if self.logits is not None:
            kept = self._read_logits(flat).mul_(self._temperature).view(units.shape)
            self.logits[(slice(None), *box)] = kept.cpu().numpy()
        unsure = None if self._is_regions else self._find_unsure(flat).nonzero().squeeze(1)
        logits = self._read_logits(flat if unsure is None else flat.index_select(1, unsure))
        if logits.shape[1] == 0:
            return
        entropy = self._of_regions(logits) if self._is_regions else self._of_classes(logits)
        levels = entropy.mul_(_LEVELS).round_().clamp_(0, _LEVELS).to(torch.uint8)
        if unsure is not None:
            levels = torch.zeros(flat.shape[1], dtype=torch.uint8, device=flat.device).index_copy_(0, unsure, levels)
        self.voxels[box] = levels.view(units.shape[1:]).cpu().numpy()

    def build_map(self, labels: npt.NDArray[np.uint8]) -> FoundMap:
        """Return what was gathered, given the labels of the whole grid."""
        counts = self._counts.copy()
        if not self._is_regions:
            found = np.bincount(labels.reshape(-1), minlength=256)
            for number, label in enumerate(self._labels):
                counts[number, -1] += max(0, int(found[label]) - int(self._best_of_unsure[number + 1]))
        histograms = {label: counts[number].tolist() for number, label in enumerate(self._labels)}
        return FoundMap(MapKind.UNCERTAINTY, self.voxels, 0.0, 1.0, "share of the largest entropy", histograms)

    def _find_unsure(self, flat: Tensor) -> Tensor:
        if self._is_probability:  # the second is at most what the first leaves
            return flat.amax(0) < UNITS_PER_PROBABILITY / (1.0 + math.exp(-self._lead))
        lead = self._lead * UNITS_PER_SCORE
        if flat.shape[0] == 2:
            return (flat[0] - flat[1]).abs_() < lead
        best = flat.amax(0) - int(lead)
        count = torch.zeros(flat.shape[1], dtype=torch.uint8, device=flat.device)
        for scores in flat:
            count += scores > best
        return count > 1

    def _read_logits(self, flat: Tensor) -> Tensor:
        if not self._is_probability:
            return flat / (UNITS_PER_SCORE * self._temperature)
        share = flat / UNITS_PER_PROBABILITY
        logits = share.logit_(1e-6) if self._is_regions else share.clamp_min_(1e-9).log_()
        return logits.div_(self._temperature)

    def _of_classes(self, logits: Tensor) -> Tensor:
        logarithms = torch.log_softmax(logits, 0)
        shares = logarithms.exp()
        best = shares.argmax(0)
        self._best_of_unsure += torch.bincount(best, minlength=len(shares)).cpu().numpy()
        self._count(shares[1:])
        return (shares * logarithms).sum(0).div_(-math.log(len(shares)))

    def _of_regions(self, logits: Tensor) -> Tensor:
        shares = logits.sigmoid()
        left = torch.ones_like(shares[0])
        own = torch.empty_like(shares)
        for number in reversed(range(len(shares))):  # later regions paint over earlier ones
            own[number] = shares[number] * left
            left = left * (1.0 - shares[number])
        self._count(own)
        entropy = torch.special.entr(shares).add_(torch.special.entr(1.0 - shares))
        mean: Tensor = entropy.mean(0).div_(math.log(2.0))
        return mean

    def _count(self, shares: Tensor) -> None:
        bins = (shares * HISTOGRAM_BINS).to(torch.int64).clamp_(max=HISTOGRAM_BINS - 1)
        for number, own in enumerate(bins):
            self._counts[number] += torch.bincount(own, minlength=HISTOGRAM_BINS).cpu().numpy()
