-- What the tax platform answered to a document, and for which instruments that is required.

create table tax_number (
  document_id text primary key references invoice,
  number text not null check (number ~ '^[0-9A-Z]{8,30}$'),
  code text not null check (code ~ '^[0-9A-Z]{0,40}$'),
  filed_at timestamptz not null,
  constraint tax_number_once unique (number, code)
);
create trigger tax_number_append_only before update or delete on tax_number
  for each row execute function refuse_change();

create table tax_number_rule (
  instrument_id text primary key references instrument,
  since timestamptz not null
);
create trigger tax_number_rule_append_only before update or delete on tax_number_rule
  for each row execute function refuse_change();

select admit('tax_number', 'exists (select 1 from invoice i where i.id = document_id)');
select share('tax_number_rule');
