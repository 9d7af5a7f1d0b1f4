-- Performance in a period: how long requests take by day, the percentiles of each path, and how many fail.
--
-- Change the period here: the days (a folder each) decide what Athena reads, and that is what it costs. Days are UTC.
-- A record lies in the folder of the day on which its file was begun, which may be the day before, and arrives up to two
-- days late: the day before the period is read too, and two after it.
SELECT
  date(time) AS day_utc,
  method,
  path,
  count(*) AS requests,
  approx_percentile(duration_ms, 0.5) AS p50_ms,
  approx_percentile(duration_ms, 0.95) AS p95_ms,
  approx_percentile(duration_ms, 0.99) AS p99_ms,
  max(duration_ms) AS slowest_ms,
  round(100.0 * count_if(status >= 500) / count(*), 2) AS failed_percent
FROM app_logs
WHERE day BETWEEN DATE '2025-12-31' AND DATE '2026-01-09'
  AND time >= TIMESTAMP '2026-01-01 00:00:00'
  AND time < TIMESTAMP '2026-01-08 00:00:00'
  AND duration_ms IS NOT NULL
GROUP BY date(time), method, path
ORDER BY day_utc, p95_ms DESC, path, method
