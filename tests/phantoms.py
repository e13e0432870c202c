"""Real DICOM series whose answers are known from geometry.

``write_series(folder, spec)`` writes one series, one file per slice, and returns the paths in slice order. A
`SeriesSpec` says where the slices lie; `missing`, `repeated`, `slice_direction` and `sizes` make the series that are no
plain volume.
Shapes (`sphere`, `ellipsoid`, `touching_pair`) are boolean masks on a spec's grid; `volume_ml` formulas are exact.

    spec = SeriesSpec(shape=(20, 64, 64), spacing_mm=(2.0, 1.0, 1.0))
    ball = sphere(spec, radius_mm=12.0)
    paths = write_series(tmp_path, replace(spec, voxels=np.where(ball, 100, -800)))

Other kinds of object: `write_enhanced`, `write_beating`, `write_cine`, `write_projection`, `write_pet`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

Vector = tuple[float, float, float]

SOP_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
}


@dataclass(frozen=True)
class SeriesSpec:
    """A series to write. Lengths in mm, patient LPS; index order is (slice, row, column).

    `row_direction` is the unit vector along a row (increasing column index), `column_direction` down a column, as in
    ImageOrientationPatient. `slice_direction` is their cross product unless stated (a tilted gantry states another).
    """

    name: str = "phantom"
    modality: str = "CT"
    shape: tuple[int, int, int] = (12, 32, 40)
    spacing_mm: Vector = (2.5, 0.8, 0.7)
    origin_mm: Vector = (-14.0, -12.8, 30.0)
    row_direction: Vector = (1.0, 0.0, 0.0)
    column_direction: Vector = (0.0, 1.0, 0.0)
    slice_direction: Vector | None = None
    voxels: npt.NDArray | None = None
    """Modality values; a ramp when not given. Stored as int16 through `slope` and `intercept`."""
    slope: float = 1.0
    intercept: float = -1024.0
    missing: frozenset[int] = frozenset()
    """Slices that are not written."""
    repeated: frozenset[int] = frozenset()
    """Slices that are written twice, with UIDs of their own."""
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Slice -> (rows, columns) that differ from the shape."""
    patient_id: str = "PHANTOM-1"
    patient_name: str = "Phantom^Sphere"
    study_date: str = "20260102"
    study_description: str = "Phantom study"
    series_number: int = 1
    extra: dict[str, object] = field(default_factory=dict)
    """Keyword -> value, set last on each file."""

    @property
    def study_instance_uid(self) -> str:
        return uid("study", self.patient_id, self.study_date, self.study_description)

    @property
    def series_instance_uid(self) -> str:
        return uid("series", self.study_instance_uid, self.name, str(self.series_number))

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        return np.cross(self.row_direction, self.column_direction)

    @property
    def index_to_patient_mm(self) -> npt.NDArray[np.float64]:
        """4x4 from (slice, row, column, 1) to LPS."""
        along_slices = self.normal if self.slice_direction is None else np.asarray(self.slice_direction)
        affine = np.eye(4)
        affine[:3, 0] = along_slices * self.spacing_mm[0]
        affine[:3, 1] = np.asarray(self.column_direction) * self.spacing_mm[1]
        affine[:3, 2] = np.asarray(self.row_direction) * self.spacing_mm[2]
        affine[:3, 3] = self.origin_mm
        return affine

    def modality_values(self) -> npt.NDArray:
        """Return the voxels, or a ramp that is different everywhere it can be."""
        if self.voxels is not None:
            return np.asarray(self.voxels)
        return (np.arange(int(np.prod(self.shape))).reshape(self.shape) % 2000) * self.slope + self.intercept


def uid(*parts: str) -> str:
    """Return the same UID for the same words."""
    return str(generate_uid(entropy_srcs=list(parts)))


# --- shapes -----------------------------------------------------------------------------------------------------


