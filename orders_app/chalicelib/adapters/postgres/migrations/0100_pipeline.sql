-- Raw files and ETL runs: which object versions arrived, and which run took each.

create table pipeline_runs (
    run_id       text primary key,
    state        text not null check (state in (
        'starting', 'running', 'retrying', 'published', 'crawling', 'checking',
        'succeeded', 'checks_failed', 'failed')),
    driver       text not null check (driver in ('events', 'workflow')),
    started_at   timestamptz not null,
    lease_until  timestamptz not null,
    attempt      integer not null default 1,
    version      integer not null default 0,
    engine       text,
    reason       text,
    manifest     text,
    job_run_id   text,
    retry_at     timestamptz,
    error        text,
    report       jsonb not null default '{}',
    ended_at     timestamptz
);

-- The lock: at most one run that has not ended.
create unique index pipeline_runs_one_at_a_time on pipeline_runs ((true))
    where state not in ('succeeded', 'checks_failed', 'failed');
create index pipeline_runs_job_run on pipeline_runs (job_run_id);
create index pipeline_runs_started on pipeline_runs (started_at);

create table pipeline_files (
    id           bigint generated always as identity primary key,
    bucket       text not null,
    key          text not null,
    version_id   text not null,
    etag         text not null,
    size         bigint not null,
    sequencer    text not null,
    kind         text not null check (kind in ('sales', 'customers', 'orders')),
    object_time  timestamptz not null,
    recorded_at  timestamptz not null,
    state        text not null default 'pending'
        check (state in ('pending', 'claimed', 'done', 'failed', 'superseded')),
    run_id       text references pipeline_runs (run_id),
    unique (bucket, key, version_id, etag)
);

create index pipeline_files_pending on pipeline_files (id) where state = 'pending';
create index pipeline_files_run on pipeline_files (run_id);

-- What was last exported of each customer, as a fingerprint: an export writes only what changed since.
create table pipeline_customer_exports (
    customer_id  text primary key,
    fingerprint  text not null,
    exported_at  timestamptz not null
);
