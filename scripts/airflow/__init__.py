"""The ETL's DAG beside the platform: its MWAA layout, and a run of it with a real Airflow on this machine."""
