"""Libvirt's public enums and string macros, by noun: plain classes of Final numbers and strings.

The class is the enum's name without `vir` (and without a trailing `Values`), a member is libvirt's name without the
prefix that all of them share: VIR_DOMAIN_DESTROY_GRACEFUL of virDomainDestroyFlagsValues is
`domain.DomainDestroyFlags.GRACEFUL`. Field names of typed parameters are in the `*_fields` modules.
"""
