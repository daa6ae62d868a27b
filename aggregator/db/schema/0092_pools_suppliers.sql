-- A pool's auction with several winners: what each supplier sold to each member, one deal each.

alter table pool add column max_share int check (max_share between 10 and 99);
alter table pool add constraint pool_max_share_of_auction
  check (max_share is null or mode <> 'breaks');

create table pool_part (
  deal_id text primary key references deal,
  pool_id text not null,
  number int not null,
  pledge_id text not null references pledge,
  seller_id text not null references organisation,
  lots bigint not null check (lots >= 1),
  goods_minor bigint not null check (goods_minor >= 1),
  foreign key (pool_id, number) references pool_group (pool_id, number),
  unique (pledge_id, seller_id)
);
create index pool_part_seller on pool_part (pool_id, seller_id);

insert into pool_part (deal_id, pool_id, number, pledge_id, seller_id, lots, goods_minor)
  select p.deal_id, p.pool_id, p.group_number, p.id, g.seller_id, p.awarded_lots,
         g.paid_goods_minor
  from pledge p join pool_group g on g.pool_id = p.pool_id and g.number = p.group_number
  where p.state = 'awarded';

create or replace function party_to_group(wanted text, wanted_number int) returns boolean
  language sql stable security definer set search_path = public as $$
  select exists (select 1 from pledge
                 where pool_id = wanted and organisation_id = viewer_firm()
                   and group_number = wanted_number)
    or exists (select 1 from pool_group
               where pool_id = wanted and number = wanted_number and seller_id = viewer_firm())
    or exists (select 1 from pool_part
               where pool_id = wanted and number = wanted_number and seller_id = viewer_firm())
$$;
select admit('pool_part', 'seller_id = viewer_firm()
  or exists (select 1 from pledge p where p.id = pledge_id)');
