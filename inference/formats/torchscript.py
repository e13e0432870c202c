"""TorchScript: a network together with its code, in a language of torch's own.

TorchScript is no Python and cannot import or call it, but its operators are torch's: a few of them reach files, and
those of extensions reach anything. Both are refused by name, before the file is loaded; it is loaded only by the
worker that runs it, never by the web server. What is left is a program that can still use up time and memory: the
worker's limits end it. Import such files from people you trust, or prefer weights of a known network.
"""

from __future__ import annotations

import io
import re
import zipfile

from inference.formats.refusals import BrokenModelError, UnsafeModelError

_MOST_CODE_BYTES = 32 * 1024**2
_FOREIGN = re.compile(rb"\bops\.(?!aten\b|prim\b|prims\b|quantized\b)(\w+)\.(\w+)")
_REACHING = re.compile(rb"\b(?:torch|ops\.aten)\.(from_file|save|load|_save|_load)\s*\(")


def check_torchscript(name: str, data: bytes) -> None:
    """Refuse a file that is no TorchScript, or whose code reaches beyond arithmetic; loads nothing.

    Raises
    ------
    UnsafeModelError
        Names the operator.
    BrokenModelError
        Where it is no whole TorchScript archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            code = [member for member in archive.infolist() if member.filename.endswith(".py")]
            if not code or not any(member.filename.endswith("/data.pkl") for member in archive.infolist()):
                raise BrokenModelError(f"{name} is no TorchScript file. Save it with torch.jit.save.")
            if sum(member.file_size for member in code) > _MOST_CODE_BYTES:
                raise UnsafeModelError(f"{name} holds far more code than any network.")
            for member in code:
                _check_code(name, archive.read(member))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BrokenModelError(f"{name} is no whole TorchScript file. Copy or export it again.") from error


def _check_code(name: str, code: bytes) -> None:
    foreign = _FOREIGN.search(code)
    if foreign:
        operator = b"::".join(foreign.groups()).decode()
        raise UnsafeModelError(f"{name} uses the operator {operator}, which is not torch's own. Export without it.")
    reaching = _REACHING.search(code)
    if reaching:
        raise UnsafeModelError(
            f"{name} uses torch.{reaching.group(1).decode()}, which reaches files. Export without it."
        )
