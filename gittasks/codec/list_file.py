"""Read `list.yaml`, and refuse what a newer version of gittasks has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittasks.codec.canonical import LIST_KEYS, read_canonical_list
from gittasks.codec.schema import Reader
from gittasks.core.model import FORMAT, RULES, ListInfo
from gittasks.errors import FormatTooNew

if TYPE_CHECKING:
    from gittasks.codec.yaml_text import Node


def decode_list(data: bytes, list_id: str, path: str) -> ListInfo:
    """The list that `data` describes; its id is the one of the branch.

    Raises FormatTooNew if the list is of a later format or has later merge rules, InvalidData
    as `decode_task` does.
    """
    if info := read_canonical_list(data):
        _check_format(info.format, info.rules, list_id, path)
        if info.id == list_id and info.format and info.rules:
            return info
    from gittasks.codec.yaml_text import parse

    root = parse(data, path)
    reader = Reader(path)
    if root.kind != "mapping":
        reader.fault(root, 'list.yaml is made of "key: value" lines')
        reader.check()
    nodes = {name.text: node for name, node in root.pairs}
    if not nodes:
        reader.fault(root, "empty; a list begins with format: 1")
    known = int(_number(reader, nodes, "format")), int(_number(reader, nodes, "rules"))
    _check_format(*known, list_id, path)
    inner = reader.line("id", nodes["id"]) if "id" in nodes else None
    if inner is not None and inner != list_id:
        reader.fault(nodes["id"], f"id says {inner[:100]} but the list is {list_id}")
    title = reader.line("title", nodes["title"]) if "title" in nodes else None
    settings = reader.mapping("settings", nodes["settings"]) if "settings" in nodes else {}
    extra = {reader.key(k): reader.value(v) for k, v in root.pairs if k.text not in LIST_KEYS}
    reader.check()
    return ListInfo(
        id=list_id, title=title, format=known[0], rules=known[1], settings=settings, extra=extra
    )


def _number(reader: Reader, nodes: dict[str, Node], key: str) -> int:
    return (reader.number(key, nodes[key], 1, 10**9) if key in nodes else None) or 1


def _check_format(form: int, rules: int, list_id: str, path: str) -> None:
    if form <= FORMAT and rules <= RULES:
        return
    what = f"format {form}" if form > FORMAT else f"merge rules {rules}"
    known = FORMAT if form > FORMAT else RULES
    raise FormatTooNew(
        f'list "{list_id}" has {what}; this gittasks knows {known}',
        where=path,
        hint="update gittasks: pip install --upgrade gittasks",
        details={"format": form, "rules": rules},
    )
