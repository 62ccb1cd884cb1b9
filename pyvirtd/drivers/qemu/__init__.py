"""QEMU guests through QMP."""
