#!/usr/bin/env python3
"""`make run`: start pyvirtd, and let Debian's virsh define, start, watch and shut down a real guest.

Everything lives in a temporary directory and is gone afterwards: no configuration, no system service, no root needed.
Without a terminal it runs through and exits 0; with one it hands over the guest's console.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).parent))
import guest

NAME = "hello"
DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{place}/vmlinuz</kernel>
    <initrd>{place}/initrd.img</initrd>
    <cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <devices>
    <interface type='user'><model type='virtio'/></interface>
    <serial type='pty'/>
    <console type='pty'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""


class Failed(Exception):
    """Something the demonstration cannot go on without."""


def say(text: str) -> None:
    """A line of our own, told from what the programs print."""
    print(f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text, flush=True)


class Demo:
    """One daemon, one guest."""

    def __init__(self, uri: str | None) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="pyvirtd-", dir="/tmp"))
        self.root.chmod(0o755)
        self.log = self.root / "pyvirtd.log"
        self.given = uri
        place = "system" if os.geteuid() == 0 else "session"
        self.uri = uri or f"qemu+unix:///{place}?socket={self.root}/run/libvirt-sock"
        self.daemon: subprocess.Popen[bytes] | None = None

    def start_daemon(self) -> None:
        """Start pyvirtd and wait until it listens."""
        if self.given:
            return
        program = Path(sys.executable).with_name("pyvirtd")
        argv = [str(program), "--root", str(self.root)]
        say("$ " + " ".join([os.path.relpath(program), *argv[1:]]) + " &")
        began = time.monotonic()
        with open(self.log, "wb") as log:
            self.daemon = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        path = str(self.root / "run/libvirt-sock")
        while True:
            with socket.socket(socket.AF_UNIX) as sock:
                if sock.connect_ex(path) == 0:
                    break
            if self.daemon.poll() is not None:
                raise Failed(f"pyvirtd ended at once, status {self.daemon.returncode}")
            if time.monotonic() - began > 20:
                raise Failed("pyvirtd does not listen after 20 seconds")
            time.sleep(0.01)
        say(f"pyvirtd listens after {time.monotonic() - began:.2f} s")

    def virsh(self, *args: str, show: bool = True) -> str:
        """Run virsh; its output is printed and returned."""
        argv = ["virsh", "-c", self.uri, *args]
        if show:
            say("$ virsh " + " ".join(args))
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            check=False,
        )
        if done.returncode:
            raise Failed(f"virsh {' '.join(args)}: {done.stderr.strip() or done.stdout.strip()}")
        if show and (text := done.stdout.strip()):
            print(text, flush=True)
        return done.stdout

    def watch_console(self, timeout: float = 120.0) -> str:
        """Read the guest's serial console through `virsh console` until the greeting comes."""
        say(f"$ virsh console {NAME}        (waiting for the guest's greeting)")
        pid, fd = pty.fork()
        if pid == 0:
            os.execlp("virsh", "virsh", "-c", self.uri, "console", NAME)
        seen, end = b"", time.monotonic() + timeout
        try:
            # The greeting is a whole line: wait for its end too.
            while guest.GREETING.encode() not in seen or b"\n" not in seen.split(guest.GREETING.encode(), 1)[1]:
                if time.monotonic() > end:
                    raise Failed(f"the guest said nothing like {guest.GREETING!r}; its console:\n{seen.decode()}")
                if not select.select([fd], [], [], 0.5)[0]:
                    continue
                try:
                    data = os.read(fd, 4096)
                except OSError:
                    data = b""
                if not data:
                    raise Failed(f"virsh console ended: {seen.decode(errors='replace')}")
                seen += data
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            os.close(fd)
            os.waitpid(pid, 0)
        return next(line for line in seen.decode(errors="replace").splitlines() if guest.GREETING in line).strip()

    def hand_over(self) -> None:
        """Let the person at the terminal type into the guest."""
        say(f"""
The guest's console is yours: press Enter for its prompt, Ctrl-] to leave it. From another terminal, try

    virsh -c '{self.uri}'
    virsh # list          dominfo {NAME}          dumpxml {NAME}          domstats {NAME}
    virsh # suspend {NAME}          resume {NAME}          event --loop --all
""")
        subprocess.run(["virsh", "-c", self.uri, "console", NAME], check=False)

    def shut_down(self, timeout: float = 90.0) -> None:
        """Press the guest's ACPI power button and wait until it is off."""
        if "running" not in self.virsh("domstate", NAME, show=False):
            return
        self.virsh("shutdown", NAME, "--mode", "acpi")
        began = time.monotonic()
        while "shut off" not in self.virsh("domstate", NAME, show=False):
            if time.monotonic() - began > timeout:
                raise Failed(f"the guest is not off {timeout:.0f} s after its power button was pressed")
            time.sleep(0.2)
        self.virsh("domstate", NAME, "--reason")

    def run(self) -> None:
        """The whole story."""
        for program in ("virsh", "qemu-system-x86_64"):
            if shutil.which(program) is None:
                raise Failed(f"{program} is not installed; tools/setup says what is needed")
        place = guest.guest()
        for name in ("vmlinuz", "initrd.img"):  # QEMU may run as a user that cannot look into our cache
            shutil.copy(place / name, self.root / name)
        self.start_daemon()
        xml = self.root / f"{NAME}.xml"
        xml.write_text(DOMAIN.format(name=NAME, place=self.root))
        self.virsh("define", str(xml))
        try:
            self.virsh("start", NAME, "--paused")  # so that the console is open when the first line comes
            self.virsh("resume", NAME)
            self.virsh("list")
            greeting = self.watch_console()
            say("\nThe guest says:")
            print(f"    {greeting}\n", flush=True)
            if sys.stdin.isatty() and sys.stdout.isatty():
                self.hand_over()
            self.shut_down()
        finally:
            with contextlib.suppress(Failed):
                if "shut off" not in self.virsh("domstate", NAME, show=False):
                    self.virsh("destroy", NAME)
            with contextlib.suppress(Failed):
                self.virsh("undefine", NAME)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.daemon is not None:
            self.daemon.terminate()
            try:
                self.daemon.wait(10)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        for entry in Path("/proc").glob("[0-9]*"):  # the daemon leaves guests alone, whatever happens to it
            with contextlib.suppress(OSError):
                known_by = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
                if any(f"{self.root}/".encode() in each for each in known_by):
                    os.kill(int(entry.name), signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


def main() -> None:
    """Command line: nothing is needed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uri", help="use a daemon that runs already, by this connection URI")

    def interrupted(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    demo = Demo(parser.parse_args().uri)
    try:
        demo.run()
    except Failed as failed:
        if demo.log.exists():
            sys.stderr.write("--- the daemon's log\n" + demo.log.read_text(errors="replace")[-8000:] + "---\n")
        raise SystemExit(f"make run: {failed}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        demo.close()
    say("Done: the guest is off, pyvirtd has ended, nothing is left behind.")


if __name__ == "__main__":
    main()
