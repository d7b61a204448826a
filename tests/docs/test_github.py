"""The workflow and the issue forms fit GitHub's schemas, and the workflow calls the one list."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import yaml

from engine.settings import ROOT

SCHEMAS = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
WORKFLOW = yaml.safe_load(
    (ROOT / ".github" / "workflows" / "ci.yml").read_text().replace("\non:", '\n"on":')
)


def test_the_workflow_fits_its_schema_and_calls_the_checks() -> None:
    jsonschema.validate(WORKFLOW, json.loads((SCHEMAS / "github-workflows.json").read_text()))
    steps = WORKFLOW["jobs"]["checks"]["steps"]
    assert any(".ci/run" in step.get("run", "") for step in steps)


def test_every_issue_form_fits_its_schema() -> None:
    schema = json.loads((SCHEMAS / "github-issue-forms.json").read_text())
    for name in ("bug", "idea"):
        form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
        jsonschema.validate(form, schema)
