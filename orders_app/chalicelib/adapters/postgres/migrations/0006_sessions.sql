-- Sessions of this database. Set here and not by each connection: RDS Proxy takes no startup options, and a
-- SET would pin the connection. A process that dies in a transaction must not hold its locks for long.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = ''60s''', current_database());
    EXECUTE format('ALTER DATABASE %I SET statement_timeout = ''60s''', current_database());
    EXECUTE format('ALTER DATABASE %I SET timezone = ''UTC''', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'not the owner of the database: set its timeouts by hand';
END $$;
