"""What watches over the system: topics, alarms, dashboards and the account's baseline."""
