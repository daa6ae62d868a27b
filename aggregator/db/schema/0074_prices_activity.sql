-- How many owner groups traded when a price was published: what its safety was judged by.

create table price_activity (
  cell text not null,
  number bigint not null,
  buyers bigint not null check (buyers >= 0),
  sellers bigint not null check (sellers >= 0),
  primary key (cell, number),
  foreign key (cell, number) references price_publication (cell, number)
);
create trigger price_activity_append_only before update or delete on price_activity
  for each row execute function refuse_change();

select admit('price_activity', 'viewer_desk() = ''auditor''');
