-- Weekly report for business intelligence: users, those who came back, messages and failures of each week.
--
-- Change the period here: the days (a folder each) decide what Athena reads, and that is what it costs. Days are UTC.
WITH weeks AS (
  SELECT
    date_trunc('week', day) AS week,
    user_id,
    sum(messages) AS messages,
    sum(requests) AS requests,
    sum(failures) AS failures
  FROM users
  WHERE day BETWEEN DATE '2026-01-01' AND DATE '2026-03-31'
  GROUP BY date_trunc('week', day), user_id
)

SELECT
  now.week,
  count(*) AS users,
  count(before.user_id) AS came_back,
  sum(now.messages) AS messages,
  round(1.0 * sum(now.messages) / count(*), 1) AS messages_per_user,
  round(100.0 * sum(now.failures) / nullif(sum(now.requests), 0), 2) AS failed_percent
FROM weeks AS now
LEFT JOIN weeks AS before
  ON now.user_id = before.user_id AND before.week = now.week - INTERVAL '7' DAY
GROUP BY now.week
ORDER BY now.week
