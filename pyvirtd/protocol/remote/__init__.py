"""The remote program: libvirt's main RPC program, a file for each noun."""
