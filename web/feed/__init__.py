"""The feed: live views over websockets, subprotocol `aggregator.feed.v1`.

`protocol` decides what a frame asks for, without any input or output. `folds` numbers the
views of a topic, `outbox` bounds what waits for a slow reader, `hub` joins them to the journal
and the bus, `socket` is the thin shell on a websocket.
"""
