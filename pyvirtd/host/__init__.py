"""The only room that forks, reads /proc and /sys, and talks netlink, cgroups, D-Bus and udev.

    process     children: started, watched and ended by pidfd; procfile: the formats of /proc and /sys
    cpus, cpuid, numa, memory, nodeinfo, power, sysinfo     what the host is
    cgroup, ownership       what guests are held in, and the files lent to them
    netdev, pty             interfaces and terminals
    firmware, swtpm         what else is installed for guests
"""
