"""The feed: live views over websockets, subprotocol `aggregator.feed.v1`.

`protocol` decides what a frame asks for, without any input or output. `folds` numbers the
views of a topic, `shared` those that have much in common, by the burst; `hub` joins them to the
journal and the bus, `fanout` tells many followers in slices, `outbox` bounds what waits for a
slow reader, `lines` writes to who is not slow, `socket` is the thin shell on a websocket.
`wire` lends the connection itself, so that one `framing` serves every reader; `pulling` sends
where no server lends it.
"""
