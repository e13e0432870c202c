"""The rules that a new installation starts with: which images are sent to which task before anybody opens them.

Rules of thumb over what scanners and technologists write, in English and German. They are laid down once, for an
administrator to change. A rule starts switched on only where its task's card shows that the method is better than what
a person would try first; where it is measured and not better, or marks much that must be erased, it starts switched
off. Words are held against body part and descriptions as `inference.services.rule_matching` says; knows no Django.
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.evidence import has_beaten_baseline, read_evidence
from inference.model_spec import ModelSpec
from studies.tracking.acquisition_facts import Weighting

_HEAD = (
    "brain, head, skull, cranium, cranial, cerebral, cerebrum, neuro, pituitary, sella, Kopf, Schädel, Gehirn, Hirn, "
    "Neurocranium, Neurokranium, Hypophyse, cMRT, cMRI, IAC"
)
_NOT_BRAIN = (
    "neck, spine, cspine, tspine, lspine, orbit, orbita, orbits, TMJ, hip, femur, femoral, humerus, shoulder, knee, "
    "pancreas, carotid, dynamic, Hals, HWS, BWS, LWS, WS, Wirbelsäule, Kiefer, Hüfte, Hüftkopf, Schulter, Knie, "
    "Pankreas, dyn, Dynamik"
)
"""The head of a femur is no head; a pituitary's dynamic series is one slice at many times."""
_HEART = (
    "heart, cardiac, cardio, myocardium, left ventricle, LV, CMR, Herz, Kardio, Herz-MRT, Ventrikel, linker Ventrikel"
)
_SHORT_AXIS = "sax, short ax, cine sa, cine ka, kurzachs, kurze achs, kurz achs"
_NOT_CINE = (
    "LGE, late, delayed, viability, PSIR, perfusion, stress, rest, map, mapping, MOLLI, T1 map, T2 map, T2star, STIR, "
    "tagging, tag, flow, phase contrast, PC, scout, localizer, Fluss, Perfusion, Vitalität, Ruhe, lax, long axis, "
    "Langachse, 2ch, 3ch, 4ch"
)
_CHEST = (
    "chest, thorax, thoracic, lung, lungs, pulmonary, HRCT, Lunge, Lungen, Brustkorb, pulmonal, CTPA, low dose lung"
)
_NOT_CHEST = (
    "abdomen, abdominal, pelvis, pelvic, liver, kidney, renal, spine, head, brain, neck, leg, knee, hip, Oberbauch, "
    "Unterbauch, Becken, Leber, Niere, WS, HWS, BWS, LWS, Wirbelsäule, Kopf, Schädel, Hals, Bein, Knie, Hüfte, heart, "
    "coronary, Herz, Koronar, CTA coronary"
)
_FETAL_HEAD = (
    "fetal head, foetal head, fetus head, head circumference, HC, BPD, HC BPD, biparietal, biparietal diameter, "
    "fetaler Kopf, Kopf fetal, Kopf des Feten, Kopfumfang, KU, BIP, biparietaler Durchmesser"
)
_NOT_FETAL_HEAD = (
    "abdomen, abdominal, AC, femur, FL, heart, doppler, cord, placenta, Herz, Nabelschnur, Plazenta, Bauch"
)
_NERVE = (
    "nerve, nerves, nerve block, nerve blocks, plexus, interscalene, supraclavicular, regional anaesthesia, "
    "regional anesthesia, Nerv, Nerven, Nervenblockade, Plexusblockade, Regionalanästhesie, Leitungsanästhesie"
)
_FUNDUS = (
    "fundus, retina, retinal, macula, optic disc, posterior pole, Netzhaut, Augenhintergrund, Makula, Papille, "
    "hinterer Augenpol"
)
_NOT_COLOUR_FUNDUS = (
    "anterior, cornea, lens, slit lamp, angiography, fluorescein, FA, FLA, ICG, autofluorescence, FAF, red free, OCT, "
    "Vorderabschnitt, Spaltlampe, Hornhaut, Linse, Fluoreszenz, Fluoreszenzangiographie, Autofluoreszenz, rotfrei"
)
_CROPPED_HIPPOCAMPUS = (
    "hippocampus crop, hippocampus cropped, cropped hippocampus, hippocampal crop, Hippocampus Ausschnitt, "
    "Ausschnitt Hippocampus, Hippokampus Ausschnitt"
)
_CROPPED_SARCOMA = (
    "sarcoma crop, cropped sarcoma, sarcoma cropped, cropped tumour, cropped tumor, tumour crop, tumor crop, "
    "Sarkom Ausschnitt, Tumor Ausschnitt, Ausschnitt Sarkom, Ausschnitt Tumor"
)


