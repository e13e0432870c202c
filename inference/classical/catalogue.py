"""The classical methods as the registry shows them."""

from __future__ import annotations

from inference.model_spec import Method, ModelSpec, ParameterKind, ParameterSpec
from studies.label_maps.label_map import CodedConcept, SegmentDescription

_TISSUE: CodedConcept = ("85756007", "SCT", "Tissue")
_ANATOMY: CodedConcept = ("123037004", "SCT", "Anatomical Structure")
_ABNORMAL: CodedConcept = ("49755003", "SCT", "Morphologically Altered Structure")
_LESION: CodedConcept = ("52988006", "SCT", "Lesion")

_INTENDED_USE = "A first outline by grey values that a person checks and corrects."
MAXIMUM_CLASSES = 8
# Okabe and Ito's palette: told apart with any colour vision
_CLASS_COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#f0e442", "#e69f00", "#d55e00", "#cc79a7", "#b2b2b2")


def _describe_class(number: int) -> SegmentDescription:
    return SegmentDescription(
        segment_number=number,
        segment_label=f"Grey-value class {number}",
        category=_TISSUE,
        type=_TISSUE,
        colour=_CLASS_COLOURS[number - 1],
    )


OTSU = ModelSpec(
    name="otsu",
    version="1.0.0",
    title="Otsu's threshold",
    summary="Finds the body and splits it into darker and brighter tissue at the threshold that separates them best.",
    limits=(
        "Knows grey values only, not anatomy. In MR the split moves with coil shading and sequence; "
        "bone and air next to each other fall on the same side."
    ),
    intended_use=_INTENDED_USE,
    method=Method.OTSU,
    modalities=frozenset(),
    segments=(
        SegmentDescription(1, "Darker tissue", category=_TISSUE, type=_TISSUE, colour="#0072b2"),
        SegmentDescription(2, "Brighter tissue", category=_TISSUE, type=_TISSUE, colour="#e69f00"),
    ),
)

THRESHOLD = ModelSpec(
    name="threshold",
    version="1.0.0",
    title="Manual threshold",
    summary="Marks every voxel whose value lies between two bounds, both included.",
    limits="Marks everything in the range, wherever it lies. Bounds mean something fixed in CT (HU) only.",
    intended_use=_INTENDED_USE,
    method=Method.THRESHOLD,
    modalities=frozenset(),
    segments=(SegmentDescription(1, "Within bounds", category=_TISSUE, type=_TISSUE),),
    parameters=(
        ParameterSpec("lower", "Lower bound", ParameterKind.NUMBER, minimum=-1e6, maximum=1e6),
        ParameterSpec("upper", "Upper bound", ParameterKind.NUMBER, default=1e6, minimum=-1e6, maximum=1e6),
    ),
)

KMEANS = ModelSpec(
    name="kmeans",
    version="1.0.0",
    title="k-means clustering",
    summary="Sorts the body's voxels into classes of similar grey value, class 1 the darkest.",
    limits=(
        "Classes are grey values, not tissues: air inside the body and bone may share one in MR, "
        "and coil shading moves the borders."
    ),
    intended_use=_INTENDED_USE,
    method=Method.KMEANS,
    modalities=frozenset(),
    segments=tuple(_describe_class(number) for number in range(1, MAXIMUM_CLASSES + 1)),
    parameters=(ParameterSpec("classes", "Number of classes", ParameterKind.INTEGER, "", 3, 2, MAXIMUM_CLASSES),),
)

REGION_GROWING = ModelSpec(
    name="region_growing",
    version="1.0.0",
    title="Region growing",
    summary="Grows the structure that was clicked, as far as its grey values reach.",
    limits=(
        "Needs a click inside the structure and an edge around it. Where a neighbour is as bright (vessel, dura, bone) "
        "it may follow it: lower the tolerance or the largest volume, or correct with the brush."
    ),
    intended_use=_INTENDED_USE,
    method=Method.REGION_GROWING,
    modalities=frozenset(),
    segments=(SegmentDescription(1, "Grown region", category=_ABNORMAL, type=_LESION),),
    parameters=(
        ParameterSpec("seed", "Point inside the structure", ParameterKind.POINT),
        ParameterSpec("tolerance", "Tolerance (1 stops at the edge)", ParameterKind.NUMBER, "", 1.0, 0.3, 3.0),
        ParameterSpec("largest_volume", "Largest volume", ParameterKind.NUMBER, "mL", 150.0, 0.001, 5000.0),
    ),
)

LUNGS = ModelSpec(
    name="lungs",
    version="1.1.0",
    title="Lungs",
    summary="Outlines the right and the left lung on CT with their vessels, by air, shape and side.",
    limits=(
        "Needs axial CT in HU with some of the chest; where nothing can be lung it marks nothing and says so. In a "
        "real CT of the upper belly it missed the thin base of the right lung. Fluid, consolidation and tumours wider "
        "than about 18 mm at the rim are left out. It finds no nodules. Dice 0.97 (right) and 0.96 (left) on the lung "
        "bases of one real CT, against another program's outlines rather than a person's; 0.99 and 0.98 on three drawn "
        "chests."
    ),
    intended_use=_INTENDED_USE,
    method=Method.LUNGS,
    modalities=frozenset({"CT"}),
    segments=(
        SegmentDescription(1, "Right lung", category=_ANATOMY, type=("3341006", "SCT", "Right lung"), colour="#0072b2"),
        SegmentDescription(2, "Left lung", category=_ANATOMY, type=("44029006", "SCT", "Left lung"), colour="#e69f00"),
    ),
    needs_volume=True,
)

