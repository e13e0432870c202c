"""The word that tells every reader, program and screenshot that an image is synthetic, burned into its pixels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

WORD = "SYNTHETIC"
_GLYPHS: dict[str, tuple[str, ...]] = {
    "S": (".####", "#....", "#....", ".###.", "....#", "....#", "####."),
    "Y": ("#...#", "#...#", ".#.#.", "..#..", "..#..", "..#..", "..#.."),
    "N": ("#...#", "##..#", "#.#.#", "#.#.#", "#..##", "#...#", "#...#"),
    "T": ("#####", "..#..", "..#..", "..#..", "..#..", "..#..", "..#.."),
    "H": ("#...#", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"),
    "E": ("#####", "#....", "#....", "####.", "#....", "#....", "#####"),
    "I": ("###", ".#.", ".#.", ".#.", ".#.", ".#.", "###"),
    "C": (".####", "#....", "#....", "#....", "#....", "#....", ".####"),
}


@lru_cache(maxsize=8)
def word_mask(scale: int) -> npt.NDArray[np.bool_]:
    """Return the word as a boolean image; letters are ``7 * scale`` pixels high."""
    letters = []
    for letter in WORD:
        rows = [[mark == "#" for mark in row] for row in _GLYPHS[letter]]
        letters.append(np.pad(np.asarray(rows, dtype=bool), ((0, 0), (0, 1))))
    word = np.hstack(letters)[:, :-1]
    return np.kron(word, np.ones((scale, scale), dtype=bool)).astype(bool)


def burn_word(pixels: npt.NDArray[np.generic], *, value: int) -> npt.NDArray[np.generic]:
    """Return a copy of the pixels with the word in the upper right corner, where viewers write least.

    Parameters
    ----------
    pixels
        (frame, row, column) or (frame, row, column, sample).
    value
        What the letters' pixels become.
    """
    marked = pixels.copy()
    rows, columns = pixels.shape[1:3]
    word = word_mask(max(1, round(columns / 420)))
    margin = max(2, columns // 64)
    height = min(word.shape[0], rows - margin)
    width = min(word.shape[1], columns - margin)
    start = columns - margin - width
    marked[:, margin : margin + height, start : start + width][:, word[:height, :width]] = value
    return marked
