"""What only QEMU knows of a definition: default machine, implicit devices, addresses, aliases."""
