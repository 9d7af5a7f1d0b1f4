"""The one role of an account and region by which REST and WebSocket APIs write logs."""

from components.edge.api_log_role import ApiLogRole, ApiLogRoleArgs

ApiLogRole("wiki-dev-api-logs", ApiLogRoleArgs())
