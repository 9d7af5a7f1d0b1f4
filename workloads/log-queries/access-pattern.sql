-- Access pattern in a period: what is called, how often, by how many, and how often it fails, by hour.
--
-- Change the service and the period here. The partitions (service, year, month, day, hour) decide what Athena reads, and
-- that is what it costs; the time decides what counts. The period is UTC and does not include its end. A record lies in
-- the folder of the hour in which its file was begun, so the day before the period and the day after it are read too.
WITH requests AS (
  SELECT
    from_iso8601_timestamp(time) AS asked_at,
    method,
    path,
    status,
    user_id
  FROM app_logs
  WHERE service = 'api'
    AND (
      (year = '2025' AND month = '12' AND day = '31')
      OR (year = '2026' AND month = '01' AND day BETWEEN '01' AND '08')
    )
    AND from_iso8601_timestamp(time) >= TIMESTAMP '2026-01-01 00:00:00 UTC'
    AND from_iso8601_timestamp(time) < TIMESTAMP '2026-01-08 00:00:00 UTC'
    AND path IS NOT NULL
)
SELECT
  date_trunc('hour', asked_at) AS hour_utc,
  method,
  path,
  count(*) AS requests,
  count(DISTINCT user_id) AS users,
  count_if(status BETWEEN 400 AND 499) AS refused,
  count_if(status >= 500) AS failed
FROM requests
GROUP BY date_trunc('hour', asked_at), method, path
ORDER BY hour_utc, requests DESC, path, method
