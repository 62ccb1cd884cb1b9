"""The only room that forks, reads /proc and /sys, and talks netlink, cgroups, D-Bus and udev."""
