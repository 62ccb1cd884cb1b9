"""The installed TPM emulator: is there one, and which TPM versions does it speak?"""

from __future__ import annotations

import json
import os
import shutil

from pyvirtd.errors import VirtError
from pyvirtd.host.process import SAFE_PATH, run

_known: dict[tuple[str, int], tuple[str, ...]] = {}


async def tpm_versions() -> tuple[str, ...] | None:
    """Of "1.2", "2.0", those that swtpm offers; None when it isn't installed. Asked once per installed version."""
    paths = [shutil.which(name, path=SAFE_PATH) for name in ("swtpm", "swtpm_setup", "swtpm_ioctl")]
    setup = paths[1]
    if setup is None or None in paths:
        return None
    key = setup, os.stat(setup).st_mtime_ns
    if key not in _known:
        try:
            output = await run([setup, "--print-capabilities"], timeout=10, max_output=1 << 16)
            features = json.loads(output.stdout).get("features", [])
            found = tuple(v for v in ("1.2", "2.0") if f"tpm-{v}" in features)
            # Before 0.7.0 the versions weren't told; it spoke both.
            _known[key] = found or ("1.2", "2.0")
        except (VirtError, OSError, ValueError, AttributeError):
            return None
    return _known[key]