_SKIN = (
    "skin, skin lesion, mole, naevus, nevus, melanoma, dermoscopy, dermatoscopy, Haut, Hautläsion, Hautveränderung, "
    "Leberfleck, Nävus, Muttermal, Melanom, Dermatoskopie, Auflichtmikroskopie"
)


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """A rule before it is laid down; conditions as of `inference.models.RoutingRule`.

    Attributes
    ----------
    name
        Never changes: under it the installation remembers that the rule was laid down.
    is_proven
        Of methods without evidence of their own beside the weights: whether their card shows that they are better than
        a plain threshold.
    is_measured_on_drawings
        Whether the evidence is of drawn images alone, on which nothing is switched on.
    """

    name: str
    title: str
    model_name: str
    modality: str
    body_part: str = ""
    description: str = ""
    excluded: str = ""
    weighting: str = ""
    has_contrast: bool | None = None
    is_proven: bool = False
    is_measured_on_drawings: bool = False

    def is_on_at_first(self, spec: ModelSpec) -> bool:
        """Tell whether the rule starts switched on for the model as it ships."""
        evidence = None if self.is_measured_on_drawings else read_evidence(spec)
        return self.is_proven if evidence is None else has_beaten_baseline(evidence)


DEFAULT_RULES: tuple[DefaultRule, ...] = (
    DefaultRule(
        "brain-tumour",
        "Brain tumour on T1 with contrast",
        "brain_tumour",
        "MR",
        body_part=_HEAD,
        excluded=_NOT_BRAIN,
        weighting=Weighting.T1,
        has_contrast=True,
    ),
    DefaultRule(
        "left-ventricle",
        "Left ventricle on short-axis cine",
        "left_ventricle",
        "MR",
        body_part=_HEART,
        description=_SHORT_AXIS,
        excluded=_NOT_CINE,
    ),
    DefaultRule(
        "hippocampus", "Hippocampus, cropped T1", "hippocampus", "MR", body_part=_CROPPED_HIPPOCAMPUS, weighting="T1"
    ),
    DefaultRule("lungs", "Lungs on chest CT", "lungs", "CT", body_part=_CHEST, excluded=_NOT_CHEST, is_proven=True),
    DefaultRule(
        "lungs-trunk",
        "Lungs on CT of chest and abdomen",
        "lungs",
        "CT",
        body_part=_CHEST,
        description="chest abd, thorax abd, thx abd, chest pelv",
        excluded="head, brain, neck, Kopf, Schädel, Hals",
        is_proven=True,
    ),
    DefaultRule(
        "pet-uptake", "PET uptake, brain and bladder included", "pet_uptake", "PT", excluded="NAC, uncorrected"
    ),
    DefaultRule("pet-tumour", "Sarcoma, cropped PET", "pet_tumour", "PT", body_part=_CROPPED_SARCOMA),
    DefaultRule("fetal-head", "Fetal head", "fetal_head", "US", body_part=_FETAL_HEAD, excluded=_NOT_FETAL_HEAD),
    DefaultRule("nerve-vessel", "Nerve and vessel", "nerve_vessel", "US", body_part=_NERVE),
    DefaultRule(
        "retina-ridges",
        "Retinal vessels on fundus photographs",
        "retinal_ridges",
        "OP",
        body_part=_FUNDUS,
        excluded=_NOT_COLOUR_FUNDUS,
    ),
    DefaultRule(
        "retina-ridges-photograph",
        "Retinal vessels on photographs called fundus",
        "retinal_ridges",
        "XC",
        body_part=_FUNDUS,
        excluded=_NOT_COLOUR_FUNDUS,
    ),
    DefaultRule(
        "retina",
        "Retinal arteries and veins on fundus photographs",
        "retinal_vessels",
        "OP",
        body_part=_FUNDUS,
        excluded=_NOT_COLOUR_FUNDUS,
    ),
    DefaultRule(
        "retina-photograph",
        "Retinal arteries and veins on photographs called fundus",
        "retinal_vessels",
        "XC",
        body_part=_FUNDUS,
        excluded=_NOT_COLOUR_FUNDUS,
    ),
    DefaultRule(
        "skin-photograph",
        "Skin lesion on photographs",
        "skin_lesion",
        "XC",
        body_part=_SKIN,
        is_measured_on_drawings=True,
    ),
    DefaultRule("skin-dermoscopy", "Skin lesion on dermoscopy", "skin_lesion", "DMS", is_measured_on_drawings=True),
)

NOT_ROUTED = {
    "otsu": "Splits grey values; no task.",
    "threshold": "Needs bounds from a person.",
    "kmeans": "Splits grey values; no task.",
    "region_growing": "Needs a point from a person.",
    "brain_lesion_flair": "Marks some normal cortex as well, and measured on drawn heads alone.",
    "enhancing_lesion": "Learnt from synthetic heads alone; the brain tumour task has a network of its own.",
}
"""Models that ship and have no rule, and why."""
