"""What the tasks of each state machine say, story by story, and which states that must lead through.

An answer is a result, or the name of an error to raise; the last one is said again and again.
`Map/` stands for the first state of that Map's items.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Answer = dict[str, Any] | str
FAULT, GONE, THROTTLED = "ProgrammingError", "DatabaseUnavailableError", "ThrottledError"
NO_ROOM = "Lambda.TooManyRequestsException"
# What each task outlives, one error for each of its Retry rules.
RETRIED = {
    "process_order": [NO_ROOM, GONE], "cancel_order": [NO_ROOM, GONE],
    "RunJob": ["Glue.ConcurrentRunsExceededException"],
    "StartCrawler": ["Glue.CrawlerRunningException", "Glue.ThrottlingException"],
    "GetCrawler": ["Glue.ThrottlingException"], "Notify of etl": ["SNS.ThrottledException"],
}  # fmt: skip


@dataclass(frozen=True)
class Story:
    """`through`: states that are entered, the last of them as the execution's last."""

    through: str
    said: Mapping[str, list[Answer]] = field(default_factory=dict)
    retried: bool = False  # each task first fails as RETRIED says
    broken: tuple[str, ...] = ()  # Pass states of items that fail instead, so that their Map does


def first_fails(machine: str, state: str) -> list[Answer]:
    named = (f"{state} of {machine}", state, machine)
    return next(([*RETRIED[name]] for name in named if name in RETRIED), [GONE])


def order(outcome: str) -> list[Answer]:
    told = outcome in ("completed", "declined", "failed", "refunded", "out_of_stock")
    return [
        {
            "outcome": outcome, "orderId": "ORD", "execution": "e", "correlationId": "c", "kind": outcome,
            "channels": ["operators", "email"] if told else [],
        }
    ]  # fmt: skip


def result(**answer: Any) -> list[Answer]:
    return [answer]


PROCESS_ORDER_SAYS: dict[str, list[Answer]] = {
    "ClaimOrder": order("claimed"), "ValidatePayment": order("authorised"),
    "CheckInventory": order("reserved"), "ProcessOrder": order("completed"),
    "Compensate": order("failed"), "SendNotification/": result(), "TellCustomer/": result(),
    "RecordCompensationFailure": result(),
}  # fmt: skip
PROCESS_ORDER = [
    Story("ValidatePayment CheckInventory ProcessOrder SendNotification OrderComplete", retried=True),
    Story("AlreadyRunning", {"ClaimOrder": order("already_running")}),
    Story("Cancelled", {"ClaimOrder": order("cancelled")}),
    Story("OrderRejected", {"ClaimOrder": order("refused")}),
    Story("WorkflowFault", {"ClaimOrder": [FAULT]}),
    Story("TellCustomer PaymentFailed", {"ValidatePayment": order("declined")}, retried=True),
    Story("ValidatePayment Cancelled", {"ValidatePayment": order("cancelled")}),
    Story("ValidatePayment AlreadyRunning", {"ValidatePayment": order("already_running")}),
    Story("Compensate WorkflowFault", {"ValidatePayment": order("unforeseen")}),
    Story("Compensate WorkflowFault", {"ValidatePayment": [FAULT]}),
    Story("CheckInventory Cancelled", {"CheckInventory": order("cancelled")}),
    Story("CheckInventory AlreadyRunning", {"CheckInventory": order("already_running")}),
    Story("Compensate TellCustomer InventoryFailed",
          {"CheckInventory": order("out_of_stock"), "Compensate": order("out_of_stock")}),
    Story("Compensate WorkflowFault", {"CheckInventory": [FAULT]}),
    Story("ProcessOrder Cancelled", {"ProcessOrder": order("cancelled")}),
    Story("ProcessOrder AlreadyRunning", {"ProcessOrder": order("already_running")}),
    Story("Compensate Cancelled", {"ProcessOrder": order("unforeseen"), "Compensate": order("cancelled")}),
    Story("Compensate AlreadyRunning", {"ProcessOrder": [FAULT], "Compensate": order("already_running")}),
    Story("Compensate OrderComplete", {"ProcessOrder": [FAULT], "Compensate": order("completed")}),
    Story("Compensate WorkflowFault", {"ProcessOrder": [FAULT], "Compensate": [GONE]}),
    Story("Compensate RecordCompensationFailure CompensationFailed",
          {"ProcessOrder": [FAULT], "Compensate": [FAULT]}, retried=True),
    Story("RecordCompensationFailure CompensationFailed",
          {"ProcessOrder": [FAULT], "Compensate": [FAULT], "RecordCompensationFailure": [FAULT]}),
    Story("NotNotified OrderComplete", {"SendNotification/": [FAULT]}),
    Story("NotNotified OrderComplete", {"SendNotification/": [FAULT]}, broken=("SendNotification",)),
    Story("NotTold PaymentFailed", {"ValidatePayment": order("declined"), "TellCustomer/": [FAULT]}),
    Story("NotTold PaymentFailed", {"ValidatePayment": order("declined"), "TellCustomer/": [FAULT]},
          broken=("TellCustomer",)),
]  # fmt: skip

