"""What keeps the lake cheap: lifecycles, the job's limits, and one run for many files."""

from typing import Any

from scripts.benchmarks.etl_cost import job_per_file, one_run
from scripts.deployment import fragments

BASE: dict[str, Any] = fragments.base()["Resources"]
BINDINGS: dict[str, Any] = fragments.bindings()["Resources"]


def test_every_prefix_of_the_lake_has_its_lifecycle() -> None:
    rules = BASE["OrderLakeBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    by_prefix = {rule["Prefix"]: rule for rule in rules}
    assert all(rule["Status"] == "Enabled" for rule in rules)
    assert by_prefix["raw-data/"]["Transitions"] == [{"StorageClass": "STANDARD_IA", "TransitionInDays": 90}]
    assert "ExpirationInDays" not in by_prefix["raw-data/"]  # the raw files are the source of everything
    assert {by_prefix[name]["ExpirationInDays"] for name in ("temp/", "query-results/")} == {7, 14}
    assert by_prefix["quarantine/"]["ExpirationInDays"] >= 90
    # Versions cost as long as they are kept, and the bucket keeps versions.
    assert all("NoncurrentVersionExpiration" in rule for prefix, rule in by_prefix.items() if prefix)
    assert "AbortIncompleteMultipartUpload" in by_prefix[""]
    # A year of reports and more; and what the sweep deletes leaves no marker behind for ever.
    assert by_prefix["processed-data/_reports/"]["ExpirationInDays"] >= 366
    assert by_prefix["processed-data/"]["ExpiredObjectDeleteMarker"] is True
    assert "ExpirationInDays" not in by_prefix["processed-data/"]  # it would expire the tables


def test_the_checks_may_ask_athena_for_what_its_policy_page_demands() -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html"""
    (policy,) = BINDINGS["EtlAthenaChecksRole"]["Properties"]["Policies"]
    granted = {
        (action, resource["Fn::Sub"].rpartition(":")[2])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Sid"] in {"ReadTheCatalog", "AthenaNeedsTheDefaultDatabase"}
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    for action in ("glue:GetDatabase", "glue:CreateDatabase"):
        assert {(action, "catalog"), (action, "database/default")} <= granted
    tables = {action for action, place in granted if place == "table/${LakeDatabaseName}/*"}
    assert {"glue:GetTable", "glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition"} <= tables
    made = {place for action, place in granted if action == "glue:CreateDatabase"}
    assert made == {"catalog", "database/default"}  # and no other database


def test_the_job_scales_by_itself_ends_in_an_hour_and_never_retries_by_itself() -> None:
    job = BASE["EtlJob"]["Properties"]
    assert (job["WorkerType"], job["MaxRetries"], job["Timeout"]) == ("G.1X", 0, 60)
    assert job["DefaultArguments"]["--enable-auto-scaling"] == "true"
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1}


def test_java_compiles_the_rules_in_the_driver_and_in_the_executors() -> None:
    """Several settings in one --conf: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html"""
    conf = BASE["EtlJob"]["Properties"]["DefaultArguments"]["--conf"]
    options = dict(setting.split("=", 1) for setting in conf.split(" --conf "))
    assert options == dict.fromkeys(
        ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"), "-XX:-DontCompileHugeMethods"
    )


def test_the_small_batch_lambda_is_never_retried_by_lambda_and_reports_its_failure() -> None:
    rules = BINDINGS["EtlSmallBatchAsync"]["Properties"]
    assert rules["MaximumRetryAttempts"] == 0
    assert "OnFailure" in rules["DestinationConfig"]


def test_a_query_has_a_limit() -> None:
    settings = BASE["OrderAnalytics"]["Properties"]["WorkGroupConfiguration"]
    assert settings["EnforceWorkGroupConfiguration"] is True
    assert 0 < int(settings["BytesScannedCutoffPerQuery"]) <= 100 * 1024**3


def test_the_raw_crawler_asks_the_json_classifier_first() -> None:
    given = [one["Ref"] for one in BASE["RawDataCrawler"]["Properties"]["Classifiers"]]
    assert [next(iter(BASE[name]["Properties"])) for name in given] == ["JsonClassifier", "CsvClassifier"]


def test_one_run_for_many_files_is_cheaper_than_a_job_for_each_with_and_without_crawls() -> None:
    seed, ours = job_per_file(1000), one_run(1000, per_run=20, seconds=15)
    assert seed.total > 10 * ours.total
    assert seed.without_crawls > 10 * ours.without_crawls
    assert seed.total > 5 * seed.without_crawls  # what a crawl costs hides all else: both are told
