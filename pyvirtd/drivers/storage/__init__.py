"""Storage pools and volumes: directories of disk images so far.

`driver` answers the calls, `pool` is one pool and its state, `directory` reads and changes the files of one,
`header` tells what an image says of itself.
"""
