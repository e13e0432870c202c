"""Synthetic images as DICOM files that say what they are: in the pixels, and in the header of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from inference.training.synthetic.dicom_modalities import COMPLETE
from inference.training.synthetic.dicom_series import GENERATOR_VERSION, SyntheticSeries, make_uid
from inference.training.synthetic.lettering import burn_word

COMMENT = "SYNTHETIC IMAGE computed by SegWeb; shows no person. Not for diagnosis."
IMPLEMENTATION_UID = "2.25.143716302110246925418062518604526178305"


def write_dicom(series: SyntheticSeries, directory: Path) -> list[Path]:
    """Write a series, one file per slice or one for the whole cine, and return the paths in order.

    Raises
    ------
    ValueError
        Where the modality is none that this generator knows.

    References
    ----------
    DICOM PS3.3 A.2 (CR), A.3 (CT), A.4 (MR), A.7 (US multi-frame), A.26 (DX), A.41 (ophthalmic photography).
    """
    if series.modality not in COMPLETE:
        raise ValueError(f"{series.modality!r} is not one of {', '.join(sorted(COMPLETE))}.")
    directory.mkdir(parents=True, exist_ok=True)
    complete = COMPLETE[series.modality]
    pixels = burn_word(series.pixels, value=series.mark)
    frames = [pixels] if series.modality == "US" else [pixels[n : n + 1] for n in range(len(pixels))]
    paths = []
    for index, frame in enumerate(frames):
        dataset = _common(series, index, frame)
        complete(dataset, series, index)
        path = directory / f"{series.modality}{series.number:02d}-{index + 1:04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _common(series: SyntheticSeries, index: int, frames: npt.NDArray[np.generic]) -> Dataset:
    dataset = Dataset()
    _identify(dataset, series, index)
    _describe_pixels(dataset, series, frames)
    for keyword, value in series.attributes:
        setattr(dataset, keyword, value)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = "SEGWEB"
    dataset.file_meta = meta
    return dataset


def _identify(dataset: Dataset, series: SyntheticSeries, index: int) -> None:
    """Fill the patient, study, series and equipment modules; what nobody knows of nobody stays empty.

    Synthetic Data (0008,001C) would be the word for it, but validators in use still call it an error.
    """
    examination = series.examination
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.SOPInstanceUID = make_uid(f"{series.key}/{index}")
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = dataset.AcquisitionDate = examination.study_date
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = dataset.AcquisitionTime = examination.study_time
    dataset.AccessionNumber = ""
    dataset.Modality = series.modality
    dataset.Manufacturer = "SegWeb synthetic data"
    dataset.ManufacturerModelName = "Phantom generator"
    dataset.SoftwareVersions = GENERATOR_VERSION
    dataset.DeviceSerialNumber = "0"
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = examination.description
    dataset.SeriesDescription = series.description
    dataset.DerivationDescription = COMMENT
    dataset.PatientName = examination.patient_name
    dataset.PatientID = examination.patient_id
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.QualityControlSubject = "YES"
    dataset.PatientComments = COMMENT
    if series.modality != "OP":
        dataset.BodyPartExamined = series.body_part
    dataset.StudyInstanceUID = make_uid(examination.key)
    dataset.SeriesInstanceUID = series.series_instance_uid
    dataset.StudyID = str(examination.number)
    dataset.SeriesNumber = series.number
    dataset.InstanceNumber = index + 1
    dataset.ImageComments = COMMENT


def _describe_pixels(dataset: Dataset, series: SyntheticSeries, frames: npt.NDArray[np.generic]) -> None:
    colours = frames.ndim == 4
    dataset.SamplesPerPixel = 3 if colours else 1
    dataset.PhotometricInterpretation = "RGB" if colours else "MONOCHROME2"
    if colours:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = int(frames.shape[1]), int(frames.shape[2])
    bits = frames.dtype.itemsize * 8
    stored = 12 if series.modality == "DX" else bits
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, stored, stored - 1
    dataset.PixelRepresentation = 1 if frames.dtype.kind == "i" else 0
    dataset.BurnedInAnnotation = "YES"
    dataset.LossyImageCompression = "00"
    if series.window is not None:
        dataset.WindowCenter, dataset.WindowWidth = (f"{value:g}" for value in series.window)
    raw = np.ascontiguousarray(frames, dtype=frames.dtype.newbyteorder("<")).tobytes()
    dataset.add_new("PixelData", "OB" if bits == 8 else "OW", raw + b"\0" * (len(raw) % 2))
