"""What each modality's object needs beyond the modules that all share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    OphthalmicPhotography8BitImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from inference.training.synthetic.dicom_series import SyntheticSeries, make_uid


def _place(dataset: Dataset, series: SyntheticSeries, index: int) -> None:
    """Fill frame of reference and image plane (PS3.3 C.7.4.1, C.7.6.2) of a slice stack."""
    geometry = series.geometry
    if geometry is None:
        raise ValueError(f"A {series.modality} series needs a geometry.")
    affine = geometry.index_to_patient_mm
    direction = np.reshape(geometry.direction, (3, 3))
    place = affine[:3, 3] + index * affine[:3, 0]
    dataset.FrameOfReferenceUID = make_uid(f"{series.examination.key}/frame")
    dataset.PositionReferenceIndicator = ""
    dataset.PatientPosition = "HFS"
    dataset.ImagePositionPatient = [f"{value:.6g}" for value in place]
    dataset.ImageOrientationPatient = [f"{value:.8g}" for value in (*direction[:, 2], *direction[:, 1])]
    dataset.PixelSpacing = [f"{geometry.spacing_mm[1]:.8g}", f"{geometry.spacing_mm[2]:.8g}"]
    dataset.SliceThickness = f"{geometry.spacing_mm[0]:.8g}"
    dataset.SpacingBetweenSlices = f"{geometry.spacing_mm[0]:.8g}"
    dataset.SliceLocation = f"{place[2]:.6g}"


def complete_mr(dataset: Dataset, series: SyntheticSeries, index: int) -> None:
    """Complete an MR image (PS3.3 C.8.3.1)."""
    dataset.SOPClassUID = MRImageStorage
    dataset.ImageType = ["DERIVED", "PRIMARY", "OTHER"]
    _place(dataset, series, index)
    dataset.ScanOptions = ""
    dataset.MagneticFieldStrength = "3"
    dataset.AcquisitionNumber = 1


def complete_ct(dataset: Dataset, series: SyntheticSeries, index: int) -> None:
    """Complete a CT image (PS3.3 C.8.2.1)."""
    dataset.SOPClassUID = CTImageStorage
    dataset.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
    _place(dataset, series, index)
    dataset.RescaleIntercept = str(series.rescale_intercept)
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "HU"
    dataset.KVP = "120"
    dataset.AcquisitionNumber = 1


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def complete_dx(dataset: Dataset, series: SyntheticSeries, index: int) -> None:
    """Complete a digital X-ray for presentation (PS3.3 C.8.11.1 to C.8.11.3): postero-anterior chest."""
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.ViewPosition = "PA"
    view = _code("272479007", "SCT", "postero-anterior")
    view.ViewModifierCodeSequence = Sequence([])
    dataset.ViewCodeSequence = Sequence([view])
    dataset.PositionerType = "NONE"
    dataset.PatientOrientation = ["L", "F"]
    dataset.ImageLaterality = "U"
    dataset.AnatomicRegionSequence = Sequence([_code("51185008", "SCT", "Chest")])
    dataset.AcquisitionContextSequence = Sequence([])
    row, column = series.spacing_mm or (1.0, 1.0)
    dataset.ImagerPixelSpacing = [f"{row:.8g}", f"{column:.8g}"]
    dataset.DetectorType = "DIRECT"
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.KVP = "120"


def complete_us(dataset: Dataset, series: SyntheticSeries, index: int) -> None:
    """Complete an ultrasound cine (PS3.3 C.8.5.5, C.8.5.6, C.7.6.5, C.7.6.6)."""
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.PatientOrientation = ""
    dataset.NumberOfFrames = int(series.pixels.shape[0])
    dataset.FrameTime = f"{series.frame_time_ms or 40.0:g}"
    dataset.FrameIncrementPointer = 0x00181063
    row, column = series.spacing_mm or (1.0, 1.0)
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = dataset.Columns - 1, dataset.Rows - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # cm
    region.PhysicalDeltaX, region.PhysicalDeltaY = column / 10.0, row / 10.0
    dataset.SequenceOfUltrasoundRegions = Sequence([region])


def complete_op(dataset: Dataset, series: SyntheticSeries, index: int) -> None:
    """Complete a fundus photograph of the right eye (PS3.3 C.8.17.1 to C.8.17.5)."""
    dataset.SOPClassUID = OphthalmicPhotography8BitImageStorage
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "", "COLOR"]  # DERIVED demands a source image here: there is none
    dataset.ImageLaterality = "R"
    dataset.PatientOrientation = ["L", "F"]
    dataset.SynchronizationFrameOfReferenceUID = make_uid(f"{series.examination.key}/clock")
    dataset.SynchronizationTrigger, dataset.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    dataset.AcquisitionDateTime = series.examination.study_date + series.examination.study_time
    dataset.NumberOfFrames = 1
    dataset.FrameTime, dataset.FrameIncrementPointer = "0", 0x00181063
    dataset.DetectorType = "CCD"
    dataset.AcquisitionDeviceTypeCodeSequence = Sequence([_code("409898007", "SCT", "Fundus Camera")])
    for keyword in (
        "IlluminationTypeCodeSequence",
        "LightPathFilterTypeStackCodeSequence",
        "ImagePathFilterTypeStackCodeSequence",
        "LensesCodeSequence",
        "RefractiveStateSequence",
    ):
        setattr(dataset, keyword, Sequence([]))
    dataset.AnatomicRegionSequence = Sequence([_code("5665001", "SCT", "Retina")])
    dataset.HorizontalFieldOfView = 45.0
    dataset.EmmetropicMagnification = dataset.IntraOcularPressure = None
    dataset.PatientEyeMovementCommanded = "NO"
    dataset.PupilDilated = "YES"
    dataset.DegreeOfDilation = None
    dataset.MydriaticAgentSequence = Sequence([])
    dataset.AcquisitionContextSequence = Sequence([])


COMPLETE: dict[str, Callable[[Dataset, SyntheticSeries, int], None]] = {
    "MR": complete_mr,
    "CT": complete_ct,
    "DX": complete_dx,
    "US": complete_us,
    "OP": complete_op,
}
