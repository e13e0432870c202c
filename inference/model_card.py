"""Model cards as Markdown, rendered from what the catalogue knows."""

from __future__ import annotations

from inference.model_spec import ModelSpec, ParameterSpec
from inference.network_spec import InputChannel, NetworkSpec
from studies.label_maps.label_map import CodedConcept

RESEARCH_USE = "Research use only. Not a medical device; not for diagnosis or treatment."


def render_card(spec: ModelSpec) -> str:
    """Return a model's card; what its makers measured (`spec.card`) follows the facts."""
    lines = [f"# {spec.title}", "", f"**{RESEARCH_USE}**", "", spec.summary, "", f"**Limits.** {spec.limits}", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in _list_facts(spec)), ""]
    lines += ["## Segments", "", "| number | segment | category | type |", "|---|---|---|---|"]
    lines += [
        f"| {s.segment_number} | {s.segment_label} | {_describe_code(s.category)} | {_describe_code(s.type)} |"
        for s in spec.segments
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
        ("Intended use", spec.intended_use or "not stated by its makers"),
        ("Licence", spec.licence),
    ]
    if spec.network is not None:
        facts += _list_network_facts(spec.network)
    return [*facts, ("Format", spec.format)]


def _describe_code(concept: CodedConcept) -> str:
    value, scheme, meaning = concept
    return f"{meaning} ({scheme} {value})"


def _list_network_facts(network: NetworkSpec) -> list[tuple[str, str]]:
    spacing = "the image's own" if network.spacing_mm is None else " x ".join(f"{s:g}" for s in network.spacing_mm)
    channels = (f"{channel.name} ({_describe_normalisation(channel)})" for channel in network.channels)
    facts = [
        ("Network", network.architecture),
        ("Channels", ", ".join(channels)),
        ("Axes", network.orientation),
        ("Grid", f"{spacing} mm, windows of {' x '.join(map(str, network.window))} voxels"),
        ("Overlap", f"{network.overlap:.0%} of a window"),
    ]
    return facts + [("Weights", f"`{file.path}`, SHA-256 `{file.sha256}`") for file in network.weights]


def _describe_normalisation(channel: InputChannel) -> str:
    return f"grey values: {channel.normalisation.scheme.value.replace('_', ' ')}"


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
