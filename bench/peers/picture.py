"""The results as a picture: a line for each row, a dot for each contender at its speed over the best peer's, on a
logarithmic scale. SVG, with colours for light and dark pages."""
import html
import math

from environments import NAMES

WIDTH, LEFT, RIGHT, LINE, TOP, BOTTOM = 860, 270, 24, 30, 56, 34
COLOURS = {"hone": ("#d1242f", "#ff7b72"), "onnxruntime": ("#0969da", "#58a6ff"), "openvino": ("#8250df", "#bc8cff"),
           "mnn": ("#1a7f37", "#3fb950"), "jax": ("#9a6700", "#d29922"), "torch": ("#bc4c00", "#f0883e"),
           "torch-nhwc": ("#953800", "#db6d28"), "torch-compile": ("#762c00", "#bd561d"),
           "keras": ("#57606a", "#8b949e")}


def style():
    light = "".join(f".{name}{{fill:{colour}}}" for name, (colour, _) in COLOURS.items())
    dark = "".join(f".{name}{{fill:{colour}}}" for name, (_, colour) in COLOURS.items())
    return (f"text{{font:13px sans-serif;fill:#1f2328}}.faint{{fill:#59636e}}line{{stroke:#d1d9e0}}.one{{stroke:#59636e}}"
            f"{light}@media(prefers-color-scheme:dark){{text{{fill:#f0f6fc}}.faint{{fill:#9198a1}}"
            f"line{{stroke:#3d444d}}.one{{stroke:#9198a1}}{dark}}}")


def speeds_of(result):
    """contender: its speed over the best peer's."""
    best = result.peers()[0]
    names = [name for name in ["hone", *result.peers()] if result.median(name) is not None]
    return {name: result.faster(name, best) for name in names}


def svg(results):
    rows = [(result, speeds_of(result)) for result in results if result.peers()]
    values = [speed for _, speeds in rows for speed in speeds.values()] + [0.5, 2]
    low, high = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))

    def x(speed):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(speed) - low) / (high - low)

    height = TOP + LINE * len(rows) + BOTTOM
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           f'role="img" aria-label="Speed of each contender over the best peer">', f"<style>{style()}</style>"]
    at = 8
    for name in COLOURS:
        if any(name in speeds for _, speeds in rows):
            out.append(f'<circle class="{name}" cx="{at + 6}" cy="16" r="5"/><text x="{at + 16}" y="20">{NAMES[name]}</text>')
            at += 34 + 7.5 * len(NAMES[name])
    bottom = TOP + LINE * len(rows)
    for power in range(low, high + 1):
        kind = ' class="one"' if power == 0 else ""
        label = f"{2 ** power}x" if power >= 0 else f"1/{2 ** -power}x"
        out.append(f'<line{kind} x1="{x(2 ** power):.1f}" x2="{x(2 ** power):.1f}" y1="{TOP - 14}" y2="{bottom}"/>'
                   f'<text class="faint" x="{x(2 ** power):.1f}" y="{bottom + 20}" text-anchor="middle">{label}</text>')
    for i, (result, speeds) in enumerate(rows):
        y = TOP + LINE * i + LINE / 2 - 8
        out.append(f'<text x="8" y="{y + 4}">{html.escape(result.row.what.replace("`", ""))}</text>')
        for name in sorted(speeds, key=lambda name: name == "hone"):  # hone's dot on top
            out.append(f'<circle class="{name}" cx="{x(speeds[name]):.1f}" cy="{y}" r="{7 if name == "hone" else 5}">'
                       f"<title>{NAMES[name]}: {speeds[name]:.2f}</title></circle>")
    return "\n".join([*out, "</svg>"]) + "\n"
