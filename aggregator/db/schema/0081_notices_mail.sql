-- What each person wants told in which way, what he has read, and mail to his own address.

alter table person add column zone text not null default 'Asia/Shanghai'
  check (length(zone) between 1 and 60);
grant select (zone) on person to market_reader;

create table notice_choice (
  person_id text not null references person,
  organisation_id text not null references organisation,
  kind text not null,
  in_app boolean not null,
  by_mail boolean not null,
  primary key (person_id, organisation_id, kind)
);
select admit('notice_choice', 'person_id = viewer_person()');

-- What was read is each person's own; until now the first who read a notice read it for all.
create table notice_reading (
  notice_id text not null references notice,
  person_id text not null references person,
  read_at timestamptz not null,
  primary key (notice_id, person_id)
);
select admit('notice_reading', 'person_id = viewer_person()');
insert into notice_reading (notice_id, person_id, read_at)
  select n.id, m.person_id, n.read_at from notice n
    join membership m on m.organisation_id = n.organisation_id where n.read_at is not null;
alter table notice drop column read_at;

create table mail_address (
  person_id text primary key references person,
  address text not null check (length(address) between 6 and 254),
  asked_at timestamptz not null,
  code_wrapped text,
  code_until timestamptz not null,
  tries int not null default 0 check (tries >= 0),
  verified_at timestamptz,
  refused_at timestamptz,
  check (verified_at is null or code_wrapped is null)
);
select admit('mail_address', 'person_id = viewer_person()');
select hide('mail_address', array['code_wrapped', 'tries']);

-- Each mail is a row before it is sent; a code goes to an address that is not proved yet.
create table mail (
  id text primary key,
  person_id text not null references person,
  organisation_id text not null references organisation,
  address text not null,
  is_code boolean not null,
  state text not null check (state in ('pending', 'sent', 'failed')),
  attempts int not null default 0 check (attempts >= 0),
  made_at timestamptz not null,
  tried_at timestamptz,
  outcome text not null default ''
);
create index mail_person on mail (person_id, made_at);
create index mail_address_made on mail (address, made_at);
select admit('mail', 'person_id = viewer_person()');

-- A notice that waits for a mail to one person, and then the mail that carried it.
create table mail_notice (
  person_id text not null references person,
  notice_id text not null references notice,
  mail_id text references mail,
  primary key (person_id, notice_id)
);
create index mail_notice_waiting on mail_notice (person_id) where mail_id is null;
create index mail_notice_mail on mail_notice (mail_id);
select admit('mail_notice', 'person_id = viewer_person()');
