"""Calls about domains that every hypervisor driver answers alike, one noun a file; drivers subclass what they want."""