def positions_mm(spec: SeriesSpec) -> npt.NDArray[np.float64]:
    """Centres of all voxels in LPS, shape (slice, row, column, 3)."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in spec.shape), indexing="ij"), axis=-1)
    affine = spec.index_to_patient_mm
    return index @ affine[:3, :3].T + affine[:3, 3]


def centre_mm(spec: SeriesSpec) -> npt.NDArray[np.float64]:
    """Centre of the grid in LPS."""
    return spec.index_to_patient_mm[:3] @ np.append((np.asarray(spec.shape) - 1) / 2, 1.0)


def ellipsoid(spec: SeriesSpec, semi_axes_mm: Vector, at_mm: npt.ArrayLike | None = None) -> npt.NDArray[np.bool_]:
    """Voxels whose centre lies in an ellipsoid with axes along LPS x, y, z. Volume: 4/3 pi a b c."""
    offset = (positions_mm(spec) - (centre_mm(spec) if at_mm is None else at_mm)) / np.asarray(semi_axes_mm)
    return (offset**2).sum(axis=-1) <= 1.0


def sphere(spec: SeriesSpec, radius_mm: float, at_mm: npt.ArrayLike | None = None) -> npt.NDArray[np.bool_]:
    """Voxels whose centre lies in a ball. Volume: 4/3 pi r^3."""
    return ellipsoid(spec, (radius_mm, radius_mm, radius_mm), at_mm)


def touching_pair(spec: SeriesSpec, radius_mm: float) -> npt.NDArray[np.uint8]:
    """Two balls of equal radius that touch at the centre of the grid, left and right of it: labels 1 and 2."""
    shift = np.array([radius_mm, 0.0, 0.0])
    pair = np.zeros(spec.shape, np.uint8)
    pair[sphere(spec, radius_mm, centre_mm(spec) - shift)] = 1
    pair[sphere(spec, radius_mm, centre_mm(spec) + shift)] = 2
    return pair


def lopsided_body(spec: SeriesSpec, at_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A body in HU without symmetry, its middle at a place: there is one way only to lay two of them over each other.

    It spans 96 x 120 x 92 mm.
    """
    values = np.random.default_rng(5).normal(-1000.0, 12.0, spec.shape)
    for centre, axes, grey in (
        ((0, 0, 0), (48, 60, 46), 0),
        ((14, 8, 6), (10, 26, 12), 400),
        ((-18, 4, 10), (8, 18, 10), 900),
        ((20, -34, -14), (14, 10, 12), 700),
        ((-22, 26, -16), (12, 9, 14), 500),
    ):
        inside = ellipsoid(spec, axes, np.asarray(at_mm) + np.asarray(centre, dtype=float))
        values[inside] = grey + np.random.default_rng(grey).normal(0.0, 12.0, int(inside.sum()))
    return values


def sphere_volume_ml(radius_mm: float) -> float:
    """Exact volume of a ball, mL."""
    return 4.0 / 3.0 * np.pi * radius_mm**3 / 1000.0


# --- series that are no plain volume ----------------------------------------------------------------------------


def oblique(spec: SeriesSpec, degrees: float = 25.0) -> SeriesSpec:
    """The same grid, turned about x and then about z."""
    a, b = np.radians(degrees), np.radians(degrees / 2)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    turn = about_z @ about_x
    row, column = (tuple(float(x) for x in turn @ np.asarray(v)) for v in (spec.row_direction, spec.column_direction))
    return _changed(spec, name=f"{spec.name}-oblique", row_direction=row, column_direction=column)


def tilted_gantry(spec: SeriesSpec, degrees: float = 15.0) -> SeriesSpec:
    """The table moves along z while the slices lean by `degrees` about x."""
    a = np.radians(degrees)
    return _changed(
        spec,
        name=f"{spec.name}-tilted",
        column_direction=(0.0, float(np.cos(a)), float(np.sin(a))),
        slice_direction=(0.0, 0.0, 1.0),
        extra={**spec.extra, "GantryDetectorTilt": degrees},
    )


def _changed(spec: SeriesSpec, **changes: object) -> SeriesSpec:
    return SeriesSpec(**{**spec.__dict__, **changes})  # type: ignore[arg-type]


# --- writers ----------------------------------------------------------------------------------------------------


def write_series(directory: Path, spec: SeriesSpec) -> list[Path]:
    """Write one file per slice and return the paths in slice order, copies right after their original."""
    directory.mkdir(parents=True, exist_ok=True)
    values, affine = spec.modality_values(), spec.index_to_patient_mm
    paths = []
    for index in range(spec.shape[0]):
        for copy in range(0 if index in spec.missing else 1 + (index in spec.repeated)):
            dataset = _slice_dataset(spec, values[index], affine, index, copy)
            path = directory / f"{spec.name}-{spec.series_number}-{index:04d}{'-copy' * copy}.dcm"
            save(dataset, path)
            paths.append(path)
    return paths


