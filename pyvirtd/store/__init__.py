"""XML state on disk: atomic, fsynced, never deleting what it cannot read.

`atomic` writes files, `directory` keeps one directory of definitions with its autostart marks, `scan` finds name and
UUID in a file without parsing it, `aside` sets aside what cannot be read, `names` makes file names, `steps` is the
tests' seam.
"""
