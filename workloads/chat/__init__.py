"""Chat over a WebSocket: who is connected stands in a table, and what somebody says goes to the others in the room."""
