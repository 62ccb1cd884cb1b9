"""Figures of guests: what QEMU, the kernel and the file system say, in libvirt's terms.

`recent` asks QEMU without ever waiting for one that hangs; `figures` reads single things (disks, memory, vCPUs);
`records` puts them together as typed parameters for domstats.
"""
