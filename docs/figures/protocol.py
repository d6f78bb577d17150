"""Draw what a trainer and its scorers do during two refreshes: ``python docs/figures/protocol.py``.

The figure is a drawing, not a measurement: what ranks really did is in a run's report.
"""

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 920, 372
LEFT, TOP, LANE, BAR = 104, 64, 84, 34
LANES = ("trainer", "scorer 1", "scorer 2")
TRAINING, SCORES = "#33658a", ("#8fb996", "#f2b880", "#c9ada7")
PER_STEP = 7.6
"""Width of a training step."""

REFRESHES = ((0, 2), (32, 35), (64, 68))
"""Steps at which parameters go out, and at which the last report is merged."""

PARAMETERS = ("θ₀", "θ₃₂", "θ₆₄")

SCORING = (  # lane, from step, to step, refresh whose parameters are used
    *((1, 1.0, 33.0, 0), (1, 33.0, 66.0, 1), (1, 66.0, 102.0, 2)),
    *((2, 1.5, 34.5, 0), (2, 34.5, 67.5, 1), (2, 67.5, 102.0, 2)),
)


def x_of(step):
    """Return the place of a step."""
    return LEFT + PER_STEP * step


def y_of(lane):
    """Return the upper edge of a lane's bar."""
    return TOP + LANE * lane


def bar(lane, begin, end, colour, text):
    """Return a bar with a text in it."""
    x, width = x_of(begin), PER_STEP * (end - begin)
    return (
        f'<rect x="{x:.1f}" y="{y_of(lane)}" width="{width:.1f}" height="{BAR}" rx="3" fill="{colour}"/>'
        f"{label(x + width / 2, y_of(lane) + 22, text, '#fff' if lane == 0 else '#222')}"
    )


def label(x, y, text, colour="#222", anchor="middle"):
    """Return a text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def arrow(begin, end, dashed=False):
    """Return an arrow between two points."""
    (x1, y1), (x2, y2) = begin, end
    dashes = ' stroke-dasharray="5 3"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#444" stroke-width="1.4"{dashes} '
        'marker-end="url(#head)"/>'
    )


def refresh(number):
    """Return the arrows of a refresh: parameters down at once, reports up once a scorer has seen them."""
    published, merged = REFRESHES[number]
    lines = []
    for lane in (1, 2):
        begin = next(start for where, start, _, used in SCORING if (where, used) == (lane, number))
        lines.append(arrow((x_of(published), y_of(0) + BAR), (x_of(begin), y_of(lane))))
        if number:
            lines.append(arrow((x_of(begin), y_of(lane)), (x_of(merged), y_of(0) + BAR), dashed=True))
    return lines


def age(begin, end, text):
    """Return a measure of time below the lanes."""
    y = y_of(2) + BAR + 30
    ends = "".join(
        f'<line x1="{x_of(step):.1f}" y1="{y - 5}" x2="{x_of(step):.1f}" y2="{y + 5}" stroke="#444"/>'
        for step in (begin, end)
    )
    line = f'<line x1="{x_of(begin):.1f}" y1="{y}" x2="{x_of(end):.1f}" y2="{y}" stroke="#444"/>'
    return ends + line + label(x_of((begin + end) / 2), y + 20, text)


def draw():
    """Return the figure as SVG."""
    merges = [merged for _, merged in REFRESHES]
    parts = [label(LEFT - 12, y_of(lane) + 22, name, anchor="end") for lane, name in enumerate(LANES)]
    parts += [
        bar(0, 0, merges[1], TRAINING, "draws uniformly"),
        bar(0, merges[1], merges[2], TRAINING, "draws by scores of θ₀"),
        bar(0, merges[2], 102, TRAINING, "draws by scores of θ₃₂"),
    ]
    parts += [bar(lane, *times, SCORES[used], f"scores by {PARAMETERS[used]}") for lane, *times, used in SCORING]
    parts += [line for number in range(3) for line in refresh(number)]
    for step, name in zip((published for published, _ in REFRESHES), PARAMETERS):
        parts.append(label(x_of(step), TOP - 30, f"step {step}"))
        parts.append(label(x_of(step), TOP - 12, f"{name} goes out"))
    parts.append(age(merges[1], merges[2], "drawn by scores of θ₀: 35 to 68 steps old"))
    parts.append(label(LEFT, HEIGHT - 14, "solid: parameters     dashed: reports with scores", anchor="start"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'font-family="sans-serif" font-size="13">\n'
        '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#444"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(draw(), encoding="utf-8")
