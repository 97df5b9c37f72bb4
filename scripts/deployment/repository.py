"""The application as the Serverless Application Repository lists it, and the plan of publishing a version.

https://docs.aws.amazon.com/serverlessrepo/latest/devguide/serverlessrepo-publishing-applications.html
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.deployment import etl_code
from scripts.deployment.calls import Call
from scripts.deployment.errors import DeploymentError
from scripts.deployment.fragments import Template

METADATA = "AWS::ServerlessRepo::Application"
_LIMITS = {  # documented with CreateApplication
    "Name": r"[a-zA-Z0-9-]{1,140}",
    "Description": r"(?s).{1,256}",
    "Author": r"(?=.{1,127}$)[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?",
    "SpdxLicenseId": r"[a-zA-Z0-9.-]+",
    "LicenseUrl": r".+",
    "ReadmeUrl": r".+",
}
_LABEL = r"[a-zA-Z0-9+\-_:/@]{1,127}"
# The grammar of https://semver.org, its numbers without leading zeros.
_NUMBER, _WORD = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_WORD}(\.{_WORD})*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"


@dataclass(frozen=True)
class Published:
    """What the repository has of the application already."""

    application: str
    versions: Collection[str]


def metadata() -> dict[str, Any]:
    """What the packaged template says of itself; paths are relative to the checkout."""
    return {
        "Name": "order-platform",
        "Description": "Orders through payment, stock and notification, and their sales as tables",
        "Author": "order-platform",
        "SpdxLicenseId": "Apache-2.0",
        "LicenseUrl": "LICENSE",
        "ReadmeUrl": "README.md",
        "Labels": ["orders", "chalice", "stepfunctions", "eventbridge", "glue"],
    }


def problems(template: Template, version: str, root: Path) -> list[str]:
    """Everything that keeps this template from being published as `version`."""
    found = [] if re.fullmatch(_VERSION, version) else [f"{version!r} is not a semantic version (1.2.3)"]
    said = template.get("Metadata", {}).get(METADATA)
    if said is None:
        return [*found, f"the template has no {METADATA}: make it by make package"]
    for name, pattern in _LIMITS.items():
        if not re.fullmatch(pattern, str(said.get(name, ""))):
            found.append(f"{name} is {said.get(name)!r}")
    labels = said.get("Labels", [])
    if len(labels) > 10 or not all(re.fullmatch(_LABEL, one) for one in labels):
        found.append(f"Labels are {labels!r}")
    for name in ("LicenseUrl", "ReadmeUrl"):
        path = root / str(said.get(name, ""))
        if said.get(name) and not (path.is_file() and path.read_text().strip()):
            found.append(f"{name} names {said[name]!r}, which is missing or empty")
    return found


def plan(
    template: Template, version: str, bucket: str, out: Path, root: Path, published: Published | None
) -> list[Call]:
    """Uploads first, then the one call by which the version exists."""
    said = template["Metadata"][METADATA]
    prefix = f"{said['Name']}/{version}"
    archives = [*out.glob("*.zip"), *(out / etl_code.FOLDER).glob("*")]
    uploads = {str(path.relative_to(out)): path.read_bytes() for path in sorted(archives)}
    final = located(template, version, bucket, prefix, uploads.keys())
    uploads |= {name: (root / name).read_bytes() for name in (said["LicenseUrl"], said["ReadmeUrl"])}
    uploads["template.json"] = json.dumps(final, separators=(",", ":")).encode()

    def url(name: str) -> str:
        return f"s3://{bucket}/{prefix}/{name}"

    calls = [
        Call(f"upload {url(name)}", "s3", "put_object", {"Bucket": bucket, "Key": key, "Body": body})
        for name, body in uploads.items()
        for key in [f"{prefix}/{name}"]
    ]
    fresh = {"SemanticVersion": version, "TemplateUrl": url("template.json")}
    if published is None:
        first = {
            **{name: said[name] for name in ("Name", "Description", "Author", "SpdxLicenseId", "Labels")},
            "LicenseUrl": url(said["LicenseUrl"]),
            "ReadmeUrl": url(said["ReadmeUrl"]),
        }
        says = f"create application {said['Name']} with version {version}"
        return [*calls, Call(says, "serverlessrepo", "create_application", {**first, **fresh})]
    which = {"ApplicationId": published.application}
    changed = {name: said[name] for name in ("Description", "Author", "Labels")}
    return [
        *calls,
        Call(f"create version {version}", "serverlessrepo", "create_application_version", {**which, **fresh}),
        Call(
            "bring README and description up to date",
            "serverlessrepo",
            "update_application",
            {**which, **changed, "ReadmeUrl": url(said["ReadmeUrl"])},
        ),
    ]


def located(
    template: Template, version: str, bucket: str, prefix: str, archives: Collection[str]
) -> dict[str, Any]:
    """The template with its code in the bucket; DeploymentError where an archive is not there."""
    final: dict[str, Any] = copy.deepcopy(dict(template))
    final["Metadata"][METADATA]["SemanticVersion"] = version
    where = f"s3://{bucket}/{prefix}"
    for name in etl_code.KEYS.values():  # Lambda and Glue take the ETL's code from the same place
        key = final.get("Parameters", {}).get(name, {}).get("Default")
        if key not in archives:
            raise DeploymentError(f"{name} is {key!r}, which was not packaged")
        final["Parameters"][name]["Default"] = f"{prefix}/{key}"
    final["Parameters"][etl_code.BUCKET]["Default"] = bucket
    for logical, resource in final["Resources"].items():
        properties: Mapping[str, Any] = resource.get("Properties", {})
        for name in ("CodeUri", "ContentUri"):
            uri = properties.get(name)
            if isinstance(uri, str) and not uri.startswith("s3://"):
                archive = uri.removeprefix("./")
                if archive not in archives:
                    raise DeploymentError(f"{logical} wants {uri!r}, which was not packaged")
                resource["Properties"][name] = f"{where}/{archive}"
    return final
