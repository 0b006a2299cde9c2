from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
    LightlyWidgetWarning,
)
from lightly_widget.store import Store
from lightly_widget.store.checksums import checksum
from lightly_widget.store.commits import covered_by_optimize
from lightly_widget.store.tables import array_column


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
