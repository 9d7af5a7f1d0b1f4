-- User behaviour in a period: on how many days each user came, how long sessions were, and what was said in them.
--
-- Change the period here: the days (a folder each) decide what Athena reads, and that is what it costs. Days are UTC.
WITH visits AS (
  SELECT
    user_id,
    count(DISTINCT session_id) AS sessions,
    approx_percentile(seconds, 0.5) AS median_seconds
  FROM sessions
  WHERE day BETWEEN DATE '2026-01-01' AND DATE '2026-01-07'
    AND user_id IS NOT NULL
  GROUP BY user_id
),

activity AS (
  SELECT
    user_id,
    count(*) AS active_days,
    min(day) AS first_day,
    max(day) AS last_day,
    sum(messages) AS messages,
    sum(requests) AS requests
  FROM users
  WHERE day BETWEEN DATE '2026-01-01' AND DATE '2026-01-07'
  GROUP BY user_id
)

SELECT
  activity.user_id,
  activity.active_days,
  activity.first_day,
  activity.last_day,
  coalesce(visits.sessions, 0) AS sessions,
  visits.median_seconds,
  activity.messages,
  activity.requests
FROM activity
LEFT JOIN visits ON activity.user_id = visits.user_id
ORDER BY activity.messages DESC, activity.requests DESC, activity.user_id
