"""Generate one demo case: ``python -m inference.training.synthetic CASE DIRECTORY``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inference.training.synthetic.cases import write_case
from inference.training.synthetic.catalogue import DEMO_CASES, get_case


def main() -> int:
    """Parse the command line and write the case."""
    parser = argparse.ArgumentParser(description="Generate a synthetic patient as DICOM files.")
    parser.add_argument("case", choices=[case.name for case in DEMO_CASES])
    parser.add_argument("directory", type=Path)
    options = parser.parse_args()
    write_case(get_case(options.case), options.directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
