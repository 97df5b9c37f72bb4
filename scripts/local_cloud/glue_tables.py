"""Tables as the Data Catalog shows them, finds them by text, and remembers their earlier versions.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scripts.local_cloud.glue_protocol import Action, Response, ServiceError, page, refusal, reply


def shown(table: Mapping[str, Any]) -> dict[str, Any]:
    """What nobody gave is left out: clients send what they got back, and an empty Owner is refused."""
    return {key: value for key, value in table.items() if value not in (None, "")}


def showing(action: Action) -> Action:
    """GetTable without the empty fields."""

    def act(data: dict[str, Any]) -> Response:
        status, headers, body = action(data)
        if status >= 300:
            return status, headers, body
        return reply({"Table": shown(json.loads(body)["Table"])})

    return act


class History:
    """Earlier versions by table; the engine itself keeps the current one only."""

    def __init__(self) -> None:
        from ministack.core.responses import AccountRegionScopedDict

        self._earlier: Any = AccountRegionScopedDict()

    def updating(self, action: Action) -> Action:
        """UpdateTable that keeps what it replaces, unless SkipArchive says not to."""

        def act(data: dict[str, Any]) -> Response:
            key = _key(data, (data.get("TableInput") or {}).get("Name"))
            before = copy.deepcopy(_table_or_none(key))
            answer = action(data)
            if answer[0] < 300 and before is not None and not data.get("SkipArchive"):
                self._earlier[key] = [*(self._earlier.get(key) or []), before]
            return answer

        return act

    def deleting(self, action: Action) -> Action:
        """DeleteTable, which forgets the versions, too."""

        def act(data: dict[str, Any]) -> Response:
            answer = action(data)
            if answer[0] < 300:
                self._earlier.pop(_key(data, data.get("Name")), None)
            return answer

        return act

    def _all(self, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The newest first."""
        key = _key(data, data.get("TableName"))
        current = _table_or_none(key)
        if current is None:
            raise ServiceError("EntityNotFoundException", f"Table {data.get('TableName')} not found.")
        tables = [current, *reversed(self._earlier.get(key) or [])]
        return [{"Table": shown(table), "VersionId": table["VersionId"]} for table in tables]

    def get_versions(self, data: dict[str, Any]) -> Response:
        """GetTableVersions."""
        found, more = page(self._all(data), data)
        return reply({"TableVersions": found, **more})

    def get_version(self, data: dict[str, Any]) -> Response:
        """GetTableVersion: the current one unless another is named."""
        versions = self._all(data)
        wanted = data.get("VersionId") or versions[0]["VersionId"]
        for version in versions:
            if version["VersionId"] == str(wanted):
                return reply({"TableVersion": version})
        return refusal(ServiceError("EntityNotFoundException", f"Version {wanted} not found."))


def _key(data: Mapping[str, Any], name: Any) -> str:
    return f"{data.get('DatabaseName')}/{name}"


def _table_or_none(key: str) -> dict[str, Any] | None:
    from ministack.services import glue

    found: dict[str, Any] | None = glue._tables.get(key)
    return found


_FILTERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "DatabaseName": lambda table: table["DatabaseName"],
    "Name": lambda table: table["Name"],
    "TableName": lambda table: table["Name"],
}


def search(data: dict[str, Any]) -> Response:
    """SearchTables: the text is somewhere in a table's names, descriptions, comments or parameters.

    https://docs.aws.amazon.com/glue/latest/webapi/API_SearchTables.html
    """
    from ministack.services import glue

    if data.get("SortCriteria"):
        raise ServiceError("InvalidInputException", "The local catalog does not support SortCriteria")
    text = str(data.get("SearchText") or "")
    exact = len(text) > 1 and text[0] == text[-1] == '"'
    wanted = text.strip('"').lower()
    tables = [
        table
        for _, table in sorted(glue._tables.items())
        if _chosen(table, data.get("Filters") or [])
        and any(part == wanted if exact else wanted in part for part in _texts(table))
    ]
    found, more = page(tables, data)
    return reply({"TableList": [shown(table) for table in found], **more})


def _chosen(table: Mapping[str, Any], filters: list[Mapping[str, Any]]) -> bool:
    for one in filters:
        if one.get("Key") not in _FILTERS or one.get("Comparator", "EQUALS") != "EQUALS":
            raise ServiceError(
                "InvalidInputException", f"The local catalog does not support the filter {one}"
            )
        if _FILTERS[one["Key"]](table) != str(one.get("Value") or "").lower():
            return False
    return True


def _texts(table: Mapping[str, Any]) -> Iterator[str]:
    columns = [*(table["StorageDescriptor"].get("Columns") or []), *(table.get("PartitionKeys") or [])]
    found = [table["Name"], table["DatabaseName"], table.get("Description"), table.get("Owner")]
    found += [column.get(key) for column in columns for key in ("Name", "Type", "Comment")]
    found += [text for pair in (table.get("Parameters") or {}).items() for text in pair]
    return (str(text).lower() for text in found if text)
