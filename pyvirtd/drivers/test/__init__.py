"""The test driver: a hypervisor without guests, for programs that want to try their calls on something harmless.

It is also how a driver is written: one noun a file, on what core gives every driver, with nothing of it in the server.
`test:///default` starts as libvirt's own does; `test:///PATH` starts as the <node> document at PATH says.
"""
