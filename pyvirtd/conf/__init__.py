"""Libvirt's XML documents as typed models: parse, format, check. No I/O."""
