-- Access pattern in a period: what is called, how often and by how many, by hour of the day.
--
-- Change the period here: the days (a folder each) decide what Athena reads, and that is what it costs. Days are UTC.
-- A record lies in the folder of the day on which its file was begun, which may be the day before, and arrives up to two
-- days late: the day before the period is read too, and two after it.
SELECT
  hour(time) AS hour_utc,
  method,
  path,
  count(*) AS requests,
  count(DISTINCT user_id) AS users,
  count_if(status BETWEEN 400 AND 499) AS refused,
  count_if(status >= 500) AS failed
FROM app_logs
WHERE day BETWEEN DATE '2025-12-31' AND DATE '2026-01-09'
  AND time >= TIMESTAMP '2026-01-01 00:00:00'
  AND time < TIMESTAMP '2026-01-08 00:00:00'
  AND path IS NOT NULL
GROUP BY hour(time), method, path
ORDER BY hour_utc, requests DESC, path, method
