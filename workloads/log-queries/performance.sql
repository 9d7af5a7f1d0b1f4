-- Performance in a period: how long requests take, the slowest paths first. Half of all requests are faster than p50,
-- one in a hundred is slower than p99.
--
-- Change the service and the period here. The partitions (service, year, month, day, hour) decide what Athena reads, and
-- that is what it costs; the time decides what counts. The period is UTC and does not include its end. A record lies in
-- the folder of the hour in which its file was begun, so the day before the period and the day after it are read too.
WITH requests AS (
  SELECT
    method,
    path,
    status,
    duration_ms
  FROM app_logs
  WHERE service = 'api'
    AND (
      (year = '2025' AND month = '12' AND day = '31')
      OR (year = '2026' AND month = '01' AND day BETWEEN '01' AND '08')
    )
    AND from_iso8601_timestamp(time) >= TIMESTAMP '2026-01-01 00:00:00 UTC'
    AND from_iso8601_timestamp(time) < TIMESTAMP '2026-01-08 00:00:00 UTC'
    AND path IS NOT NULL
    AND duration_ms IS NOT NULL
)
SELECT
  method,
  path,
  count(*) AS requests,
  round(avg(duration_ms), 1) AS average_ms,
  approx_percentile(duration_ms, 0.5) AS p50_ms,
  approx_percentile(duration_ms, 0.95) AS p95_ms,
  approx_percentile(duration_ms, 0.99) AS p99_ms,
  max(duration_ms) AS slowest_ms,
  round(100.0 * count_if(status >= 500) / count(*), 2) AS failed_percent
FROM requests
GROUP BY method, path
ORDER BY p95_ms DESC, path, method
