"""Gap: the engine starts a thread for each task of an execution, each call and each delivery (20 an order).

They come from one crew here. Nothing else changes: each task still has a thread for as long as it runs.
"""

import functools
import threading
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import SeamError
from scripts.local_cloud.threads import Crew, Executor, Loan

crew = Crew()


class _Threading:
    """The module `threading`, but its threads are the crew's."""

    Thread = staticmethod(functools.partial(Loan, crew))

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)


def install(context: Context) -> None:
    from ministack.core import concurrency
    from ministack.services import s3, sns
    from ministack.services import stepfunctions as sfn

    for module, name in (
        (concurrency, "threading"),
        (s3, "threading"),
        (sfn, "threading"),
        (sns, "_threading"),
    ):
        if getattr(module, name, None) is not threading:
            raise SeamError(f"{module.__name__} no longer starts its threads by the module threading")
        setattr(module, name, _Threading())
    if sfn.ThreadPoolExecutor.__module__ != "concurrent.futures.thread":
        raise SeamError("stepfunctions no longer runs its tasks by ThreadPoolExecutor")
    sfn.ThreadPoolExecutor = functools.partial(Executor, crew)
