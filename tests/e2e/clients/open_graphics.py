"""Run by /usr/bin/python3: opens a guest's VNC display by descriptors. Arguments: URI, domain.

Prints the first three bytes that each display says, then "refused" for a display that is not there.
"""

import socket
import sys

import libvirt

libvirt.registerErrorHandler(lambda _context, _error: None, None)
dom = libvirt.open(sys.argv[1]).lookupByName(sys.argv[2])
ours, theirs = socket.socketpair()
dom.openGraphics(0, theirs.fileno(), libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
theirs.close()
other = socket.socket(fileno=dom.openGraphicsFD(0))
for display in (ours, other):
    display.settimeout(20)
    print(display.recv(3).decode())
try:
    dom.openGraphicsFD(7)
except libvirt.libvirtError as error:
    print("refused" if "no display 7" in str(error) else error)
