-- The workflow execution that asked for a run: asked again, it gets the same run.

alter table pipeline_runs add column execution text;
