"""Nodes that read the feed page by page while its rows move hold what their cursors say."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sync_server.services.feed import Row
from tests.fakes.examples import examples
from tests.integration.sync_server.stage import open_stage
from tests.property.sync_server.feed_rows import KINDS, STREAMS, MovingRows, Name, name_of, rev_of

ROLES = ("till", "gate")


class Reader:
    """A node: its cursors, and the last state of each row that it was told."""

    def __init__(self) -> None:
        self.cursors = dict.fromkeys(STREAMS, 0)
        self.held: dict[str, dict[Name, Row]] = {stream: {} for stream in STREAMS}


class FeedMachine(RuleBasedStateMachine):
    """Changes to rows of two events, and two readers of them with limits of every size."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        folder = Path(self.opened.enter_context(tempfile.TemporaryDirectory()))
        self.rows = MovingRows(self.opened.enter_context(open_stage(folder)))
        self.rows.open()
        self.readers = {role: Reader() for role in ROLES}
        # What every row's revisions were, as each role could see them: the model.
        self.seen: dict[tuple[str, str], dict[Name, list[int]]] = {}

    def teardown(self) -> None:
        self.opened.close()

    @rule(
        stream=st.sampled_from(STREAMS),
        kind=st.sampled_from(KINDS),
        number=st.integers(1, 4),
        times=st.integers(1, 3),
    )
    def change(self, stream: str, kind: str, number: int, times: int) -> None:
        for step in range(times):
            self.rows.change(stream, kind, number + step)
        for role in ROLES:
            model = self.seen.setdefault((role, stream), {})
            for name, row in self.rows.all_of(role, stream).items():
                revs = model.setdefault(name, [])
                if rev_of(row) not in revs:
                    revs.append(rev_of(row))

    @rule(
        role=st.sampled_from(ROLES),
        limit=st.integers(1, 6),
        first=st.sampled_from(STREAMS),
    )
    def read(self, role: str, limit: int, first: str) -> None:
        reader = self.readers[role]
        after = {first: reader.cursors[first], **reader.cursors}
        news = self.rows.pull(role, after, limit)
        assert sum(len(page.rows) for page in news.pages.values()) <= limit
        assert set(news.pages) == set(STREAMS)
        for stream, page in news.pages.items():
            revs = [rev_of(row) for row in page.rows]
            assert revs == sorted(set(revs)), "in order, and no two rows share a revision"
            assert all(after[stream] < rev <= page.next for rev in revs)
            assert page.next >= after[stream]
            reader.held[stream].update((name_of(row), row) for row in page.rows)
            reader.cursors[stream] = page.next
        if any(page.rows or page.more for page in news.pages.values()):
            assert news.leads_on(after), "no progress"

    @invariant()
    def every_reader_holds_each_row_that_is_not_still_to_come(self) -> None:
        """A row that changed while the reader paged has moved forward: it is read later."""
        for (role, stream), model in self.seen.items():
            reader = self.readers[role]
            for name, revs in model.items():
                if max(revs) <= reader.cursors[stream]:
                    assert name in reader.held[stream], (role, stream, name)
                    assert rev_of(reader.held[stream][name]) == max(revs), (role, stream, name)

    @invariant()
    def a_reader_at_the_head_holds_what_the_centre_has(self) -> None:
        for role, reader in self.readers.items():
            for stream in STREAMS:
                page = self.rows.pull(role, {stream: reader.cursors[stream]}, 1).pages[stream]
                if page.next == page.head and not page.rows:
                    assert reader.held[stream] == self.rows.all_of(role, stream)


FeedMachine.TestCase.settings = settings(max_examples=examples(15), stateful_step_count=20)
TestFeedMachine = FeedMachine.TestCase
