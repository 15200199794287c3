"""Seeds at which planted bugs were found: a hunt begins there."""

FOUND_AT = {}
