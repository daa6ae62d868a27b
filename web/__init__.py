"""The edge: JSON API, websocket feed and pages. It translates and decides nothing."""
