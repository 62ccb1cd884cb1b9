"""CPU models: which there are, what a CPU's features say it is, how guests' CPUs are expressed by them.

cpu_map     the facts (x86.json, made by tools/make_cpu_map.py)
decode      from features to a model and what differs from it
"""
