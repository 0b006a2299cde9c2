from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightly_widget.errors import (
    CorruptDataError,
    DatasetExistsError,
    DatasetNotFoundError,
    DatasetReplacedError,
    InvalidValueError,
    LightlyWidgetWarning,
    ReadOnlyError,
    StaleError,
    StorageError,
    UnsafeFileError,
)
from lightly_widget.store import Durability, Store, disk
from lightly_widget.store.checksums import checksum
from lightly_widget.store.commits import Part, covered_by_optimize
from lightly_widget.store.locks import WriterLock
from lightly_widget.store.tables import array_column, fold_of


def frame(*values: int) -> pl.DataFrame:
    return pl.DataFrame({"a": values})


def write(store: Store, *values: int) -> None:
    with store.transaction("add") as work:
        work.write("things", frame(*values), op="add")


def values(store: Store) -> list[int]:
    parts = store.parts("things")
    return [v for piece in store.read("things", parts) if piece.width for v in piece["a"]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(str(tmp_path / "d"), {"name": "d"})


def test_what_is_written_is_read_again_in_order(store: Store) -> None:
    write(store, 1, 2)
    write(store, 3)
    assert values(store) == [1, 2, 3]
    assert values(Store.open(store.uri)) == [1, 2, 3]


def test_an_error_in_the_block_writes_nothing(store: Store) -> None:
    write(store, 1)

    def fail() -> None:
        with store.transaction("add") as work:
            work.write("things", frame(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert values(Store.open(store.uri)) == [1]


def test_several_tables_become_visible_together(store: Store) -> None:
    other = Store.open(store.uri)
    with store.transaction("both") as work:
        work.write("things", frame(1), op="add")
        work.write("others", frame(2), op="add")
        other.refresh()
        assert other.tables() == []
    other.refresh()
    assert other.tables() == ["things", "others"]


def test_rows_that_no_commit_names_are_not_seen_and_removed_by_optimize(store: Store) -> None:
    write(store, 1)
    store._append_rows("things", frame(666).to_arrow(), token=5)  # a write that died before its commit
    assert values(Store.open(store.uri)) == [1]
    store.optimize()
    assert store._tables.handle("things").count_rows() == 1
    assert values(Store.open(store.uri)) == [1]


def test_a_table_that_a_dying_write_made_does_not_stand_in_the_way(store: Store) -> None:
    store._append_rows("things", pl.DataFrame({"other": ["columns"]}).to_arrow(), token=5)
    write(store, 1)
    assert values(Store.open(store.uri)) == [1]


def test_undo_goes_back_change_by_change(store: Store) -> None:
    for value in range(4):
        write(store, value)
    undone = [store.undo(lambda work, commit: None) for _ in range(5)]
    assert [commit.number if commit else None for commit in undone] == [5, 4, 3, 2, None]
    assert values(Store.open(store.uri)) == []


def test_undo_after_optimize_still_takes_back_the_last_changes(store: Store) -> None:
    store.rewriter = lambda table, parts: [(pl.concat(store.read(table, parts)), {"op": "add"})]
    for value in range(30):
        write(store, value)
    store.optimize()
    assert len(store.parts("things")) < 30
    store.undo(lambda work, commit: None)
    assert values(store) == list(range(29))
    assert values(Store.open(store.uri)) == list(range(29))


def test_optimize_keeps_the_files_in_check(store: Store) -> None:
    store.rewriter = lambda table, parts: [(pl.concat(store.read(table, parts)), {"op": "add"})]
    for value in range(300):
        write(store, value)
    assert len(store.parts("things")) < 300  # it has run by itself
    assert values(Store.open(store.uri)) == list(range(300))


def test_a_reader_of_merged_parts_finds_the_merged_ones(store: Store) -> None:
    for value in range(30):
        write(store, value)
    other = Store.open(store.uri)
    store.rewriter = lambda table, parts: [(pl.concat(store.read(table, parts)), {"op": "add"})]
    store.optimize()
    other.refresh()
    assert values(other) == list(range(30))


def test_making_and_opening(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DatasetExistsError):
        Store.create(store.uri, {})
    with pytest.raises(DatasetNotFoundError):
        Store.open(str(tmp_path / "nothing"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(DatasetExistsError):
        Store.create(str(tmp_path / "full"), {})


def test_a_folder_whose_making_died_can_be_made_again(tmp_path: Path) -> None:
    (tmp_path / "d" / "commits.lance").mkdir(parents=True)
    with pytest.raises(DatasetNotFoundError):
        Store.open(str(tmp_path / "d"))
    write(Store.create(str(tmp_path / "d"), {}), 1)


def test_lost_commits_are_noticed(store: Store) -> None:
    write(store, 1)
    head = Path(store.uri, "head.json").read_bytes()
    old = Store.create(store.uri + "2", {})
    Path(old.uri, "head.json").write_bytes(head)
    with pytest.raises(CorruptDataError, match="writes are missing"):
        Store.open(old.uri)


@pytest.mark.parametrize("n_writes", [1, 2, 3, 10])
def test_handles_of_a_dataset_that_was_created_again_refuse(store: Store, n_writes: int) -> None:
    write(store, 1)
    write(store, 2)
    parts = store.parts("things")
    other = Store.open(store.uri)
    shutil.rmtree(store.uri)
    again = Store.create(store.uri, {"name": "d"})
    for value in range(n_writes):
        write(again, 100 + value)
    old: list[Callable[[], object]] = [
        lambda: write(store, 3),
        lambda: store.undo(lambda work, commit: None),
        other.optimize,
        other.refresh,
        lambda: Store.open(store.uri) and other.read("things", parts),
        lambda: other.read_column("things", parts, "a"),
    ]
    for use in old:
        with pytest.raises(DatasetReplacedError, match="Load the dataset again"):
            use()
    assert values(Store.open(store.uri)) == [100 + value for value in range(n_writes)]


def test_a_dataset_replaced_by_an_older_copy_refuses_old_handles(store: Store, tmp_path: Path) -> None:
    write(store, 1)
    shutil.copytree(store.uri, tmp_path / "copy")
    write(store, 2)
    shutil.rmtree(store.uri)
    (tmp_path / "copy").rename(store.uri)
    for _ in range(2):
        with pytest.raises(DatasetReplacedError):
            write(store, 3)
    other = Store.open(store.uri)
    write(other, 3)
    with pytest.raises(DatasetReplacedError):
        write(store, 4)
    assert values(Store.open(store.uri)) == [1, 3]


def test_a_folder_that_was_renamed_or_deleted_is_reported_as_that(store: Store, tmp_path: Path) -> None:
    write(store, 1)
    write(store, 2)
    parts = Store.open(store.uri).parts("things")
    reader = Store.open(store.uri)
    Path(store.uri).rename(tmp_path / "renamed")
    for use in (lambda: write(store, 3), reader.refresh, lambda: reader.read("things", parts)):
        with pytest.raises(DatasetNotFoundError, match="deleted or renamed"):
            use()
    assert not Path(store.uri).exists()
    assert values(Store.open(str(tmp_path / "renamed"))) == [1, 2]


def test_a_head_of_another_dataset_is_noticed(store: Store) -> None:
    write(store, 1)
    other = Store.create(store.uri + "2", {})
    write(other, 1)
    shutil.copy(Path(other.uri, "head.json"), Path(store.uri, "head.json"))
    with pytest.raises(CorruptDataError, match="do not belong together"):
        Store.open(store.uri)


LINKED = ["head.json", ".lock", "things.lance", "things.lance/data", "things.lance/_versions", "commits.lance"]


@pytest.mark.parametrize("name", LINKED)
def test_a_link_in_the_folder_is_refused_and_not_followed(store: Store, tmp_path: Path, name: str) -> None:
    write(store, 1)
    outside = tmp_path / "outside"
    Path(store.uri, name).rename(outside)
    Path(store.uri, name).symlink_to(outside)
    before = tree(outside)
    with pytest.raises(UnsafeFileError, match="is a link"):
        Store.open(store.uri)
    with pytest.raises((UnsafeFileError, StorageError)):
        write(store, 2)
    assert tree(outside) == before


def tree(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in [path, *path.rglob("*")] if p.is_file()}


@pytest.mark.parametrize("name", ["head.json.new", ".room", ".head"])
def test_a_link_with_the_name_of_a_temporary_file_is_refused(store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").write_text("mine")
    Path(store.uri, name).symlink_to(tmp_path / "precious")
    with contextlib.suppress(UnsafeFileError):
        write(store, 1)
    with pytest.raises(UnsafeFileError):
        Store.open(store.uri)
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_named_pipe_in_the_place_of_the_head_does_not_block(store: Store) -> None:
    Path(store.uri, "head.json").unlink()
    os.mkfifo(Path(store.uri, "head.json"))
    for use in (lambda: Store.open(store.uri), store.refresh):
        with pytest.raises(UnsafeFileError):
            use()


def test_optimize_removes_temporary_files_of_writes_that_died(store: Store) -> None:
    Path(store.uri, ".head-0123").touch()
    Path(store.uri, ".room-0123").touch()
    store.optimize()
    assert {p.name for p in Path(store.uri).iterdir()} == {".lock", "head.json", "commits.lance"}


def test_without_its_head_a_dataset_is_read_only_until_repaired(store: Store) -> None:
    write(store, 1)
    write(store, 2)
    Path(store.uri, "head.json").unlink()
    with pytest.warns(LightlyWidgetWarning, match="head.json is missing"):
        old = Store.open(store.uri)
    assert values(old) == [1, 2]
    for change in (lambda: write(old, 3), old.optimize, lambda: old.undo(lambda work, commit: None)):
        with pytest.raises(ReadOnlyError, match="repair=True"):
            change()
    repaired = Store.open(store.uri, repair=True)
    write(repaired, 3)
    write(old, 4)  # which sees that the head is there again
    assert values(Store.open(store.uri)) == [1, 2, 3, 4]


def test_a_first_write_that_died_before_its_head_needs_no_repair(store: Store) -> None:
    Path(store.uri, "head.json").unlink()
    again = Store.open(store.uri)
    write(again, 1)
    assert values(Store.open(store.uri)) == [1]


def test_a_head_that_is_one_behind_is_harmless(store: Store) -> None:
    write(store, 1)
    before = Path(store.uri, "head.json").read_bytes()
    write(store, 2)
    Path(store.uri, "head.json").write_bytes(before)
    again = Store.open(store.uri)
    assert values(again) == [1, 2]
    write(again, 3)
    assert values(Store.open(store.uri)) == [1, 2, 3]


def test_only_one_writer_at_a_time_and_again_within_a_thread(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    lock, other = WriterLock(path), WriterLock(path, timeout_s=0.05)
    with (
        lock.hold(),
        lock.hold(),
        ThreadPoolExecutor() as pool,
        pytest.raises(StorageError, match="another process"),
    ):
        pool.submit(other.hold().__enter__).result()
    with other.hold():
        pass


def test_durability_is_one_of_two(store: Store) -> None:
    with pytest.raises(InvalidValueError, match="durability must be 'disk' or 'os', got 'none'"):
        Store.open(store.uri, durability="none")  # type: ignore[arg-type]


@pytest.mark.parametrize("durability", get_args(Durability))
def test_what_a_commit_names_is_synced_before_the_call_returns(
    store: Store, durability: Durability, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[Path] = set()
    for name in ("sync_file", "sync_folder"):
        sync = getattr(disk, name)
        monkeypatch.setattr(disk, name, lambda path, sync=sync: (synced.add(path), sync(path)))
    writer = Store.open(store.uri, durability=durability)
    folder = Path(store.uri)
    for value in range(3):
        before = {p for p in folder.rglob("*") if p.is_file()}
        synced.clear()
        write(writer, value)
        new = {p for p in folder.rglob("*") if p.is_file() and p not in before}
        assert new
        wanted = new | {p.parent for p in new}
        assert wanted <= synced if durability == "disk" else not synced


@st.composite
def histories(draw: st.DrawFn) -> list[str]:
    return draw(st.lists(st.sampled_from(["write", "write", "undo", "optimize"]), min_size=1, max_size=12))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(histories(), histories(), st.integers(1, 3))
def test_a_snapshot_never_changes_or_is_too_old(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str], kept: int
) -> None:
    store = Store.create(str(tmp_path_factory.mktemp("s") / "d"), {})
    store.rewriter = lambda table, parts: [(pl.concat([f for f in store.read(table, parts) if f.width]), {"op": "add"})]
    made = iter(range(1000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightly_widget.store.store._UNDOABLE_KEPT", kept)
        change(store, before, made)
        write(store, next(made))
        held = Store.open(store.uri)
        _, number, parts = held.state()
        expected = values(store)
        change(store, after, made)
        held.refresh()
        try:
            now = held.read("things", parts["things"])
        except StaleError:
            try:
                now = held.read("things", held.parts_at(number, parts)["things"])
            except StaleError:
                assert "undo" in after or "optimize" in after
                return
        assert [v for piece in now if piece.width for v in piece["a"]] == expected


def change(store: Store, history: list[str], made: Iterator[int]) -> None:
    for step in history:
        if step == "write":
            write(store, next(made))
        elif step == "undo":
            store.undo(lambda work, commit: None)
        else:
            store.optimize()


def test_a_damaged_head_is_mended_with_a_warning(store: Store) -> None:
    write(store, 1)
    Path(store.uri, "head.json").write_text('{"head": "x", "checksum": "y"}')
    with pytest.warns(LightlyWidgetWarning, match="damaged"):
        again = Store.open(store.uri)
    write(again, 2)
    assert json.loads(Path(store.uri, "head.json").read_text())["checksum"] != "y"
    assert values(Store.open(store.uri)) == [1, 2]


def test_changed_rows_are_noticed(store: Store) -> None:
    write(store, 1, 2)
    part = store.parts("things")[0]
    table = store._tables.handle("things")
    table.delete("a = 2")
    store._append_rows("things", frame(3).to_arrow(), part.token)
    with pytest.raises(CorruptDataError, match="differ from their checksum"):
        values(Store.open(store.uri))


columns = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=20).map(
        lambda v: pl.Series(v, dtype=pl.Int64)
    ),
    st.lists(st.one_of(st.none(), st.floats())).map(lambda v: pl.Series(v, dtype=pl.Float64)),
    st.lists(st.one_of(st.none(), st.text())).map(lambda v: pl.Series(v, dtype=pl.String)),
    st.lists(st.one_of(st.none(), st.booleans())).map(lambda v: pl.Series(v, dtype=pl.Boolean)),
    st.lists(st.one_of(st.none(), st.dates())).map(lambda v: pl.Series(v, dtype=pl.Date)),
    st.lists(st.lists(st.floats(width=32), min_size=3, max_size=3), min_size=1).map(
        lambda v: array_column(np.array(v, dtype=np.float32))
    ),
)


@given(columns, st.integers(0, 20))
def test_a_checksum_does_not_depend_on_chunks(column: pl.Series, cut: int) -> None:
    whole = pa.table({"c": column.to_arrow(compat_level=pl.CompatLevel.oldest())})
    cut = min(cut, whole.num_rows)
    pieces = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    assert checksum(pieces) == checksum(whole)
    if whole.num_rows:
        assert checksum(whole.slice(1)) != checksum(whole)


def test_a_checksum_sees_order_nulls_types_and_borders() -> None:
    tables = [
        {"c": ["ab", "c"]},
        {"c": ["a", "bc"]},
        {"c": ["c", "ab"]},
        {"c": ["ab", "c", None]},
        {"c": ["ab", "c", ""]},
        {"d": ["ab", "c"]},
        {"c": [1, 2]},
        {"c": [1.0, 2.0]},
        {"c": [1, None]},
        {"c": [1, 0]},
    ]
    sums = [checksum(pl.DataFrame(t).to_arrow(compat_level=pl.CompatLevel.oldest())) for t in tables]
    assert len(set(sums)) == len(sums)


times = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))
everything = st.builds(
    lambda rows: pl.DataFrame(
        rows,
        schema={
            "i": pl.Int64,
            "f": pl.Float64,
            "s": pl.String,
            "b": pl.Boolean,
            "d": pl.Date,
            "t": pl.Datetime("us", "UTC"),
        },
        orient="row",
    ),
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
            st.one_of(st.none(), st.floats()),
            st.one_of(st.none(), st.text()),
            st.one_of(st.none(), st.booleans()),
            st.one_of(st.none(), st.dates(date(1, 1, 1))),
            st.one_of(
                st.none(), st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))
            ),
        ),
        min_size=1,
        max_size=30,
    ),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(everything)
def test_all_values_survive_the_round_trip(store: Store, data: pl.DataFrame) -> None:
    with store.transaction("add") as work:
        work.write("all", data, op="add")
    parts = Store.open(store.uri).parts("all")
    assert Store.open(store.uri).read("all", parts)[-1].equals(data)


def commits_of(kinds: list[str]) -> list[Any]:
    """Commits numbered from 1: changes that can be undone, others, and ones that undo the newest change left."""
    made: list[Any] = []
    for number, kind in enumerate(kinds, 1):
        undone = {c.undoes for c in made}
        left = [c.number for c in made if c.undoable and c.number not in undone]
        undoes = left[-1] if kind == "undo" and left else None
        made.append(SimpleNamespace(number=number, undoable=kind == "change", undoes=undoes, covers=None))
    return made


@given(
    st.lists(st.sampled_from(["change", "other", "undo"]), min_size=1, max_size=30),
    st.integers(1, 5),
    st.integers(1, 40),
)
def test_optimize_leaves_what_can_still_be_undone(kinds: list[str], kept: int, window: int) -> None:
    commits = commits_of(["other", *kinds])  # the first one made the dataset
    covered = covered_by_optimize(commits, kept, window)
    undone = {c.undoes for c in commits}
    can_be_undone = [c.number for c in commits if c.undoable and c.number not in undone][-kept:]
    newest = commits[-1].number - window
    assert all(number > covered for number in can_be_undone if number > newest)
    if len(can_be_undone) == kept:
        assert covered == max(can_be_undone[0] - 1, newest)  # and nothing else is left apart


def test_many_small_writes_are_merged_now_and_then(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightly_widget.store.store._COMMITS_BEFORE_OPTIMIZE", 4)
    for number in range(20):
        with store.transaction("write") as work:
            work.write("things", frame(number))
    merged = [commit.number for commit in store.commits if commit.action == "optimize"]
    assert len(merged) >= 3
    assert {later - earlier for earlier, later in itertools.pairwise(merged)} == {6}  # five writes, and the merge


def test_the_parts_of_a_past_commit_are_those_it_had(store: Store) -> None:
    seen = []
    for number in range(4):
        with store.transaction("write") as work:
            work.write("things", frame(number))
        seen.append((store.number, store.state()[2]))
    for number, parts in seen:
        assert store.parts_at(number, parts) == parts


@given(
    st.lists(st.dictionaries(st.integers(0, 6), st.none() | st.integers(-9, 9), min_size=1), min_size=1, max_size=5),
    st.integers(0, 4),
)
def test_metadata_are_what_was_set_last_however_they_are_read(updates: list[dict[int, int | None]], cut: int) -> None:
    """All at once, or in two steps of which the second starts from what the first gave."""
    fold = fold_of("metadata_1")
    parts = []
    for token, update in enumerate(updates):
        rows = pl.DataFrame(
            {"sample": list(update), "value": list(update.values())}, schema={"sample": pl.UInt32, "value": pl.Int64}
        )
        op = {"op": "update", "key": "k", "type": "integer", "start": 0, "rows": rows.height}
        parts.append((Part("metadata_1", token, rows.height, "", (op,)), rows))
    expected: dict[int, int | None] = {}
    for update in updates:
        expected |= update
    wanted = [expected.get(sample) for sample in range(max(expected) + 1)]
    assert fold.fold(None, parts).values.to_list() == wanted
    if 0 < cut < len(parts):
        assert fold.fold(fold.fold(None, parts[:cut]), parts[cut:]).values.to_list() == wanted
