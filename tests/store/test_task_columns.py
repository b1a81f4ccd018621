"""Tasks as columns: any list comes back as it was; a part of its cache says what the whole says.

The strategies are made of the table of fields.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import task_strategies

from gittasks import light
from gittasks.core.changes import strictly_equal
from gittasks.core.model import ListInfo, Problem, Snapshot, Status, Task, Unmerged, in_order
from gittasks.store import disk
from gittasks.store.list_version import (
    CACHE,
    Columns,
    Heads,
    ListVersion,
    TaskFile,
    TreeEntry,
    open_cache,
    pack,
    read_cache,
    unpack,
    write_cache,
)

lists = st.lists(task_strategies.tasks, max_size=6).map(
    lambda tasks: [task._replace(id=f"t{n}") for n, task in enumerate(tasks)]
)


@given(lists)
def test_any_tasks_come_back_as_they_were(tasks: list[Task]) -> None:
    back = unpack(Columns(*light.read_json(light.write_json(pack(tasks)))))
    assert back == tasks
    assert all(
        strictly_equal(list(one), list(other)) for one, other in zip(back, tasks, strict=True)
    )
    assert all(type(task) is Task and type(task.status) is Status for task in back)


@given(lists)
def test_the_order_of_display_is_that_of_the_key(tasks: list[Task]) -> None:
    assert in_order(tasks) == sorted(tasks, key=lambda task: task.sort_key)


branches = st.builds(
    lambda tasks, by_hand, **more: ListVersion(
        snapshot=Snapshot(
            ListInfo("plan", title="Plan", settings={"a": [1, None]}),
            {task.id: task for task in tasks},
            (Problem("tasks/y.yaml", 3, "é"),),
        ),
        files={t.id: TaskFile(f"{n:040x}", n not in by_hand) for n, t in enumerate(tasks)},
        root=(TreeEntry("list.yaml", 0o100644, "f" * 40),),
        rest=(TreeEntry("odd", 0o120000, "e" * 40),),
        **more,
    ),
    lists,
    st.sets(st.integers(0, 5)),
    commit=st.sampled_from(["a" * 40, "b" * 40, "c" * 40]),
    heads=st.just(Heads("a" * 40, "b" * 40, None)),
    contested=st.sampled_from([(), ("tasks/t0.yaml", "list.yaml")]),
    apart=st.sampled_from([None, *Unmerged]),
    lost=st.integers(0, 2),
)


@given(branches)
def test_a_part_of_the_cache_says_what_all_of_it_says(branch: ListVersion) -> None:
    with TemporaryDirectory() as folder:
        path = str(Path(folder, "cache", "plan"))
        write_cache(path, branch, disk.PRIVATE)
        part, whole = open_cache(path), read_cache(path)
    assert part
    assert whole
    assert (part.heads, part.commit, part.in_memory) == (
        branch.heads,
        branch.commit,
        branch.in_memory,
    )
    assert dict(whole.files) == branch.files
    assert [whole.files[i] for i in branch.files] == [*branch.files.values()]
    assert whole._replace(files=branch.files) == branch


_TWO = b'[2,{"id":["a","b"],"subject":["A","B"],"status":"pp"},{}]'
_FILES = light.write_json(("ab" * 40, [])).encode()


@pytest.mark.parametrize(
    ("columns", "files"),
    [
        (b'[2, {"id": ["a", "b"], "subject": ["A", "B"]}, {}]', _FILES),
        (b'[2, {"id": ["a"], "subject": ["A", "B"], "status": "pp"}, {}]', _FILES),
        (_TWO.replace(b"pp", b"px"), _FILES),
        (_TWO.replace(b"{}", b'{"owner": [[7], ["Ann"]]}'), _FILES),
        (_TWO.replace(b"{}", b'{"owner": [[0], []]}'), _FILES),
        (_TWO.replace(b'"pp"', b'"pp", "notes": [3, 4]'), _FILES),
        (_TWO, b'["abab", []]'),
        (_TWO, _FILES.replace(b"ab", b"xy")),
        (_TWO, _FILES.replace(b"ab", b"ab ", 40)),
        (_TWO, _FILES.replace(b"[]", b'["c"]')),
        (_TWO, b"[]"),
        (b"{}", _FILES),
        (b"", b""),
    ],
)
def test_columns_that_do_not_fit_each_other_are_no_cache(
    tmp_path: Path, columns: bytes, files: bytes
) -> None:
    """A checksum vouches for what was written, not for who wrote it."""
    path = str(tmp_path / "plan")
    head = {
        "commit": "a" * 40,
        "heads": ["a" * 40, None, None],
        "contested": [],
        "apart": None,
        "lost": 0,
        "info": {"id": "plan"},
        "problems": [],
        "root": [],
        "rest": [],
    }
    lines = [light.write_json(head).encode(), _TWO, _FILES]
    CACHE.write(path, b"\n".join(lines), disk.PRIVATE)
    assert read_cache(path)
    CACHE.write(path, b"\n".join([lines[0], columns, files]), disk.PRIVATE)
    assert open_cache(path)
    assert read_cache(path) is None
