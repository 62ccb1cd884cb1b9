"""What cannot be read is set aside, with a warning, and never deleted."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

ENDING: Final = ".set-aside"


def set_aside(path: Path, why: str) -> Path | None:
    """Move the file to NAME.TIME.set-aside in its own directory and say so. None when even that failed: it stays."""
    target = path.with_name(f"{path.name}.{time.strftime('%Y%m%dT%H%M%S')}{ENDING}")
    number = 1
    while target.exists() or target.is_symlink():
        number += 1
        target = path.with_name(f"{path.name}.{time.strftime('%Y%m%dT%H%M%S')}-{number}{ENDING}")
    try:
        path.rename(target)
    except OSError as error:
        log.warning("%s: %s; left where it is: %s", path, why, error.strerror)
        return None
    log.warning("%s: %s; set aside as %s", path, why, target.name)
    return target
