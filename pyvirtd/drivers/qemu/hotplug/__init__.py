"""Devices that are plugged in, changed and taken out again, in definitions and in running guests.

`device` reads what a client sent, `match` finds which device it means, `config` changes definitions, `calls` is what
clients call; the rest is one file for each kind of device in a running guest.
"""
