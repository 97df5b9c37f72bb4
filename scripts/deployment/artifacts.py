"""The bucket that carries templates too large for a request; made only when one is."""

from __future__ import annotations

import json

from chalicelib import names
from scripts.deployment import calls, private_bucket
from scripts.deployment.calls import Call, Session
from scripts.deployment.fragments import Template
from scripts.deployment.settings import StageSettings
from scripts.deployment.stacks import INLINE_LIMIT

# CloudFormation has read a template when the stack is made.
RULES = [private_bucket.expiring("templates/", 30), private_bucket.superseded(30)]


def plan(stage: StageSettings, session: Session, template: Template) -> list[Call]:
    """What the bucket still lacks, where this template needs one."""
    if not _is_large(template):
        return []
    return private_bucket.plan(stage, _name(stage), session, RULES)


def bucket_for(stage: StageSettings, session: Session, template: Template) -> str | None:
    """The artifacts bucket, made where it is missing; None when the template fits into the request."""
    calls.apply(plan(stage, session, template), session)
    return _name(stage) if _is_large(template) else None


def _is_large(template: Template) -> bool:
    return len(json.dumps(template, separators=(",", ":")).encode()) > INLINE_LIMIT


def _name(stage: StageSettings) -> str:
    return names.bucket("orders-artifacts", stage.stage, stage.account)
