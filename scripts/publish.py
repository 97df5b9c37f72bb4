"""Publish the package as a version: `python -m scripts.publish --stage prod --version 1.2.0 --bucket B out/`.

To the Serverless Application Repository. A version that exists is never written again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.deployment import calls, repository, settings
from scripts.deployment.calls import Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.errors import DeploymentError
from scripts.deployment.fragments import Template
from scripts.deployment.repository import Published
from scripts.package import TEMPLATE


def plan(
    session: Session, out: Path, version: str, bucket: str, root: Path = settings.ROOT
) -> list[calls.Call]:
    """What publishing would do, in order; DeploymentError with everything that is wrong, or if it exists."""
    try:
        template = json.loads((out / TEMPLATE).read_text())
    except OSError as error:
        raise DeploymentError(f"no package in {out}: run make package") from error
    found = checked(session, template, version, root)
    return repository.plan(template, version, bucket, out, root, found)


def checked(session: Session, template: Template, version: str, root: Path) -> Published | None:
    """What the repository has already; DeploymentError where this cannot become `version` of it."""
    wrong = repository.problems(template, version, root)
    if wrong:
        raise DeploymentError("cannot be published: " + "; ".join(wrong))
    found = published(session.client("serverlessrepo"), template["Metadata"][repository.METADATA]["Name"])
    if found is not None and version in found.versions:
        raise DeploymentError(f"version {version} is published already: {found.application}")
    return found


def apply(planned: Sequence[calls.Call], session: Session) -> None:
    """Do it. Of two that publish one version at a time, the second is refused."""
    import botocore.exceptions

    try:
        calls.apply(planned, session)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ConflictException":
            raise
        raise DeploymentError("somebody else has published this version meanwhile") from error


def published(client: Any, name: str) -> Published | None:
    """The application of this name in this account and region, with its versions."""
    for one in _pages(client.list_applications, "Applications"):
        if one["Name"] == name:
            listed = _pages(client.list_application_versions, "Versions", ApplicationId=one["ApplicationId"])
            return Published(one["ApplicationId"], {version["SemanticVersion"] for version in listed})
    return None


def _pages(operation: Any, key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    page = operation(**arguments)
    yield from page[key]
    while page.get("NextToken"):
        page = operation(**arguments, NextToken=page["NextToken"])
        yield from page[key]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.publish", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("out"))
    parser.add_argument("--stage", required=True)
    parser.add_argument("--version", required=True, help="semantic: 1.2.3")
    parser.add_argument(
        "--bucket", required=True, help="holds code and template: python -m scripts.setup_bucket"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    parser.add_argument(
        "--check", action="store_true", help="only say whether it could be published, before it is packaged"
    )
    options = parser.parse_args(argv)

    def run() -> int:
        session = connect(settings.load(options.stage))
        if options.check:
            said = {"Metadata": {repository.METADATA: repository.metadata()}}
            checked(session, said, options.version, settings.ROOT)
            print(f"version {options.version} can be published")
            return 0
        planned = plan(session, options.out, options.version, options.bucket)
        print("\n".join(map(str, planned)))
        if not options.dry_run:
            apply(planned, session)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
