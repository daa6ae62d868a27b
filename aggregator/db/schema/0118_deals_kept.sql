-- What was agreed, ordered and told stays as it was, even for this program.

-- No table that is only added to is emptied either.
do $$
declare
  name text;
begin
  for name in
    select kept.relname from pg_class kept join pg_trigger t on t.tgrelid = kept.oid
      join pg_proc p on p.oid = t.tgfoid
     where p.proname = 'refuse_change' and not t.tgisinternal
     group by kept.relname
    -- The bit of a trigger that fires when a table is emptied.
    having bool_and(t.tgtype::int & 32 = 0) order by kept.relname
  loop
    execute format('create trigger %I before truncate on %I'
      ' for each statement execute function refuse_change()', name || '_no_truncate', name);
  end loop;
end $$;

-- Rows of a table that are added and never change.
create function append_only(name text) returns void language plpgsql as $$
begin
  execute format('create trigger %I before update or delete on %I'
    ' for each row execute function refuse_change()', name || '_append_only', name);
  execute format('create trigger %I before truncate on %I'
    ' for each statement execute function refuse_change()', name || '_no_truncate', name);
end $$;
select append_only('shipment');
select append_only('receipt');
select append_only('acceptance');
select append_only('approval_decision');

create function refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception '% keeps what it was made of', tg_table_name using errcode = '42501';
end $$;

-- Rows that go on from state to state, and keep these columns.
create function keep(name text, columns text[]) returns void language plpgsql as $$
declare
  before text;
  after text;
begin
  select string_agg(format('old.%I', one), ', '), string_agg(format('new.%I', one), ', ')
    into before, after from unnest(columns) as one;
  execute format('create trigger %I after update on %I for each row'
    ' when ((%s) is distinct from (%s)) execute function refuse_rewriting()',
    name || '_kept', name, before, after);
  execute format('create trigger %I before delete on %I'
    ' for each row execute function refuse_change()', name || '_stays', name);
  execute format('create trigger %I before truncate on %I'
    ' for each statement execute function refuse_change()', name || '_no_truncate', name);
end $$;
select keep('payment_out', array['id', 'reference', 'organisation_id', 'line_id', 'currency',
  'amount_minor', 'payee', 'payee_account', 'payee_bank', 'hold_id', 'ordered_at']);
select keep('bank_line', array['id', 'account', 'entry_reference', 'direction', 'currency',
  'amount_minor', 'booked_on', 'payer', 'remittance', 'batch', 'imported_at']);
select keep('bank_account', array['id', 'organisation_id', 'number', 'bank_code', 'declared_by',
  'declared_as', 'declared_at']);
select keep('money_call', array['reference', 'escrow', 'organisation_id', 'currency',
  'amount_minor', 'called_at']);
select keep('refund', array['id', 'reference', 'payer_id', 'payee_id', 'currency', 'amount_minor',
  'tax_minor', 'owed_at']);
select keep('deal', array['id', 'source', 'source_id', 'instrument_id', 'region', 'tenor', 'cell',
  'buyer_id', 'seller_id', 'buyer_group', 'seller_group', 'currency', 'lots', 'goods_minor',
  'freight_minor', 'capital_minor', 'fee_minor', 'fee_bps', 'logistics_fee_bps', 'capital_fee_bps',
  'lot_fee_minor', 'tax_bps', 'service_tax_bps', 'tolerance_bps', 'return_days', 'total_minor',
  'wanted_minor', 'deposit_minor', 'call_reference', 'call_minor', 'funding_due_at', 'ship_due_at',
  'formed_at']);
