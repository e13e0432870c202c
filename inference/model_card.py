"""Model cards as Markdown, rendered from what the catalogue knows."""

from __future__ import annotations

from inference.model_spec import ModelSpec, ParameterSpec

RESEARCH_USE = "Research use only. Not a medical device; not for diagnosis or treatment."


def render_card(spec: ModelSpec) -> str:
    """Return a model's card; what its makers measured (`spec.card`) follows the facts."""
    lines = [f"# {spec.title}", "", f"**{RESEARCH_USE}**", "", spec.summary, "", f"**Limits.** {spec.limits}", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in _list_facts(spec)), ""]
    lines += ["## Segments", "", "| number | segment | type |", "|---|---|---|"]
    lines += [
        f"| {s.segment_number} | {s.segment_label} | {s.type[2]} ({s.type[1]} {s.type[0]}) |" for s in spec.segments
    ]
    if spec.parameters:
        lines += ["", "## Parameters", "", *(f"- {_describe_parameter(parameter)}" for parameter in spec.parameters)]
    if spec.card:
        lines += ["", spec.card.strip()]
    return "\n".join(lines) + "\n"


def _list_facts(spec: ModelSpec) -> list[tuple[str, str]]:
    facts = [
        ("Name", f"`{spec.name}` {spec.version}"),
        ("Method", spec.method.value.replace("_", " ")),
        ("Input", f"{', '.join(sorted(spec.modalities)) or 'any grey-value images'}, {_describe_grid(spec)}"),
        ("Licence", spec.licence),
    ]
    if spec.network is not None:
        network = spec.network
        spacing = "the image's own" if network.spacing_mm is None else " x ".join(f"{s:g}" for s in network.spacing_mm)
        facts += [
            ("Network", f"{network.architecture}, feature maps {', '.join(map(str, network.channels))}"),
            ("Grid", f"{spacing} mm, windows of {' x '.join(map(str, network.window))} voxels"),
            ("Overlap", f"{network.overlap:.0%} of a window"),
            ("Weights", f"`{network.weights_path}`, SHA-256 `{network.weights_sha256}`"),
        ]
    return facts


def _describe_grid(spec: ModelSpec) -> str:
    return "one regular volume" if spec.needs_volume else "a volume or a stack of images"


def _describe_parameter(parameter: ParameterSpec) -> str:
    unit = f" {parameter.unit}" if parameter.unit else ""
    default = "asked for" if parameter.default is None else f"{parameter.default:g}{unit}"
    bounds = [
        f"{word} {value:g}"
        for word, value in (("from", parameter.minimum), ("to", parameter.maximum))
        if value is not None
    ]
    return f"`{parameter.name}`: {parameter.label}; {', '.join([f'default {default}', *bounds])}."
