-- Trino's functions that DuckDB answers otherwise: https://trino.io/docs/current/functions.html
-- A failure is error('athena:CODE: message§'); macros.py makes each macro's twin, which is NULL there.

CREATE OR REPLACE TEMP MACRO trino_space() AS
' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(5760) || chr(8192) || chr(8193) || chr(8194)
    || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8200) || chr(8201) || chr(8202) || chr(8232)
    || chr(8233) || chr(8287) || chr(12288);

CREATE OR REPLACE TEMP MACRO trino_trim(x) AS trim(x, trino_space());

CREATE OR REPLACE TEMP MACRO trino_ltrim(x) AS ltrim(x, trino_space());

CREATE OR REPLACE TEMP MACRO trino_rtrim(x) AS rtrim(x, trino_space());

-- DuckDB makes a capital sharp s of the small one; Trino leaves it.
CREATE OR REPLACE TEMP MACRO trino_upper(x) AS
replace(replace(upper(replace(x, 'ẞ', chr(57344))), 'ẞ', 'ß'), chr(57344), 'ẞ');

CREATE OR REPLACE TEMP MACRO trino_substring(x, s) AS
CASE WHEN s = 0 OR -s > length(x) THEN ''
     ELSE substring(x, CASE WHEN s < 0 THEN length(x) + s + 1 ELSE s END) END;

CREATE OR REPLACE TEMP MACRO trino_substring_of(x, s, n) AS
CASE WHEN s = 0 OR n <= 0 OR -s > length(x) THEN ''
     ELSE substring(x, CASE WHEN s < 0 THEN length(x) + s + 1 ELSE s END, n) END;

CREATE OR REPLACE TEMP MACRO trino_replace(x, s, r) AS
CASE WHEN s = '' THEN error('athena:NOT_SUPPORTED: the local Athena does not support replace of an empty text§')
     ELSE replace(x, s, r) END;

CREATE OR REPLACE TEMP MACRO trino_chr(n) AS
CASE WHEN n < 0 OR n > 1114111 OR n BETWEEN 55296 AND 57343
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: Not a valid Unicode code point§')
     ELSE chr(CAST(n AS INTEGER)) END;

CREATE OR REPLACE TEMP MACRO trino_lpad(x, n, p) AS
CASE WHEN n < 0 OR n > 2147483647
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..2147483647]§')
     WHEN p = '' THEN error('athena:INVALID_FUNCTION_ARGUMENT: Padding string must not be empty§')
     ELSE lpad(x, CAST(n AS INTEGER), p) END;

CREATE OR REPLACE TEMP MACRO trino_rpad(x, n, p) AS
CASE WHEN n < 0 OR n > 2147483647
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..2147483647]§')
     WHEN p = '' THEN error('athena:INVALID_FUNCTION_ARGUMENT: Padding string must not be empty§')
     ELSE rpad(x, CAST(n AS INTEGER), p) END;

CREATE OR REPLACE TEMP MACRO trino_split(x, d) AS
CASE WHEN d = '' THEN error('athena:INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string§')
     ELSE str_split(x, d) END;

CREATE OR REPLACE TEMP MACRO trino_split_to(x, d, n) AS
CASE WHEN d = '' THEN error('athena:INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string§')
     WHEN n < 1 THEN error('athena:INVALID_FUNCTION_ARGUMENT: Limit must be positive§')
     WHEN len(str_split(x, d)) <= n THEN str_split(x, d)
     ELSE list_append(str_split(x, d)[1:n-1], array_to_string(str_split(x, d)[n:], d)) END;

CREATE OR REPLACE TEMP MACRO trino_split_part(x, d, i) AS
CASE WHEN i < 1 THEN error('athena:INVALID_FUNCTION_ARGUMENT: Index must be greater than zero§')
     ELSE str_split(x, d)[i] END;

CREATE OR REPLACE TEMP MACRO trino_slice(a, s, n) AS
CASE WHEN s = 0 THEN error('athena:INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1§')
     WHEN n < 0 THEN error('athena:INVALID_FUNCTION_ARGUMENT: length must be greater than or equal to 0§')
     WHEN n = 0 OR -s > len(a) OR s > len(a) THEN a[2:1]
     WHEN s < 0 THEN a[len(a)+s+1:len(a)+s+n]
     ELSE a[s:s+n-1] END;

CREATE OR REPLACE TEMP MACRO trino_contains(a, x) AS
CASE WHEN x IS NULL THEN NULL
     WHEN list_contains(a, x) THEN true
     WHEN list_count(a) < len(a) THEN NULL
     WHEN a IS NOT NULL THEN false END;

CREATE OR REPLACE TEMP MACRO trino_position(a, x) AS
CASE WHEN a IS NOT NULL AND x IS NOT NULL THEN coalesce(list_position(a, x), 0) END;

CREATE OR REPLACE TEMP MACRO trino_distinct(a) AS
list_filter(a, LAMBDA _x, _i : list_position(a, _x) = _i);

CREATE OR REPLACE TEMP MACRO trino_array_max(a) AS CASE WHEN list_count(a) = len(a) THEN list_max(a) END;

CREATE OR REPLACE TEMP MACRO trino_array_min(a) AS CASE WHEN list_count(a) = len(a) THEN list_min(a) END;

