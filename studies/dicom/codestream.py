"""What a compressed frame says of itself, read before any decoder allocates memory for it."""

from __future__ import annotations

from struct import Struct

from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes, RLELossless

from studies.dicom.errors import PixelsUndecodableError

_J2K_SYNTAXES = frozenset(JPEG2000TransferSyntaxes) | {f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203)}
_JPEG_SYNTAXES = frozenset(JPEGTransferSyntaxes) | frozenset(JPEGLSTransferSyntaxes)
_J2K_START = b"\xff\x4f\xff\x51"
_J2K_SIZE = Struct(">4x2x2xLLLL")  # SOC, SIZ, Lsiz, Rsiz; then Xsiz, Ysiz, XOsiz, YOsiz
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_JPEG_FRAME = Struct(">HBHH")  # length, precision, rows, columns
_RLE_SEGMENTS = Struct("<L")


def check_codestream(frame: bytes, transfer_syntax_uid: str, *, rows: int, columns: int) -> None:
    """Refuse a compressed frame whose own size differs from the one the header states.

    A decoder allocates what the codestream states, so a small file could otherwise claim any amount of memory.

    Raises
    ------
    PixelsUndecodableError
        Where the sizes differ or the codestream has none.

    References
    ----------
    ITU-T T.81 B.2.2 (JPEG), T.87 C.1 (JPEG-LS), T.800 A.5.1 (JPEG 2000); DICOM PS3.5 annex G (RLE).
    """
    if transfer_syntax_uid == RLELossless:
        if len(frame) < 64 or not 1 <= _RLE_SEGMENTS.unpack_from(frame)[0] <= 15:
            raise PixelsUndecodableError("The RLE-compressed image has no valid segment table. Send it again.")
        return
    if transfer_syntax_uid in _J2K_SYNTAXES:
        found = _j2k_size(frame)
    elif transfer_syntax_uid in _JPEG_SYNTAXES:
        found = _jpeg_size(frame)
    else:
        raise PixelsUndecodableError(f"SegWeb does not decode the transfer syntax {transfer_syntax_uid}.")
    if found != (rows, columns):
        stated = f"{found[0]} x {found[1]}" if found else "no size"
        raise PixelsUndecodableError(
            f"The compressed image has {stated}, its header says {rows} x {columns}. Export it again from its source."
        )


def _j2k_size(frame: bytes) -> tuple[int, int] | None:
    start = frame.find(_J2K_START, 0, 4096)  # a JP2 wrapper, though not allowed, is met in the field
    if start < 0 or len(frame) - start < _J2K_SIZE.size:
        return None
    right, bottom, left, top = _J2K_SIZE.unpack_from(frame, start)
    return bottom - top, right - left


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    position = 2
    while frame[:2] == b"\xff\xd8" and position + 4 + 7 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        length, _precision, rows, columns = _JPEG_FRAME.unpack_from(frame, position + 2)
        if marker in _JPEG_FRAMES:
            return rows, columns
        position += 2 + length
    return None