def _slice_dataset(
    spec: SeriesSpec, values: npt.NDArray, affine: npt.NDArray[np.float64], index: int, copy: int
) -> Dataset:
    rows, columns = spec.sizes.get(index, spec.shape[1:])
    if (rows, columns) != values.shape:
        values = np.full((rows, columns), values.flat[0])
    dataset = base_dataset(spec, SOP_CLASSES[spec.modality], f"{index}-{copy}")
    dataset.InstanceNumber = index + 1
    dataset.ImagePositionPatient = _decimals(affine[:3] @ [index, 0, 0, 1])
    dataset.ImageOrientationPatient = _decimals((*spec.row_direction, *spec.column_direction))
    dataset.PixelSpacing = _decimals(spec.spacing_mm[1:])
    dataset.SliceThickness = _decimals(spec.spacing_mm[:1])[0]
    dataset.RescaleSlope, dataset.RescaleIntercept = _decimals((spec.slope, spec.intercept))
    if spec.modality == "CT":
        dataset.RescaleType, dataset.KVP, dataset.AcquisitionNumber = "HU", 120, 1
    if spec.modality == "MR":
        dataset.update(dict.fromkeys(("RepetitionTime", "EchoTime"), ""))
        dataset.ScanningSequence, dataset.SequenceVariant, dataset.ScanOptions = "SE", "NONE", ""
        dataset.MRAcquisitionType, dataset.EchoTrainLength = "3D", ""
    set_pixels(dataset, np.round((values - spec.intercept) / spec.slope).astype(np.int16))
    for keyword, value in spec.extra.items():
        setattr(dataset, keyword, value)
    return dataset


def write_enhanced(path: Path, spec: SeriesSpec, order: list[int] | None = None) -> Path:
    """Write the whole grid as one enhanced multi-frame MR; `order` shuffles the frames (slice index per frame)."""
    frames = list(range(spec.shape[0])) if order is None else order
    values, affine = spec.modality_values(), spec.index_to_patient_mm
    dataset = base_dataset(spec, EnhancedMRImageStorage, "enhanced")
    dataset.NumberOfFrames, dataset.InstanceNumber = len(frames), 1
    shared = Dataset()
    shared.PlaneOrientationSequence = one_item(
        ImageOrientationPatient=_decimals((*spec.row_direction, *spec.column_direction))
    )
    shared.PixelMeasuresSequence = one_item(
        PixelSpacing=_decimals(spec.spacing_mm[1:]), SliceThickness=_decimals(spec.spacing_mm[:1])[0]
    )
    shared.PixelValueTransformationSequence = one_item(
        RescaleIntercept=spec.intercept, RescaleSlope=spec.slope, RescaleType="US"
    )
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_frame_group(affine, index) for index in frames])
    set_pixels(dataset, np.round((values[frames] - spec.intercept) / spec.slope).astype(np.int16))
    save(dataset, path)
    return path


def _frame_group(affine: npt.NDArray[np.float64], index: int) -> Dataset:
    group = Dataset()
    group.PlanePositionSequence = one_item(ImagePositionPatient=_decimals(affine[:3] @ [index, 0, 0, 1]))
    group.FrameVOILUTSequence = one_item(WindowCenter=40 + index, WindowWidth=400)
    group.FrameContentSequence = one_item(StackID="1", InStackPositionNumber=index + 1)
    return group


def write_pet(directory: Path, spec: SeriesSpec, slope_of: Callable[[int], float]) -> list[Path]:
    """Write a PET in Bq/mL whose slices each carry a slope of their own, as scanners do."""
    directory.mkdir(parents=True, exist_ok=True)
    values, affine = spec.modality_values(), spec.index_to_patient_mm
    paths = []
    for index in range(spec.shape[0]):
        scaled = _changed(spec, modality="PT", slope=slope_of(index), intercept=0.0)
        dataset = _slice_dataset(scaled, values[index], affine, index, 0)
        dataset.Units, dataset.DecayCorrection, dataset.CorrectedImage = "BQML", "START", ["DECY", "ATTN"]
        dataset.SeriesType, dataset.CountsSource = ["STATIC", "IMAGE"], "EMISSION"
        paths.append(directory / f"{spec.name}-pet-{index:04d}.dcm")
        save(dataset, paths[-1])
    return paths


def write_beating(
    directory: Path, spec: SeriesSpec, values: npt.NDArray, *, interval_ms: float | None = 40.0
) -> list[Path]:
    """Write a heart's short-axis stack at many times as one MR series, place by place; return the paths in that order.

    `values` has axes (phase, slice, row, column). Trigger times lie `interval_ms` apart, a little more with each place;
    None leaves them out.
    """
    directory.mkdir(parents=True, exist_ok=True)
    affine, phases = spec.index_to_patient_mm, len(values)
    scanned = _changed(spec, modality="MR", intercept=0.0)
    paths = []
    for index in range(spec.shape[0]):
        for phase in range(phases):
            dataset = _slice_dataset(scanned, values[phase, index], affine, index, phase)
            dataset.InstanceNumber = index * phases + phase + 1
            if interval_ms is not None:
                dataset.TriggerTime = f"{phase * (interval_ms + index):.1f}"
            paths.append(directory / f"{spec.name}-{index:02d}-{phase:02d}.dcm")
            save(dataset, paths[-1])
    return paths


