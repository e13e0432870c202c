"""An Enhanced PET Image whose uptake is known by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedPETImageStorage

from tests.phantoms import SeriesSpec, base_dataset, one_item, save, set_pixels

HALF_LIFE_S = 6586.2
SUV_PER_BECQUEREL = 70_000 / (350e6 * 2 ** (-3600 / HALF_LIFE_S))
"""70 kg; 350 MBq given at 10:00, decayed to 11:00."""


def describe_enhanced_pet(spec: SeriesSpec, slope_of: Callable[[int], float], unit: str = "Bq/ml") -> Dataset:
    """Return the header of the whole grid in one object.

    Each frame carries a rescale slope of its own and a real world value mapping from stored values to `unit`.
    """
    dataset = base_dataset(replace(spec, modality="PT"), EnhancedPETImageStorage, "enhanced pet")
    dataset.NumberOfFrames, dataset.InstanceNumber = spec.shape[0], 1
    dataset.AttenuationCorrected = dataset.DecayCorrected = dataset.ScatterCorrected = "YES"
    dataset.DecayCorrectionDateTime = f"{spec.study_date}110000"
    dataset.PatientWeight, dataset.PatientSize, dataset.PatientSex = "70", "1.75", "F"
    dataset.RadiopharmaceuticalInformationSequence = one_item(
        RadionuclideTotalDose="350000000",
        RadionuclideHalfLife=str(HALF_LIFE_S),
        RadiopharmaceuticalStartDateTime=f"{spec.study_date}100000",
    )
    dataset.SharedFunctionalGroupsSequence = one_item(
        PlaneOrientationSequence=one_item(ImageOrientationPatient=[*spec.row_direction, *spec.column_direction]),
        PixelMeasuresSequence=one_item(PixelSpacing=[*spec.spacing_mm[1:]], SliceThickness=spec.spacing_mm[0]),
    )
    dataset.PerFrameFunctionalGroupsSequence = Sequence(
        _frame(spec, index, slope_of(index), unit) for index in range(spec.shape[0])
    )
    return dataset


def write_enhanced_pet(path: Path, spec: SeriesSpec, slope_of: Callable[[int], float]) -> Path:
    """Write the grid, its values in Bq/mL."""
    dataset, values = describe_enhanced_pet(spec, slope_of), spec.modality_values()
    stored = np.stack([np.round(values[index] / slope_of(index)) for index in range(spec.shape[0])])
    set_pixels(dataset, stored.astype(np.int16))
    path.parent.mkdir(parents=True, exist_ok=True)
    save(dataset, path)
    return path


def _frame(spec: SeriesSpec, index: int, slope: float, unit: str) -> Dataset:
    position = spec.index_to_patient_mm[:3] @ [index, 0, 0, 1]
    frame = Dataset()
    frame.PlanePositionSequence = one_item(ImagePositionPatient=[round(float(each), 6) for each in position])
    frame.FrameContentSequence = one_item(StackID="1", InStackPositionNumber=index + 1)
    frame.PixelValueTransformationSequence = one_item(RescaleIntercept=0, RescaleSlope=slope, RescaleType="US")
    frame.RealWorldValueMappingSequence = one_item(
        RealWorldValueSlope=slope,
        RealWorldValueIntercept=0.0,
        MeasurementUnitsCodeSequence=one_item(CodeValue=unit, CodingSchemeDesignator="UCUM", CodeMeaning=unit),
    )
    return frame
