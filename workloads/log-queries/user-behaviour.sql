-- User behaviour in a period: what each user does, on how many days, and what they come back to most.
--
-- Change the service and the period here. The partitions (service, year, month, day, hour) decide what Athena reads, and
-- that is what it costs; the time decides what counts. The period is UTC and does not include its end. A record lies in
-- the folder of the hour in which its file was begun, so the day before the period and the day after it are read too.
WITH requests AS (
  SELECT
    from_iso8601_timestamp(time) AS asked_at,
    user_id,
    path,
    status
  FROM app_logs
  WHERE service = 'api'
    AND (
      (year = '2025' AND month = '12' AND day = '31')
      OR (year = '2026' AND month = '01' AND day BETWEEN '01' AND '08')
    )
    AND from_iso8601_timestamp(time) >= TIMESTAMP '2026-01-01 00:00:00 UTC'
    AND from_iso8601_timestamp(time) < TIMESTAMP '2026-01-08 00:00:00 UTC'
    AND path IS NOT NULL
    AND user_id IS NOT NULL
),

by_path AS (
  SELECT
    user_id,
    path,
    count(*) AS times,
    row_number() OVER (PARTITION BY user_id ORDER BY count(*) DESC, path ASC) AS place
  FROM requests
  GROUP BY user_id, path
),

by_user AS (
  SELECT
    user_id,
    count(*) AS requests,
    count(DISTINCT path) AS paths,
    count(DISTINCT date_trunc('day', asked_at)) AS active_days,
    min(asked_at) AS first_seen,
    max(asked_at) AS last_seen,
    count_if(status >= 400) AS refused_or_failed
  FROM requests
  GROUP BY user_id
)

SELECT
  by_user.user_id,
  by_user.requests,
  by_user.paths,
  by_user.active_days,
  by_user.first_seen,
  by_user.last_seen,
  by_path.path AS favourite_path,
  by_path.times AS favourite_times,
  by_user.refused_or_failed
FROM by_user
INNER JOIN by_path ON by_user.user_id = by_path.user_id AND by_path.place = 1
ORDER BY by_user.requests DESC, by_user.user_id