CANCEL_ORDER_SAYS: dict[str, list[Answer]] = {
    "BeginCancellation": order("begun"), "SettleCancellation": order("refunded"), "TellCustomer/": result(),
    "RecordCompensationFailure": result(),
}  # fmt: skip
CANCEL_ORDER = [
    Story("BeginCancellation SettleCancellation TellCustomer Cancelled", retried=True),
    Story("SettleCancellation Cancelled", {"SettleCancellation": ["OrderBusyError", *order("cancelled")]}),
    Story("WorkflowFault", {"BeginCancellation": [FAULT]}),
    Story("AlreadyRunning", {"BeginCancellation": order("already_running")}),
    Story("Cancelled", {"BeginCancellation": order("cancelled")}),
    Story("Cancelled", {"BeginCancellation": order("refunded")}),
    Story("CancellationRefused", {"BeginCancellation": order("refused")}),
    Story("SettleCancellation AlreadyRunning", {"SettleCancellation": order("already_running")}),
    Story("SettleCancellation CancellationRefused", {"SettleCancellation": order("refused")}),
    Story("SettleCancellation WorkflowFault", {"SettleCancellation": [GONE]}),
    Story("RecordCompensationFailure CompensationFailed", {"SettleCancellation": [FAULT]}, retried=True),
    Story("RecordCompensationFailure CompensationFailed",
          {"SettleCancellation": [FAULT], "RecordCompensationFailure": [FAULT]}),
    Story("NotNotified Cancelled", {"TellCustomer/": [FAULT]}),
    Story("NotNotified Cancelled", {"TellCustomer/": [FAULT]}, broken=("TellCustomer",)),
]  # fmt: skip

ROUTE_MESSAGES_SAYS: dict[str, list[Answer]] = {
    "PublishMessages": result(count=3, deadline="later",
                              published={"notification": ["1"], "critical_alert": ["2"], "unrouted": ["3"]}),
    **{f"Store{kind}": result(outcome="stored") for kind in ("Notifications", "CriticalAlerts", "Unrouted")},
}  # fmt: skip
ROUTE_MESSAGES = [
    Story("NotificationsDone CriticalAlertsDone UnroutedDone MessagesStored", retried=True),
    Story("NotPublished", {"PublishMessages": [FAULT]}),
    *(
        story
        for kind in ("Notifications", "CriticalAlerts", "Unrouted")
        for story in (
            Story(f"WaitFor{kind} {kind}Done MessagesStored",
                  {f"Store{kind}": [{"outcome": "pending"}, {"outcome": "stored"}]}),
            Story(f"{kind}Missing NotStored", {f"Store{kind}": result(outcome="missing")}),
            Story(f"{kind}Missing NotStored", {f"Store{kind}": result(outcome="unforeseen")}),
            Story(f"{kind}Fault NotStored", {f"Store{kind}": [FAULT]}),
        )
    ),
]  # fmt: skip

REPORT_SALES_SAYS: dict[str, list[Answer]] = {
    state: result(outcome="done")
    for state in ("CleanOrders", "SummarizeReport", "MailReport", "EmitExecutionSummary", "RecordFailure")
}
REPORT_SALES = [
    Story("CleanOrders SummarizeReport MailReport EmitExecutionSummary ReportReady", retried=True),
    Story("RecordFailure ReportFailed", {"CleanOrders": [FAULT]}, retried=True),
    Story("RecordFailure ReportFailed", {"SummarizeReport": [THROTTLED]}),
    Story("MailReport EmitExecutionSummary ReportReady", {"MailReport": [FAULT]}),
    Story("EmitExecutionSummary RecordFailure ReportFailed", {"EmitExecutionSummary": [FAULT]}),
    Story("RecordFailure ReportFailed", {"CleanOrders": [FAULT], "RecordFailure": [FAULT]}),
]

