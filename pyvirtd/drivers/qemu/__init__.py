"""QEMU guests through QMP: one file for each noun, put together in `driver`."""
