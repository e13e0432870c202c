"""The networks that learn from drawn images alone: change a number here and another network comes out."""

from __future__ import annotations

import numpy as np

from inference.model_spec import Method, ModelSpec
from inference.network_spec import InputChannel, NetworkSpec, Normalisation, Scheme, WeightsFile
from inference.training.recipes import Recipe, Truth
from inference.training.synthetic.brain_sampler import random_brain_lesion_case
from studies.imaging.volume import Volume
from studies.label_maps.label_map import SegmentDescription


def make_enhancing_lesion_case(rng: np.random.Generator) -> tuple[Volume, Truth]:
    """Draw a contrast-enhanced T1 head; truth 1 is the tumour core: enhancing rim and what it encloses."""
    volume, label_map = random_brain_lesion_case(rng, shape=(64, 80, 80), spacing_mm=(2.0, 2.0, 2.0))
    return volume, np.isin(label_map.voxels, (1, 2)).astype(np.uint8)


ENHANCING_LESION = Recipe(
    spec=ModelSpec(
        name="enhancing_lesion",
        version="1.1.0",
        title="Enhancing brain lesion (T1 with contrast)",
        summary="Marks contrast-enhancing lesions of the brain, with the core they enclose, on one T1 series.",
        limits=(
            "Trained on synthetic images only; never validated on patients. Misses lesions that do not enhance, "
            "and may mark vessels, dura, mucosa or fat. For trying out SegWeb, not for reading."
        ),
        intended_use="Trying out SegWeb: an outline that a person checks and corrects. Not for reading.",
        method=Method.NETWORK,
        modalities=frozenset({"MR"}),
        segments=(SegmentDescription(1, "Enhancing lesion", colour="#e69f00"),),
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": (10, 20, 40, 80)},
            weights=(WeightsFile("enhancing_lesion.pt", ""),),
            window=(16, 64, 64),
            channels=(InputChannel("T1 with contrast", Normalisation(Scheme.BODY)),),
            spacing_mm=(2.0, 2.0, 2.0),
        ),
        needs_volume=True,
    ),
    make_case=make_enhancing_lesion_case,
    seed=20261122,
    steps=1300,
    windows_per_step=4,
    learning_rate=3e-3,
    observations=(
        "Vestibular schwannoma (Vestibular-Schwannoma-SEG, VS-SEG-001, T1 with contrast): marked 0.9 mL, none of it "
        "the tumour.",
        "Demo glioma on three dates (synthetic): marked 0.0, 0.3 and 9.3 mL where the core has 2.1, 7.4 and 26.5 mL.",
        "Quality gate: its reference images are drawn, as those it learnt from. On 10 other drawn cases none of 5 with "
        "a Dice of at least 0.7 and 4 of 5 below are sent to a person. VS-SEG-001 is sent to one, for a Dice to expect "
        "of 0.24: its image lies within what was drawn (1.25, at most 1.47).",
    ),
)
