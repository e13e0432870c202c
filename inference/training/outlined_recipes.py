"""The networks that learn from outlines by people: their sets, grids and schedules.

Sizes are chosen for a CPU: each learns overnight on two cores, most within an hour, and ships below 5 MB in half
precision or 5 MB in single.
"""

from __future__ import annotations

from inference.model_spec import Method, ModelSpec
from inference.network_spec import COLOURS, InputChannel, NetworkSpec, Normalisation, Scheme, VolumeReading, WeightsFile
from inference.training.augment import Augmentation
from inference.training.healthy_halves import mirror_healthy_half
from inference.training.outlined import OutlinedSet
from inference.training.recipes import Recipe
from studies.label_maps.label_map import CodedConcept, SegmentDescription

_ANATOMY: CodedConcept = ("123037004", "SCT", "Anatomical Structure")
_ABNORMAL: CodedConcept = ("49755003", "SCT", "Morphologically Altered Structure")
_CHANNELS_2D = (16, 32, 64, 96, 128)
_INTENDED_USE = "Research: a first outline that a person checks and corrects. Not for diagnosis."
_GREY = Normalisation(Scheme.PERCENTILES, low=1.0, high=99.5, to_low=0.0, to_high=3.0)


def _name_weights(name: str) -> tuple[WeightsFile, ...]:
    return (WeightsFile(f"{name}.pt", ""),)


BRAIN_TUMOUR = Recipe(
    spec=ModelSpec(
        name="brain_tumour",
        version="1.0.0",
        title="Brain tumour (T1 with contrast)",
        summary="Marks glioma, meningioma and pituitary tumour on T1 images with contrast, volumes in three planes.",
        limits=(
            "Gliomas are found worst: on slices that decided nothing a mean Dice of 0.54, with 77 of 186 below "
            "0.5, against 0.86 for meningiomas and 0.80 for pituitary tumours. Learnt from single slices of which "
            "each shows a tumour, and from halves of heads mirrored in place of healthy ones: it marks throat, "
            "vessels, mucosa or the pituitary where there is no tumour. Not tried on metastases, nor after "
            "surgery. One segment: the tumour's kind is not told."
        ),
        intended_use=_INTENDED_USE,
        method=Method.NETWORK,
        modalities=frozenset({"MR"}),
        segments=(SegmentDescription(1, "Brain tumour", _ABNORMAL, ("108369006", "SCT", "Neoplasm")),),
        licence="CC BY 4.0 (weights; learnt from BRISC)",
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": (16, 32, 64, 96, 144)},
            weights=_name_weights("brain_tumour"),
            window=(1, 96, 96),
            flat_axis=0,
            longest_side=96,
            channels=(InputChannel("T1 with contrast", Normalisation(Scheme.TISSUE)),),
            volumes=VolumeReading(1.2, 2.2, "IPL"),
        ),
    ),
    make_case=None,
    learns_from=OutlinedSet(
        "brisc2025.zip",
        "MR",
        "CC BY 4.0",
        "Fateh A et al. BRISC: annotated dataset for brain tumor segmentation and classification. arXiv:2506.14318",
        likeness=0.93,
        make_healthy=mirror_healthy_half,
    ),
    augmentation=Augmentation(
        degrees=15.0,
        stretch=(0.85, 1.2),
        flips=(2,),
        contrast=0.15,
        gamma=0.0,
        noise=0.02,
        blur=0.0,
    ),
    healthy_share=0.1,
    baseline="fitted_region",
    seed=20261123,
    steps=5000,
    windows_per_step=16,
    learning_rate=1.5e-3,
)

LEFT_VENTRICLE = Recipe(
    spec=ModelSpec(
        name="left_ventricle",
        version="1.0.0",
        title="Left-ventricle cavity (cine MR, short axis)",
        summary="Marks the blood pool of the left ventricle on short-axis cine MR, slice by slice.",
        limits=(
            "Learnt from end-diastolic and end-systolic slices of 30 patients that all show the ventricle: above the "
            "base and below the apex it may mark what is none. Long-axis views are not understood. Papillary muscles "
            "belong to the cavity, as in the outlines it learnt from."
        ),
        intended_use=_INTENDED_USE,
        method=Method.NETWORK,
        modalities=frozenset({"MR"}),
        segments=(
            SegmentDescription(1, "Left-ventricle cavity", _ANATOMY, ("87878005", "SCT", "Left ventricle"), "#0072b2"),
        ),
        licence="CC0 1.0 (weights; learnt from the Sunnybrook Cardiac Data)",
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": _CHANNELS_2D},
            weights=_name_weights("left_ventricle"),
            window=(1, 128, 128),
            flat_axis=0,
            longest_side=128,
            channels=(InputChannel("cine MR, short axis", _GREY),),
        ),
    ),
    make_case=None,
    learns_from=OutlinedSet(
        "sunnybrook_lv.zip",
        "MR",
        "CC0 1.0",
        "Radau P et al. Evaluation framework for algorithms segmenting short axis cardiac MRI. MIDAS Journal 2009",
        read_group=lambda name: "-".join(name.split("-")[:4]),
    ),
    augmentation=Augmentation(
        degrees=30.0,
        stretch=(0.8, 1.25),
        shift=0.1,
        flips=(2,),
        contrast=0.25,
        brightness=0.2,
        gamma=0.2,
        noise=0.05,
        blur=0.1,
    ),
    baseline="otsu_centre",
    seed=20261123,
    steps=2200,
    windows_per_step=8,
    learning_rate=3e-3,
)

