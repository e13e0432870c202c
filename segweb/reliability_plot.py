"""A reliability plot as SVG: predicted probability against what came true, one panel for each forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

SIDE = 260
MARGIN = 48
LARGEST_RADIUS, SMALLEST_RADIUS = 9.0, 2.5


@dataclass(frozen=True, slots=True)
class Decile:
    """Forecasts between two tenths: how many, their mean, and the share that came true."""

    count: int
    predicted: float
    observed: float


def draw_reliability(panels: Sequence[tuple[str, Sequence[Decile]]]) -> str:
    """Return the SVG; a circle's area grows with the number of forecasts, the diagonal is perfect."""
    width, height = len(panels) * (SIDE + MARGIN) + MARGIN, SIDE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="Reliability of forecasts" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (title, deciles) in enumerate(panels):
        parts += _panel(MARGIN + number * (SIDE + MARGIN), title, deciles)
    return "\n".join([*parts, "</svg>", ""])


def _panel(left: int, title: str, deciles: Sequence[Decile]) -> list[str]:
    top, bottom, right = MARGIN, MARGIN + SIDE, left + SIDE
    middle = left + SIDE / 2
    parts = [
        f'<rect x="{left}" y="{top}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#555555"/>',
        f'<line x1="{left}" y1="{bottom}" x2="{right}" y2="{top}" stroke="#999999" stroke-dasharray="4 3"/>',
        f'<text x="{middle}" y="{top - 12}" text-anchor="middle" font-weight="bold">{escape(title)}</text>',
        f'<text x="{middle}" y="{bottom + 32}" text-anchor="middle">predicted</text>',
    ]
    for tick in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{left + tick * SIDE}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="{left - 6}" y="{bottom - tick * SIDE + 4}" text-anchor="end">{tick:g}</text>')
    most = max((each.count for each in deciles), default=1)
    for each in deciles:
        radius = max(SMALLEST_RADIUS, LARGEST_RADIUS * (each.count / most) ** 0.5)
        x, y = left + each.predicted * SIDE, bottom - each.observed * SIDE
        label = f"{each.count} forecasts of {each.predicted:.2f}: {each.observed:.2f} came true"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#1f6f8b"><title>{label}</title></circle>'
        )
    return parts