UPTAKE = ModelSpec(
    name="pet_uptake",
    version="1.0.0",
    title="PET uptake",
    summary="Marks every part of a PET image above a fixed SUV, on request cut at a share of its own maximum.",
    limits=(
        "Knows uptake only: brain, heart, kidneys, bladder and inflammation are marked as lesions are, and must be "
        "erased. On sarcomas cropped closely the mean Dice against experts was 0.45 at SUV 2 (7 patients that decided "
        "nothing; SUV 2 chosen on 27 others, mean 0.58), 0.38 at SUV 2.5, and 0.35 at SUV 2.5 with 41 % of the maximum."
    ),
    intended_use=_INTENDED_USE,
    method=Method.UPTAKE,
    modalities=frozenset({"PT"}),
    segments=(SegmentDescription(1, "Uptake", category=_ABNORMAL, type=_LESION),),
    parameters=(
        ParameterSpec("least_suv", "Least SUV", ParameterKind.NUMBER, "", 2.0, 0.1, 100.0),
        ParameterSpec("share", "Share of each part's maximum (0: none)", ParameterKind.NUMBER, "%", 0.0, 0.0, 99.0),
        ParameterSpec("least_volume", "Least volume", ParameterKind.NUMBER, "mL", 1.0, 0.0, 1000.0),
    ),
    needs_volume=True,
)

SKIN_LESION = ModelSpec(
    name="skin_lesion",
    version="1.0.0",
    title="Skin lesion (photograph)",
    summary="Outlines the one lesion on a photograph of skin by its colour, hair and dark corners left out.",
    limits=(
        "Never measured on patients: only on drawn photographs. Finds one lesion a picture, the one that differs most "
        "in colour from the skin around it; shadows, clothes, ink, scars, gel bubbles and nails may be taken for it, "
        "and a pale lesion on pale skin is missed. Says nothing about what the lesion is. Lengths need a scale in the "
        "picture."
    ),
    intended_use=_INTENDED_USE,
    method=Method.SKIN_LESION,
    modalities=frozenset({"XC", "DMS", "GM", "OT"}),
    segments=(SegmentDescription(1, "Skin lesion", category=_ABNORMAL, type=("95324001", "SCT", "Skin lesion")),),
)

RETINAL_RIDGES = ModelSpec(
    name="retinal_ridges",
    version="1.0.0",
    title="Retinal artery and vein (ridge filter)",
    summary="Marks the vessels of a colour fundus photograph by a ridge filter, arteries told from veins by their red.",
    limits=(
        "Takes a tenth of the retina for vessels, however many there are; thin ones are lost, and the rims of "
        "haemorrhages, exudates and the optic disc are taken for them. Which vessel is an artery is decided pixel by "
        "pixel and often wrong: follow each vessel before trusting its colour. Measured on 3 photographs of one camera."
    ),
    intended_use=_INTENDED_USE,
    method=Method.RETINAL_RIDGES,
    modalities=frozenset({"OP", "XC", "OT"}),
    segments=(
        SegmentDescription(1, "Retinal artery", _ANATOMY, ("51114001", "SCT", "Artery"), "#d55e00"),
        SegmentDescription(2, "Retinal vein", _ANATOMY, ("29092000", "SCT", "Vein"), "#0072b2"),
    ),
)

BRAIN_LESION = ModelSpec(
    name="brain_lesion_flair",
    version="1.0.0",
    title="Bright brain lesion (FLAIR)",
    summary="Marks what shines well above normal brain on FLAIR: oedema and tumour, lesions of multiple sclerosis.",
    limits=(
        "For FLAIR of a whole head, where fluid is dark; on T2 fluid is marked. Knows brightness only, neither what a "
        "lesion is nor its parts; dark cores stay out unless enclosed. Lesions at the brain's surface are dropped with "
        "what is skull there, faint ones are missed, and normal bright cortex near the midline may be marked. On one "
        "real glioma (outlines by other programs) Dice was 0.67, and 0.82 with the largest part alone."
    ),
    intended_use=_INTENDED_USE,
    method=Method.BRAIN_LESION,
    modalities=frozenset({"MR"}),
    segments=(SegmentDescription(1, "Bright lesion", category=_ABNORMAL, type=_LESION),),
    parameters=(
        ParameterSpec("spread", "Border above normal brain (spreads)", ParameterKind.NUMBER, "", 3.0, 1.0, 10.0),
        ParameterSpec("least_volume", "Least volume", ParameterKind.NUMBER, "mL", 0.03, 0.0, 100.0),
        ParameterSpec("most", "Keep the largest (0: all)", ParameterKind.INTEGER, "", 0, 0, 1000),
    ),
    needs_volume=True,
)

CLASSICAL_MODELS: tuple[ModelSpec, ...] = (
    *(OTSU, THRESHOLD, KMEANS, REGION_GROWING),
    *(LUNGS, UPTAKE, SKIN_LESION, RETINAL_RIDGES, BRAIN_LESION),
)