CREATE OR REPLACE TEMP MACRO trino_sequence(a, b, n) AS
CASE WHEN n = 0 OR (b > a AND n < 0) OR (b < a AND n > 0)
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start '
         || 'value if step is greater than zero otherwise stop should be less than or equal to start§')
     WHEN (b - a) // n >= 10000
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 '
         || 'entries§')
     ELSE generate_series(CAST(a AS BIGINT), CAST(b AS BIGINT), CAST(n AS BIGINT)) END;

CREATE OR REPLACE TEMP MACRO trino_days(a, b) AS
CAST(generate_series(a, b, CASE WHEN b < a THEN -INTERVAL 1 DAY ELSE INTERVAL 1 DAY END) AS DATE[]);

CREATE OR REPLACE TEMP MACRO trino_map(k, v) AS
CASE WHEN len(k) <> len(v)
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: Key and value arrays must be the same length§')
     WHEN list_count(k) < len(k) THEN error('athena:INVALID_FUNCTION_ARGUMENT: map key cannot be null§')
     WHEN len(list_distinct(k)) < len(k)
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed§')
     ELSE map(k, v) END;

CREATE OR REPLACE TEMP MACRO trino_json_valid(x) AS CASE WHEN json_valid(x) THEN x END;

-- The text of a fraction stands in Trino's answer as it was written; DuckDB writes it anew.
CREATE OR REPLACE TEMP MACRO trino_json_scalar(x, p) AS
CASE json_type(trino_json_valid(x), p)
     WHEN 'OBJECT' THEN NULL
     WHEN 'ARRAY' THEN NULL
     WHEN 'NULL' THEN NULL
     WHEN 'DOUBLE' THEN CASE
         WHEN regexp_matches(x, '(^|[\[:,\s])' || regexp_escape(trino_json_valid(x) ->> p) || '\s*([,}\]]|$)')
         THEN trino_json_valid(x) ->> p
         ELSE error('athena:NOT_SUPPORTED: the local Athena does not support JSON numbers that are not in their '
             || 'shortest form§') END
     ELSE trino_json_valid(x) ->> p END;

CREATE OR REPLACE TEMP MACRO trino_json_length(x) AS
CASE WHEN json_type(trino_json_valid(x)) = 'ARRAY' THEN CAST(json_array_length(trino_json_valid(x)) AS BIGINT) END;

CREATE OR REPLACE TEMP MACRO trino_json_parse(x) AS
CASE WHEN json_valid(x) THEN CAST(trino_json_valid(x) AS JSON)
     WHEN x IS NOT NULL THEN error('athena:INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON§') END;

CREATE OR REPLACE TEMP MACRO trino_iso_timestamp(x) AS
CASE WHEN regexp_full_match(x, '\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]00(:?00)?)?')
     THEN CAST(CAST(regexp_replace(x, '(Z|[+-]00(:?00)?)$', '') AS TIMESTAMP) AS TIMESTAMPTZ)
     WHEN regexp_full_match(x, '\d{4}(-.*|T.*)?')
     THEN error('athena:NOT_SUPPORTED: the local Athena does not support ISO 8601 with other time zones than UTC, '
         || 'nor without a day§')
     WHEN x IS NOT NULL
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: Invalid format of an ISO 8601 timestamp§') END;

CREATE OR REPLACE TEMP MACRO trino_iso_date(x) AS
CASE WHEN regexp_full_match(x, '\d{4}-\d{2}-\d{2}') AND TRY_CAST(x AS DATE) IS NOT NULL THEN TRY_CAST(x AS DATE)
     WHEN regexp_full_match(x, '\d{4}(-?W.*|-?\d{3})?')
     THEN error('athena:NOT_SUPPORTED: the local Athena does not support dates by week or by day of the year§')
     WHEN x IS NOT NULL
     THEN error('athena:INVALID_FUNCTION_ARGUMENT: Invalid format of an ISO 8601 date§') END;

CREATE OR REPLACE TEMP MACRO trino_digits_of(t) AS ltrim(replace(split_part(t, 'e', 1), '.', ''), '0');

CREATE OR REPLACE TEMP MACRO trino_exponent_of(t) AS
coalesce(TRY_CAST(split_part(t, 'e', 2) AS INTEGER), 0) + length(split_part(split_part(t, 'e', 1), '.', 1)) - 1
    - (length(replace(split_part(t, 'e', 1), '.', '')) - length(trino_digits_of(t)));

CREATE OR REPLACE TEMP MACRO trino_scientific(t) AS
substring(trino_digits_of(t), 1, 1) || '.'
    || coalesce(nullif(rtrim(substring(trino_digits_of(t), 2), '0'), ''), '0') || 'E' || trino_exponent_of(t);

-- As Java's DecimalFormat "0.0###################E0": https://github.com/trinodb/trino/pull/10211
CREATE OR REPLACE TEMP MACRO trino_double_text(x) AS
CASE WHEN isnan(x) THEN 'NaN'
     WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
     WHEN x = 0 THEN CASE WHEN CAST(x AS VARCHAR) LIKE '-%' THEN '-0E0' ELSE '0E0' END
     ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || trino_scientific(CAST(abs(x) AS VARCHAR)) END;

CREATE OR REPLACE TEMP MACRO trino_fits(x, n) AS
CASE WHEN length(x) > n
     THEN error('athena:INVALID_CAST_ARGUMENT: Value ' || x || ' cannot be represented as varchar(' || n || ')§')
     ELSE x END;
