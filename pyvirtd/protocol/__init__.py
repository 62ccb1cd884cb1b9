"""Libvirt's RPC as declarations: XDR codec, frames, programs. No I/O."""
