"""What QEMU cannot do, refused with libvirt's codes."""
