-- Days that differ from the week's rule, for one region and year, as an operator keeps them.
create table trading_calendar (
  region text not null references region,
  year int not null check (year between 2020 and 2099),
  zone text not null check (length(zone) between 1 and 60),
  status text not null check (status in ('official', 'provisional')),
  days jsonb not null,
  set_at timestamptz not null,
  primary key (region, year)
);