FETAL_HEAD = Recipe(
    spec=ModelSpec(
        name="fetal_head",
        version="1.0.0",
        title="Fetal head (ultrasound)",
        summary="Marks the fetal head, skull included, on the standard plane for head circumference.",
        limits=(
            "Learnt from frames that all show one whole head in the standard plane; it does not check whether the "
            "plane is the right one. The circumference needs the pixel size in the header."
        ),
        intended_use=_INTENDED_USE,
        method=Method.NETWORK,
        modalities=frozenset({"US"}),
        segments=(SegmentDescription(1, "Fetal head", _ANATOMY, ("69536005", "SCT", "Head"), "#009e73"),),
        licence="CC BY 4.0 (weights; learnt from HC18)",
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": _CHANNELS_2D},
            weights=_name_weights("fetal_head"),
            window=(1, 128, 160),
            flat_axis=0,
            longest_side=160,
            channels=(InputChannel("B-mode", _GREY),),
            keep_largest=((1,),),
        ),
    ),
    make_case=None,
    learns_from=OutlinedSet(
        "hc18_fetal_head.zip",
        "US",
        "CC BY 4.0",
        "van den Heuvel TLA et al. Automated measurement of fetal head circumference. PLoS ONE 2018;13:e0200412",
        read_group=lambda name: name[:3],
    ),
    augmentation=Augmentation(degrees=25.0, stretch=(0.75, 1.3), shift=0.1, flips=(1, 2), contrast=0.4, noise=0.2),
    baseline="ellipse_on_edges",
    seed=20261123,
    steps=750,
    windows_per_step=8,
    learning_rate=3e-3,
)

NERVE_VESSEL = Recipe(
    spec=ModelSpec(
        name="nerve_vessel",
        version="1.0.0",
        title="Nerve and vessel (ultrasound for regional anaesthesia)",
        summary="Marks peripheral nerves and vessels on B-mode frames.",
        limits=(
            "Learnt from about 140 frames of volunteers that one anaesthetist recorded and outlined. Never place a "
            "needle by it."
        ),
        intended_use=_INTENDED_USE,
        method=Method.NETWORK,
        modalities=frozenset({"US"}),
        segments=(
            SegmentDescription(1, "Nerve", _ANATOMY, ("91728009", "SCT", "Nerve"), "#f0e442"),
            SegmentDescription(2, "Vessel", _ANATOMY, ("59820001", "SCT", "Blood Vessel"), "#0072b2"),
        ),
        licence="CC BY 4.0 (weights; learnt from usgra-seg)",
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": _CHANNELS_2D},
            weights=_name_weights("nerve_vessel"),
            window=(1, 128, 128),
            flat_axis=0,
            longest_side=128,
            channels=(InputChannel("B-mode", _GREY),),
        ),
    ),
    make_case=None,
    learns_from=OutlinedSet(
        "usgra_nerve_us.zip", "US", "CC BY 4.0", "usgra-seg: ultrasound for regional anaesthesia, T. M. K., 2025"
    ),
    augmentation=Augmentation(degrees=12.0, stretch=(0.85, 1.2), shift=0.1, flips=(2,), contrast=0.3, noise=0.1),
    seed=20261123,
    steps=1400,
    windows_per_step=8,
    learning_rate=3e-3,
)

RETINAL_VESSELS = Recipe(
    spec=ModelSpec(
        name="retinal_vessels",
        version="1.0.0",
        title="Retinal artery and vein (fundus photograph)",
        summary="Marks retinal arteries and veins on colour fundus photographs.",
        limits=(
            "Learnt from a few photographs of one camera. Where an artery crosses a vein one of them is interrupted; "
            "haemorrhages may be taken for vessels."
        ),
        intended_use=_INTENDED_USE,
        method=Method.NETWORK,
        modalities=frozenset({"OP", "XC", "OT"}),
        segments=(
            SegmentDescription(1, "Retinal artery", _ANATOMY, ("51114001", "SCT", "Artery"), "#d55e00"),
            SegmentDescription(2, "Retinal vein", _ANATOMY, ("29092000", "SCT", "Vein"), "#0072b2"),
        ),
        licence="CC BY 4.0 (weights; learnt from LES-AV)",
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": _CHANNELS_2D},
            weights=_name_weights("retinal_vessels"),
            window=(1, 192, 192),
            flat_axis=0,
            longest_side=896,
            channels=tuple(InputChannel(name, _GREY) for name in COLOURS),
            overlap=0.25,
        ),
    ),
    make_case=None,
    learns_from=OutlinedSet(
        "fundus_av.zip",
        "OP",
        "CC BY 4.0",
        "Orlando JI et al. Towards a glaucoma risk index based on simulated hemodynamics. MICCAI 2018 (LES-AV)",
        read_group=str,
    ),
    augmentation=Augmentation(
        degrees=180.0,
        stretch=(0.75, 1.4),
        shift=None,
        flips=(1, 2),
        truth_share=0.7,
        contrast=0.3,
        noise=0.04,
        blur=0.1,
    ),
    unsure=(3,),
    baseline="frangi",
    seed=20261123,
    steps=900,
    windows_per_step=8,
    learning_rate=3e-3,
)

