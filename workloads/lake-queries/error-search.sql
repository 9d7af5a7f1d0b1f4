-- Error search: the errors of a period whose text holds a word, grouped by what they say, the most frequent first.
--
-- Change the period here: the days (a folder each) decide what Athena reads, and that is what it costs. Days are UTC.
-- A record lies in the folder of the day on which its file was begun, which may be the day before, and arrives up to two
-- days late: the day before the period is read too, and two after it. Change the word too. Numbers and long identifiers are left out of the text, so that equal errors come together.
SELECT
  service,
  regexp_replace(message, '[0-9a-f-]{16,}|[0-9]+', '#') AS what,
  count(*) AS times,
  count(DISTINCT request_id) AS requests,
  min(time) AS first_seen,
  max(time) AS last_seen,
  max_by(request_id, time) AS last_request,
  max_by(exception, time) AS last_exception
FROM app_logs
WHERE day BETWEEN DATE '2025-12-31' AND DATE '2026-01-09'
  AND time >= TIMESTAMP '2026-01-01 00:00:00'
  AND time < TIMESTAMP '2026-01-08 00:00:00'
  AND level IN ('ERROR', 'CRITICAL')
  AND lower(message) LIKE '%timeout%'
GROUP BY service, regexp_replace(message, '[0-9a-f-]{16,}|[0-9]+', '#')
ORDER BY times DESC, what
LIMIT 100
