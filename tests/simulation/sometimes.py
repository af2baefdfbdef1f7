"""What must have happened in a run over many seeds: else it has shown nothing about it."""

from __future__ import annotations

SOMETIMES: dict[str, str] = {
    "admit_timeout_recorded": "a gate decided alone, and the arbiter had recorded the entry",
    "double_entry": "a ticket was let in twice by gates that could not hear each other",
    "entry_online": "an entry by the arbiter's word",
    "entry_offline": "an entry by the gate's own",
    "partition_one_way": "a link cut one way",
    "partition_two_way": "a link cut both ways",
    "crash_server_before_commit": "a server lost what it was about to commit",
    "crash_server_after_commit": "a commit that nobody was told of",
    "crash_node_before_commit": "a node lost what it was about to commit",
    "crash_node_after_commit_before_witness": "a commit that its witness did not hear of",
    "crash_node_after_witness_before_print": "a sale without paper, printed after the restart",
    "mirror_lost_commits": "a mirror lost its last commits",
    "witness_unwritable": "the witness could not be written",
    "settled": "a till was done with an allotment",
    "sale_refused_unit_not_ours": "a till refused to sell what is not its own, or not any more",
    "reprinted": "a ticket came out twice, with the same code",
}

FROM_SEEDS = 1_000
"""A run of fewer seeds may miss the rarest."""
