"""The console script `pyvirtd`."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Sequence

from pyvirtd.daemon.config import ConfigError
from pyvirtd.daemon.daemon import Daemon
from pyvirtd.daemon.loop import new_loop
from pyvirtd.daemon.options import Options, parse
from pyvirtd.errors import VirtError


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0 after an orderly end, 1 when it could not start, 2 for a wrong command line."""
    options = parse(argv)
    _allow_many_files()
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_run(options))
    except (VirtError, ConfigError) as error:
        print(f"pyvirtd: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(options: Options) -> None:
    await Daemon(options, os.environ).run()


def _allow_many_files() -> None:
    """A client, a monitor and a stream are a descriptor each; the usual soft limit of 1024 is for select()."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
