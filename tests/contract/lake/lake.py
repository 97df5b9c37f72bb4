"""A small lake for one test: a bucket, a database, crawlers and jobs, by plain boto3 and awswrangler."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.contract.cloud import Cloud, eventually

Row = tuple[str | None, ...]


class QueryFailed(AssertionError):
    """A query that did not succeed; `status` is Athena's."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        super().__init__(status.get("StateChangeReason"))
        self.status = status


class Lake:
    """What a test makes is named for the test and deleted after it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.s3, self.glue, self.athena = (cloud.client(name) for name in ("s3", "glue", "athena"))
        self.bucket = cloud.name("lake")
        self.s3.create_bucket(Bucket=self.bucket)
        cloud.undo(self._drop_bucket)
        self.database = cloud.name("lake").replace("-", "_")
        self.glue.create_database(DatabaseInput={"Name": self.database})
        cloud.undo(lambda: self.glue.delete_database(Name=self.database))

    def _drop_bucket(self) -> None:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for item in page.get("Contents", []):
                self.s3.delete_object(Bucket=self.bucket, Key=item["Key"])
        self.s3.delete_bucket(Bucket=self.bucket)

    def uri(self, key: str = "") -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, body: str | bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in found]

    def text(self, uri: str) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return str(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())

    def role(self, service: str = "glue.amazonaws.com") -> str:
        """A role that the service may assume, with all that crawlers, jobs and machines need here."""
        iam, name = self.cloud.client("iam"), self.cloud.name("glue")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
        }
        arn = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        self.cloud.undo(lambda: iam.delete_role(RoleName=name))
        allow = {
            "Effect": "Allow",
            "Action": ["s3:*", "glue:*", "logs:*", "athena:*", "events:*"],
            "Resource": "*",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
        self.cloud.undo(lambda: iam.delete_role_policy(RoleName=name, PolicyName="all"))
        return str(arn)

    def crawler(self, *paths: str, **settings: Any) -> str:
        """A crawler of the given prefixes of the bucket."""
        name = self.cloud.name("crawler")
        targets = {"S3Targets": [{"Path": self.uri(path)} for path in paths]}
        given = {"Targets": targets, "DatabaseName": self.database, "Role": self.role(), **settings}
        self.glue.create_crawler(Name=name, **given)
        self.cloud.undo(lambda: self.glue.delete_crawler(Name=name))
        return name

    def crawl(self, name: str) -> Mapping[str, Any]:
        """Run a crawler to its end; its last crawl."""
        self.glue.start_crawler(Name=name)
        return self.crawled(name)

    def crawled(self, name: str) -> Mapping[str, Any]:
        def look() -> Any:
            found = self.glue.get_crawler(Name=name)["Crawler"]
            return found["LastCrawl"] if found["State"] == "READY" else None

        return eventually(look, 300)

    def tables(self) -> dict[str, dict[str, str]]:
        """Every table of the database with its columns' types, partition keys last."""
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=self.database)
        return {table["Name"]: self.columns(table) for page in pages for table in page["TableList"]}

    @staticmethod
    def columns(table: Mapping[str, Any]) -> dict[str, str]:
        found = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
        return {column["Name"]: column["Type"] for column in found}

    def partitions(self, table: str) -> dict[tuple[str, ...], str]:
        """Each partition's location by its values."""
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=self.database, TableName=table
        )
        found = [one for page in pages for one in page["Partitions"]]
        return {tuple(one["Values"]): one["StorageDescriptor"]["Location"] for one in found}

    def execute(self, sql: str, **settings: Any) -> dict[str, Any]:
        """Run a statement to its end; its QueryExecution, or QueryFailed."""
        request = {
            "QueryExecutionContext": {"Database": self.database},
            "ResultConfiguration": {"OutputLocation": self.uri("query-results/")},
            **settings,
        }
        query = self.athena.start_query_execution(QueryString=sql, **request)["QueryExecutionId"]

        def look() -> Any:
            found = self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            return found if found["Status"]["State"] not in {"QUEUED", "RUNNING"} else None

        execution: dict[str, Any] = eventually(look, 120)
        if execution["Status"]["State"] != "SUCCEEDED":
            raise QueryFailed(execution["Status"])
        return execution

    def query(self, sql: str, **settings: Any) -> list[Row]:
        """The rows of a SELECT as text, without the header."""
        return self.results(self.execute(sql, **settings))[1:]

    def results(self, execution: Mapping[str, Any]) -> list[Row]:
        pages = self.athena.get_paginator("get_query_results").paginate(
            QueryExecutionId=execution["QueryExecutionId"]
        )
        rows = [row for page in pages for row in page["ResultSet"]["Rows"]]
        return [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in rows]

    def types(self, sql: str) -> list[str]:
        """The column types of a SELECT, as GetQueryResults names them."""
        query = self.execute(sql)["QueryExecutionId"]
        answer = self.athena.get_query_results(QueryExecutionId=query)
        return [column["Type"] for column in answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]

    def value(self, expression: str) -> str | None:
        """The text of one expression."""
        return self.query(f"SELECT {expression}")[0][0]


def csv(*lines: Sequence[object]) -> str:
    return "".join(",".join(map(str, line)) + "\n" for line in lines)