HIPPOCAMPUS = Recipe(
    spec=ModelSpec(
        name="hippocampus",
        version="1.0.0",
        title="Hippocampus, head and body (T1, cropped)",
        summary="Marks the hippocampus, head apart from body and tail, on a T1 volume cropped about it.",
        limits=(
            "Takes a volume cropped about one hippocampus, some 35 x 50 x 35 mm, as its training set has them: a whole "
            "head is not understood. Crop first."
        ),
        intended_use=_INTENDED_USE,
        method=Method.NETWORK,
        modalities=frozenset({"MR"}),
        needs_volume=True,
        segments=(
            SegmentDescription(1, "Hippocampus, head", _ANATOMY, ("5366008", "SCT", "Hippocampus"), "#cc79a7"),
            SegmentDescription(2, "Hippocampus, body and tail", _ANATOMY, ("5366008", "SCT", "Hippocampus"), "#56b4e9"),
        ),
        licence="CC BY-SA 4.0 (weights; learnt from Medical Segmentation Decathlon, Task 04)",
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": (16, 32, 64, 96)},
            weights=_name_weights("hippocampus"),
            window=(40, 56, 40),
            spacing_mm=(1.0, 1.0, 1.0),
            orientation="SAR",
            channels=(InputChannel("T1, cropped", Normalisation(Scheme.Z_SCORE)),),
        ),
    ),
    make_case=None,
    learns_from=OutlinedSet(
        "msd_hippocampus.zip",
        "MR",
        "CC BY-SA 4.0",
        "Antonelli M et al. The Medical Segmentation Decathlon. Nat Commun 2022;13:4128",
        read_group=str,
    ),
    augmentation=Augmentation(degrees=12.0, stretch=(0.85, 1.2), shift=0.08, flips=(0,)),
    baseline="atlas_average",
    seed=20261123,
    steps=900,
    windows_per_step=4,
    learning_rate=3e-3,
)

PET_LESION = Recipe(
    spec=ModelSpec(
        name="pet_tumour",
        version="1.0.0",
        title="Soft-tissue tumour on PET (SUV)",
        summary="Marks a soft-tissue sarcoma on FDG PET in SUV, for metabolic volume.",
        limits=(
            "Learnt from PET volumes cropped about one sarcoma: heart, brain, kidneys, bladder and whatever else takes "
            "up FDG by nature may be marked in a whole body. Crop first."
        ),
        intended_use=_INTENDED_USE,
        method=Method.NETWORK,
        modalities=frozenset({"PT"}),
        needs_volume=True,
        segments=(SegmentDescription(1, "Tumour", _ABNORMAL, ("108369006", "SCT", "Neoplasm")),),
        licence="CC BY 3.0 (weights; learnt from Soft-tissue-Sarcoma, IBSI validation)",
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": (16, 32, 64, 96)},
            weights=_name_weights("pet_tumour"),
            window=(48, 48, 48),
            spacing_mm=(4.0, 4.0, 4.0),
            channels=(InputChannel("PET, SUV", Normalisation(Scheme.PERCENTILES, 50.0, 99.9, to_high=4.0)),),
        ),
    ),
    make_case=None,
    learns_from=OutlinedSet(
        "ibsi_sts.zip",
        "PT",
        "CC BY 3.0",
        "Vallières M et al. Phys Med Biol 2015;60:5471; TCIA doi:10.7937/K9/TCIA.2015.7GO2GSKS",
        read_group=lambda name: name.split("/")[0],
    ),
    augmentation=Augmentation(degrees=20.0, stretch=(0.75, 1.35), shift=0.15, flips=(0, 1, 2)),
    baseline="pet_uptake",
    seed=20261123,
    steps=600,
    windows_per_step=4,
    learning_rate=3e-3,
)

OUTLINED_RECIPES = (
    BRAIN_TUMOUR,
    LEFT_VENTRICLE,
    FETAL_HEAD,
    NERVE_VESSEL,
    RETINAL_VESSELS,
    HIPPOCAMPUS,
    PET_LESION,
)
