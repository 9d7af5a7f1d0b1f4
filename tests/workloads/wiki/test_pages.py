"""Pages: bucket, table and index agree after every run, wherever the run before it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from wiki.pages import Writer
from wiki.rebuild import rebuild
from wiki.store import Superseded

from tests.workloads.wiki.conftest import Account, Died, dying, sources


def write(writer: Writer, text: str, path: str = "src") -> bool:
    return writer.write(path, sources(**{path: text})[path], lambda _: text)


@pytest.mark.covers("D2")
def test_a_page_lies_in_all_three_places_and_is_written_once(account: Account) -> None:
    writer = account.writer("a/b")
    assert write(writer, "counts the words")
    account.agree("a/b", {"src": "counts the words"})
    assert not write(writer, "counts the words")
    assert len(account.bedrock.written) == 1


def test_a_new_text_takes_the_place_of_the_former_one_everywhere(account: Account) -> None:
    writer = account.writer("a/b")
    write(writer, "counts the words")
    write(writer, "counts the letters")
    account.agree("a/b", {"src": "counts the letters"})


Next = Callable[[Account, str], None]


def same(account: Account, repository: str) -> None:
    write(account.writer(repository), "the second text")
    account.agree(repository, {"src": "the second text"})


def another(account: Account, repository: str) -> None:
    write(account.writer(repository), "the third text")
    account.agree(repository, {"src": "the third text"})


def back(account: Account, repository: str) -> None:
    write(account.writer(repository), "the first text")
    account.agree(repository, {"src": "the first text"})


def gone(account: Account, repository: str) -> None:
    writer = account.writer(repository)
    for page in account.store().pages(repository):
        writer.remove(page)
    account.agree(repository, {})


REQUESTS = 13
"""Of a page that takes the place of another."""


@pytest.mark.parametrize("then", [same, another, back, gone])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_wherever_a_process_dies_the_next_run_mends_it(account: Account, done: bool, then: Next) -> None:
    for at in range(1, REQUESTS + 1):
        repository = f"a/dies-at-{at}"
        write(account.writer(repository), "the first text")
        writer = account.writer(repository)
        with pytest.raises(Died), dying(at, done=done):
            write(writer, "the second text")
        then(account, repository)


def test_the_deaths_above_are_all_that_there_are(account: Account) -> None:
    write(account.writer("a/b"), "the first text")
    writer = account.writer("a/b")
    with dying(0, done=False) as requests:
        write(writer, "the second text")
        assert requests() == REQUESTS


def test_a_text_that_a_dead_process_has_paid_for_is_not_written_again(account: Account) -> None:
    writer = account.writer("a/b")
    # The sixth request is that to the bucket with the text.
    with pytest.raises(Died), dying(6, done=True):
        write(writer, "the text")
    assert len(account.bedrock.written) == 1
    write(account.writer("a/b"), "the text")
    account.agree("a/b", {"src": "the text"})
    assert len(account.bedrock.written) == 1


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_removal_goes_on_where_it_ended(account: Account, done: bool) -> None:
    for at in range(1, 6):
        repository = f"a/dies-at-{at}"
        writer = account.writer(repository)
        write(writer, "the text")
        [page] = account.store().pages(repository)
        with pytest.raises(Died), dying(at, done=done):
            writer.remove(page)
        gone(account, repository)


def test_a_page_whose_sources_come_back_in_the_midst_of_its_removal_is_there_again(account: Account) -> None:
    writer = account.writer("a/b")
    write(writer, "the text")
    account.store().save(replace(account.store().pages("a/b")[0], removed=True), writer.epoch)
    assert write(writer, "the text")
    account.agree("a/b", {"src": "the text"})


def test_pieces_that_the_index_did_not_show_to_the_run_that_mends_are_swept_later(account: Account) -> None:
    account.collection.at_once = False
    writer = account.writer("a/b")
    with pytest.raises(Died), dying(9, done=True):
        write(writer, "the text")
    assert len(account.collection.documents) == 1
    writer = account.writer("a/b")
    write(writer, "the text")
    # Nobody could know of the first: nothing shows it yet.
    assert writer.sweep() == 0
    assert len(account.collection.documents) == 2
    account.collection.settle()
    assert writer.sweep() == 1
    account.agree("a/b", {"src": "the text"})


def test_a_sweep_takes_no_other_repositorys_pieces(account: Account) -> None:
    write(account.writer("a/b"), "the text")
    assert account.writer("a/c").sweep() == 0
    account.agree("a/b", {"src": "the text"})


def test_who_was_taken_for_dead_changes_nothing_any_more(account: Account) -> None:
    first = account.writer("a/b")
    write(first, "the first text")
    account.writer("a/b").store.take_over("a/b")
    write(account.writer("a/b"), "the second text")
    for late in (lambda: write(first, "the third text"), lambda: first.remove(account.store().pages("a/b")[0])):
        with pytest.raises(Superseded):
            late()
    account.agree("a/b", {"src": "the second text"})


def test_pieces_that_are_only_partly_taken_leave_nothing_behind(account: Account) -> None:
    writer = account.writer("a/b")
    account.bedrock.compose = lambda _: "# Long\n\n" + "word " * 900
    account.collection.fail_items = 1
    with pytest.raises(Exception, match="429"):
        write(writer, "the text")
    assert account.collection.documents == {}
    write(writer, "the text")
    account.agree("a/b", {"src": "# Long"})
    assert len(account.collection.documents) == 4


@pytest.mark.covers("D16")
def test_a_lost_index_is_filled_again_without_writing_a_page(account: Account) -> None:
    writer = account.writer("a/b")
    for path, text in {"src": "the text", "lib": "another text"}.items():
        write(writer, text, path)
    account.collection.documents.clear()
    account.collection.settle()
    assert rebuild(account.store(), account.index(), account.models(), "a/b") == (2, 0)
    account.agree("a/b", {"src": "the text", "lib": "another text"})
    assert rebuild(account.store(), account.index(), account.models(), "a/b") == (2, 0)
    account.agree("a/b", {"src": "the text", "lib": "another text"})
    assert len(account.bedrock.written) == 2
    with pytest.raises(Superseded):
        write(writer, "of a job that was under way")


def test_a_rebuild_tells_of_a_page_without_a_text(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    write(account.writer("a/b"), "the text")
    [page] = account.store().pages("a/b")
    account.store().drop_text("a/b", "src", str(page.hash))
    assert rebuild(account.store(), account.index(), account.models(), "a/b") == (0, 1)
    assert "a/b/src: its text is not in the bucket" in capsys.readouterr().err
