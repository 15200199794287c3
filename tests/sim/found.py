"""Seeds at which planted bugs were found: a hunt begins there."""

FOUND_AT = {
    "anothers_account_owner": 20,
    "board_stays_as_posted": 1,
    "delegation_never_ends": 16,
    "lowered_without_a_reason": 18,
    "moved_packet_forgets_fallback": 1,
    "notices_told_twice": 8,
    "send_twice_after_timeout": 1,
}