SUMMARISE_DATASETS_SAYS: dict[str, list[Answer]] = {
    "GenerateDatasets": result(regions=[{"label": str(n)} for n in range(5)],
                               files=[{"label": str(n)} for n in range(5)]),
    **{f"Clean{kind}": result(outcome="cleaned") for kind in ("Region", "File")},
    **{f"Summarize{kind}": result(outcome="summarized") for kind in ("Region", "File")},
    "EmitExecutionSummary": result(), "RecordFailure": result(),
}  # fmt: skip
SUMMARISE_DATASETS = [
    Story("SummarizeRegion SummarizeFile EmitExecutionSummary DatasetsDone", retried=True),
    Story("RecordFailure DatasetsFailed", {"GenerateDatasets": [FAULT]}, retried=True),
    Story("EmitExecutionSummary RecordFailure DatasetsFailed", {"EmitExecutionSummary": [FAULT]}),
    Story("RecordFailure DatasetsFailed", {"GenerateDatasets": [FAULT], "RecordFailure": [FAULT]}),
    *(
        story
        for kind in ("Region", "File")
        for story in (
            Story(f"{kind}Refused DatasetsDone", {f"Clean{kind}": result(outcome="refused")}),
            Story(f"{kind}Failed DatasetsDone", {f"Clean{kind}": [FAULT]}),
            Story(f"Summarize{kind} {kind}Failed DatasetsDone", {f"Summarize{kind}": [FAULT]}),
            Story(f"{kind}Failed {kind}sNotDone RecordFailure DatasetsFailed", {f"Clean{kind}": [FAULT]},
                  broken=(f"Each{kind}",)),
        )
    ),
]  # fmt: skip


def crawler(state: str, **last_crawl: str) -> Answer:
    return {"Crawler": {"State": state, **({"LastCrawl": last_crawl} if last_crawl else {})}}


CRAWLED = crawler("READY", Status="SUCCEEDED")
ETL_SAYS: dict[str, list[Answer]] = {
    "PrepareRun": result(outcome="prepared", runId="run-1", manifest="runs/1.json"),
    "RunJob": result(), "StartCrawler": result(), "GetCrawler": [CRAWLED],
    "CheckTables": result(outcome="succeeded"), "Notify": result(), "FailRun": result(),
}  # fmt: skip
ETL = [
    Story("PrepareRun RunJob StartCrawler GetCrawler CheckTables Notify RunSucceeded", retried=True),
    Story("WaitForLock RunJob RunSucceeded", {"PrepareRun": [{"outcome": "busy"}, *ETL_SAYS["PrepareRun"]]}),
    Story("NothingToDo", {"PrepareRun": result(outcome="nothing")}),
    Story("RunNotPrepared", {"PrepareRun": [FAULT]}),
    Story("FailRun RunFailed", {"RunJob": ["States.TaskFailed"]}, retried=True),
    Story("FailRun RunFailed", {"StartCrawler": [FAULT]}),
    Story("GetCrawler WaitForCrawler RunSucceeded",
          {"GetCrawler": [crawler("RUNNING"), crawler("STOPPING", Status="FAILED"), CRAWLED]}),
    Story("GetCrawler CrawlFailed FailRun RunFailed", {"GetCrawler": [crawler("READY", Status="FAILED")]}),
    Story("GetCrawler CrawlFailed FailRun RunFailed", {"GetCrawler": [crawler("READY")]}),
    Story("GetCrawler FailRun RunFailed", {"GetCrawler": [FAULT]}),
    Story("CheckTables FailRun RunFailed", {"CheckTables": [FAULT]}),
    Story("Notify ChecksFailed", {"CheckTables": result(outcome="checks_failed")}),
    Story("Notify RunSucceeded", {"Notify": [FAULT]}),
    Story("FailRun RunFailed", {"RunJob": [FAULT], "FailRun": [FAULT]}),
]  # fmt: skip

STORIES: dict[str, tuple[dict[str, list[Answer]], list[Story]]] = {
    "process_order": (PROCESS_ORDER_SAYS, PROCESS_ORDER),
    "cancel_order": (CANCEL_ORDER_SAYS, CANCEL_ORDER),
    "route_messages": (ROUTE_MESSAGES_SAYS, ROUTE_MESSAGES),
    "report_sales": (REPORT_SALES_SAYS, REPORT_SALES),
    "summarise_datasets": (SUMMARISE_DATASETS_SAYS, SUMMARISE_DATASETS),
    "etl": (ETL_SAYS, ETL),
}
