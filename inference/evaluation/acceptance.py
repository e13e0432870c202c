"""Whether a model is accepted: a threshold stated before the run, held against the interval of the mean Dice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from inference.evaluation.metrics import Interval
from inference.evaluation.report import FEW_CASES, Summary


class Verdict(StrEnum):
    """Of one structure, or of all of them."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    CANNOT_TELL = "cannot_tell"


class Ground(StrEnum):
    """Why the verdict is what it is."""

    LOW_REACHES = "low_reaches"
    """The interval's lower bound is at or above the threshold."""
    HIGH_BELOW = "high_below"
    """The interval's upper bound is below it."""
    STRADDLES = "straddles"
    """The threshold lies within the interval."""
    FEW = "few"
    """Fewer than `FEW_CASES` cases hold the structure."""
    NOWHERE = "nowhere"
    """No case holds the structure."""


@dataclass(frozen=True, slots=True)
class SegmentJudgement:
    """One structure; `dice` is None where no case holds it."""

    segment_label: str
    verdict: Verdict
    ground: Ground
    dice: Interval | None
    words: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """All structures: accepted where each is, not accepted where one is not, else it cannot be told."""

    least_dice: float
    verdict: Verdict
    words: str
    segments: tuple[SegmentJudgement, ...]


_VERDICT_WORDS = {
    Verdict.ACCEPTED: "Accepted",
    Verdict.NOT_ACCEPTED: "Not accepted",
    Verdict.CANNOT_TELL: "Cannot tell with these cases",
}


def judge(summaries: Sequence[Summary], least_dice: float) -> Judgement:
    """Hold each structure's mean Dice over all cases against a threshold.

    1. Where no case holds the structure, or fewer than `FEW_CASES` do, it cannot be told: a bootstrap interval of so
       few is narrower than what is not known.
    2. Where the interval's lower bound reaches the threshold the structure is accepted.
    3. Where its upper bound is below the threshold it is not.
    4. Else the threshold lies within the interval, and it cannot be told.
    """
    found = tuple(_judge_segment(summary, least_dice) for summary in summaries)
    verdicts = {each.verdict for each in found}
    if Verdict.NOT_ACCEPTED in verdicts:
        verdict = Verdict.NOT_ACCEPTED
    else:
        verdict = Verdict.ACCEPTED if verdicts == {Verdict.ACCEPTED} else Verdict.CANNOT_TELL
    words = f"{_VERDICT_WORDS[verdict]} (asked: lower bound of mean Dice at least {least_dice:g})."
    return Judgement(least_dice, verdict, words, found)


def _judge_segment(summary: Summary, least_dice: float) -> SegmentJudgement:
    dice = summary.model["dice"]
    verdict, ground = _decide(dice, least_dice)
    return SegmentJudgement(summary.segment_label, verdict, ground, dice, _say(dice, ground, least_dice))


def _decide(dice: Interval | None, least_dice: float) -> tuple[Verdict, Ground]:
    if dice is None:
        return Verdict.CANNOT_TELL, Ground.NOWHERE
    if dice.count < FEW_CASES:
        return Verdict.CANNOT_TELL, Ground.FEW
    if dice.low >= least_dice:
        return Verdict.ACCEPTED, Ground.LOW_REACHES
    if dice.high < least_dice:
        return Verdict.NOT_ACCEPTED, Ground.HIGH_BELOW
    return Verdict.CANNOT_TELL, Ground.STRADDLES


def _say(dice: Interval | None, ground: Ground, least_dice: float) -> str:
    if dice is None:
        return "It is outlined in none of these cases."
    cases = "1 case" if dice.count == 1 else f"{dice.count} cases"
    figures = f"mean Dice {dice.mean:.3f}, 95 % interval {dice.low:.3f} to {dice.high:.3f}, {cases}"
    reasons = {
        Ground.LOW_REACHES: f"the lower bound reaches {least_dice:g}",
        Ground.HIGH_BELOW: f"even the upper bound is below {least_dice:g}",
        Ground.STRADDLES: f"{least_dice:g} lies within the interval: more cases would tell",
        Ground.FEW: f"fewer than {FEW_CASES} cases hold it: an interval of so few says little",
    }
    return f"{figures}; {reasons[ground]}."
