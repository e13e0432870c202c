"""What a file's name says of the sequence it holds, in words of a fixed list.

File names hold patients' names as often as not: nothing of a name is kept but what is on the list.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_WORDS: tuple[tuple[str, str], ...] = (
    ("T1 with contrast", r"t1(?:w)?(?:c|ce|gd|km|post|contrast)|t1c\w?"),
    ("FLAIR", r"flair|fla|flr|t2f|t2flair"),
    ("T1", r"t1w?n?|mprage|bravo|spgr"),
    ("T2", r"t2w?"),
    ("ADC", r"adc"),
    ("DWI", r"dwi"),
    ("SWI", r"swi"),
    ("PD", r"pdw?"),
)
_GIVEN = frozenset({"c", "ce", "gd", "gad", "post", "contrast", "km"})


def read_sequence_words(path: str) -> str:
    """Return the sequence that a file's name tells, as "T1 with contrast" or "FLAIR"; empty where it tells none.

    >>> read_sequence_words("sub-01/DOE_JANE_t1_post.nii.gz")
    'T1 with contrast'
    """
    name = PurePosixPath(path.replace("\\", "/")).name.lower()
    tokens = [token for token in re.split(r"[^a-z0-9]+", name) if token]
    for words, pattern in _WORDS:
        if any(re.fullmatch(pattern, token) for token in tokens):
            is_given = words == "T1" and not _GIVEN.isdisjoint(tokens)
            return "T1 with contrast" if is_given else words
    return ""