def write_cine(path: Path, frames: npt.NDArray[np.uint8], spec: SeriesSpec | None = None) -> Path:
    """Write an RGB ultrasound cine; `frames` has axes (frame, row, column, 3). One region, 0.2 mm pixels."""
    spec = spec or SeriesSpec(name="cine", modality="US")
    dataset = base_dataset(spec, UltrasoundMultiFrameImageStorage, "cine")
    dataset.Modality, dataset.InstanceNumber, dataset.NumberOfFrames = "US", 1, len(frames)
    dataset.FrameTime, dataset.FrameIncrementPointer = "33.3", 0x00181063
    dataset.SequenceOfUltrasoundRegions = one_item(
        RegionSpatialFormat=1, RegionDataType=1, RegionFlags=0, RegionLocationMinX0=0, RegionLocationMinY0=0,
        RegionLocationMaxX1=frames.shape[2] - 1, RegionLocationMaxY1=frames.shape[1] - 1,
        PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3, PhysicalDeltaX=0.02, PhysicalDeltaY=0.02,
    )  # fmt: skip
    set_pixels(dataset, frames)
    save(dataset, path)
    return path


def write_projection(path: Path, pixels: npt.NDArray[np.uint16], spec: SeriesSpec | None = None) -> Path:
    """Write a digital X-ray (DX), MONOCHROME1, 0.143 mm at the detector; `pixels` has axes (row, column)."""
    spec = spec or SeriesSpec(name="projection", modality="DX")
    dataset = base_dataset(spec, DigitalXRayImageStorageForPresentation, "projection")
    dataset.Modality, dataset.InstanceNumber, dataset.ImagerPixelSpacing = "DX", 1, ["0.143", "0.143"]
    dataset.PresentationIntentType, dataset.ViewPosition, dataset.BodyPartExamined = "FOR PRESENTATION", "PA", "CHEST"
    dataset.WindowCenter, dataset.WindowWidth = "2048", "4096"
    set_pixels(dataset, pixels)
    dataset.PhotometricInterpretation, dataset.BitsStored, dataset.HighBit = "MONOCHROME1", 12, 11
    del dataset.FrameOfReferenceUID
    save(dataset, path)
    return path


def base_dataset(spec: SeriesSpec, sop_class: str, instance: str) -> Dataset:
    """Return what every object carries: patient, study, series, equipment and identity."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = uid("instance", spec.series_instance_uid, instance)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PatientName, dataset.PatientID = spec.patient_name, spec.patient_id
    dataset.PatientBirthDate, dataset.PatientSex = "19700131", "O"
    dataset.QualityControlSubject = "YES"
    dataset.StudyInstanceUID, dataset.StudyID = spec.study_instance_uid, "1"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = spec.study_date
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = "101500"
    dataset.StudyDescription, dataset.SeriesDescription = spec.study_description, spec.name
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "A1", "Referrer^R"
    dataset.SeriesInstanceUID, dataset.SeriesNumber = spec.series_instance_uid, spec.series_number
    dataset.Modality, dataset.PatientPosition = spec.modality, "HFS"
    dataset.Manufacturer, dataset.Laterality = "SegWeb phantoms", ""
    dataset.FrameOfReferenceUID = uid("frame", spec.study_instance_uid)
    dataset.PositionReferenceIndicator = ""
    return dataset


def set_pixels(dataset: Dataset, pixels: npt.NDArray) -> None:
    """Set the pixel module from an array: (row, column), (frame, row, column) or (frame, row, column, 3) uint8."""
    colour = pixels.ndim == 4
    dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    encoded = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    dataset.PixelData = encoded + bytes(len(encoded) % 2)
    dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"


def save(dataset: Dataset, path: Path) -> None:
    """Write a Part 10 file in Explicit VR Little Endian."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def one_item(**values: object) -> Sequence:
    """Return a sequence of one item with these attributes."""
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return Sequence([item])


def _decimals(values: npt.ArrayLike) -> list[str]:
    """Write numbers as DS: at most 16 characters."""
    return [f"{float(value):.10g}"[:16] for value in np.asarray(values, dtype=float).reshape(-1)]
