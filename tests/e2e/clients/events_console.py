"""Run by /usr/bin/python3: libvirt-python with its own event loop, events of a whole life, a console stream.

Arguments: URI, domain XML file, greeting. Prints one line for each thing that worked; the last one is "done".
"""

import os
import sys
import threading
import time
from pathlib import Path

import libvirt

URI, XML, GREETING = sys.argv[1], Path(sys.argv[2]).read_text(), sys.argv[3].encode()
LIFECYCLE = {libvirt.VIR_DOMAIN_EVENT_DEFINED: "defined", libvirt.VIR_DOMAIN_EVENT_STARTED: "started",
             libvirt.VIR_DOMAIN_EVENT_SUSPENDED: "suspended", libvirt.VIR_DOMAIN_EVENT_RESUMED: "resumed",
             libvirt.VIR_DOMAIN_EVENT_SHUTDOWN: "shutdown", libvirt.VIR_DOMAIN_EVENT_STOPPED: "stopped",
             libvirt.VIR_DOMAIN_EVENT_UNDEFINED: "undefined"}
seen, others = [], []


def wait(what, test, seconds=90):
    """Until a condition holds, while the loop runs in its thread."""
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            sys.exit(f"waited in vain for {what}; events so far: {seen} {others}")
        time.sleep(0.02)
    print(what, flush=True)


def loop():
    """libvirt's default event loop."""
    while True:
        libvirt.virEventRunDefaultImpl()


libvirt.virEventRegisterDefaultImpl()
threading.Thread(target=loop, daemon=True).start()
# Errors go into exceptions; libvirt would print them too.
libvirt.registerErrorHandler(lambda _context, _error: None, None)
conn = libvirt.open(URI)
conn.setKeepAlive(5, 3)


def lifecycle(_conn, dom, event, detail, _opaque):
    """Callback style."""
    seen.append((dom.name(), LIFECYCLE.get(event), detail))


conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle, None)
reboot = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT,
                                     lambda _c, dom, _o: others.append("reboot"), None)
conn.domainEventRegister(lambda _c, dom, event, detail, _o: others.append(("old", LIFECYCLE.get(event))), None)
dom = conn.defineXML(XML)
name = dom.name()


def got(kind, detail=None):
    """Whether an event of the domain was delivered."""
    return any(n == name and k == kind and (detail is None or d == detail) for n, k, d in seen)


wait("defined", lambda: got("defined"))
assert dom.ID() == -1
assert dom.state()[0] == libvirt.VIR_DOMAIN_SHUTOFF
dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
wait("started", lambda: got("started", libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED))
assert dom.ID() > 0
assert dom.state() == [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER] or dom.state()[0] == 3, dom.state()

stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
dom.openConsole(None, stream, 0)
console = b""


def readable(stream, events, _opaque):
    """Data from the console."""
    global console
    if events & libvirt.VIR_STREAM_EVENT_READABLE:
        data = stream.recv(4096)
        if isinstance(data, bytes):
            console += data


stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE | libvirt.VIR_STREAM_EVENT_HANGUP
                        | libvirt.VIR_STREAM_EVENT_ERROR, readable, None)
dom.resume()
wait("resumed", lambda: got("resumed"))
wait("greeting", lambda: GREETING in console)
wait("prompt", lambda: b"guest# " in console)
stream.send(b"echo $((40+2))-typed\n")
wait("typed", lambda: b"42-typed" in console)
stream.eventRemoveCallback()
stream.finish()
info = dom.info()
assert info[0] == libvirt.VIR_DOMAIN_RUNNING, info
assert info[3] == 1, info
stats = conn.getAllDomainStats()
assert [r[1]["state.state"] for r in stats if r[0].name() == name] == [1], stats
dom.suspend()
wait("suspended", lambda: got("suspended", libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED))
dom.resume()
dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
wait("shutdown", lambda: got("shutdown"))
wait("stopped", lambda: got("stopped", libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN))
assert [k for n, k, _ in seen if n == name] == [
    "defined", "started", "suspended", "resumed", "suspended", "resumed", "shutdown", "stopped"], seen
conn.domainEventDeregisterAny(reboot)
dom.undefine()
wait("undefined", lambda: got("undefined"))
wait("old style", lambda: ("old", "undefined") in others and ("old", "started") in others)
try:
    conn.lookupByName(name)
except libvirt.libvirtError as error:
    answer = (error.get_error_code(), error.get_error_domain())
else:
    answer = None
assert answer == (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_FROM_QEMU), answer
conn.close()
print("done", flush=True)
os._exit(0)  # the loop's thread does not end
