"""Decides who may open a WebSocket, by the access token of a Cognito user pool in the query string."""
