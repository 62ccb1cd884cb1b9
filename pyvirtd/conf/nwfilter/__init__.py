"""Network filters and their bindings."""

from pyvirtd.conf.nwfilter.nwfilter import (
    FilterBindingDef,
    FilterDef,
    check_filter,
    complete_filter,
    format_filter,
    format_filter_binding,
    included,
    parse_filter,
    parse_filter_binding,
)  # fmt: skip

__all__ = [
    "FilterBindingDef", "FilterDef", "check_filter", "complete_filter", "format_filter", "format_filter_binding",
    "included", "parse_filter", "parse_filter_binding",
]  # fmt: skip
