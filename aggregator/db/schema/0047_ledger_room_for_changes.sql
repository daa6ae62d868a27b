-- Rows that change with every bid find room in their own page, so that no index is touched.
alter table account set (fillfactor = 50);
alter table hold set (fillfactor = 50);
alter table stream_head set (fillfactor = 50);
