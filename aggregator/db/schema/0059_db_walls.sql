-- The second wall: the role market_reader sees the rows that concern the firm it reads for.
--
-- Every table stands here, and every later one in its own file, as one of three:
--   admit(table, rule)   rows of firms: those that the rule admits
--   share(table)         what is the same for everybody
--   neither              the reader has no business with it at all
-- The owner of the tables, whom the market works as, is bound by none of this.

create function viewer_firm() returns text language sql stable parallel safe
  as $$ select current_setting('market.viewer', true) $$;
create function viewer_person() returns text language sql stable parallel safe
  as $$ select current_setting('market.person', true) $$;
create function viewer_desk() returns text language sql stable parallel safe
  as $$ select current_setting('market.desk', true) $$;

create function share(name regclass) returns void language plpgsql as $$
begin
  execute format('grant select on %s to market_reader', name);
end $$;

create function admit(name regclass, rule text) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', name);
  execute format('create policy viewer on %s for select to market_reader using (%s)', name, rule);
  perform share(name);
end $$;

-- These look past the policies, so that two tables may lean on each other.
create function on_desk(wanted text) returns boolean
  language sql stable security definer set search_path = public as $$
  select viewer_desk() = 'operator' and (
    exists (select 1 from deal where id = wanted and state = 'disputed')
    or exists (select 1 from deal_claim where deal_id = wanted and state = 'contested')
    or exists (select 1 from ticket where deal_id = wanted))
$$;
create function party_to_contract(wanted text) returns boolean
  language sql stable security definer set search_path = public as $$
  select exists (select 1 from strip_contract where id = wanted and seller_id = viewer_firm())
    or exists (select 1 from strip_schedule
               where contract_id = wanted and buyer_id = viewer_firm())
    or exists (select 1 from contract_slot
               where contract_id = wanted and buyer_id = viewer_firm())
    or exists (select 1 from contract_proposal
               where contract_id = wanted and viewer_firm() = any(asked))
$$;
create function party_to_group(wanted text, wanted_number int) returns boolean
  language sql stable security definer set search_path = public as $$
  select exists (select 1 from pledge
                 where pool_id = wanted and organisation_id = viewer_firm()
                   and group_number = wanted_number)
    or exists (select 1 from pool_group
               where pool_id = wanted and number = wanted_number and seller_id = viewer_firm())
$$;
create function party_to_escrow(wanted text) returns boolean
  language sql stable security definer set search_path = public as $$
  select exists (select 1 from deal
                 where id = wanted and viewer_firm() in (buyer_id, seller_id))
    or exists (select 1 from contract_slot join strip_contract c on c.id = contract_id
               where contract_slot.id = wanted and viewer_firm() in (buyer_id, seller_id))
$$;
create function has_seen_person(wanted text) returns boolean
  language sql stable security definer set search_path = public as $$
  select wanted = viewer_person()
    or exists (select 1 from membership
               where person_id = wanted and organisation_id = viewer_firm())
    or exists (select 1 from session
               where person_id = wanted and organisation_id = viewer_firm())
$$;

-- The same for everybody.
select share('region');
select share('instrument');
select share('trading_calendar');
select share('price_publication');
select share('price_adjustment');
select share('heartbeat');
select share('organisation');
select share('pool');
select share('strip');

-- Who is who in the firm.
select admit('membership', 'organisation_id = viewer_firm() or person_id = viewer_person()');
select admit('person', 'has_seen_person(id)');
select admit('session', 'organisation_id = viewer_firm() or person_id = viewer_person()');
select admit('invitation', 'organisation_id = viewer_firm()');
select admit('support_grant', 'organisation_id = viewer_firm() or viewer_desk() = ''operator''');
select admit('support_read',
  'exists (select 1 from support_grant g where g.id = grant_id and g.organisation_id = viewer_firm())');
select admit('command', 'organisation_id = viewer_firm()');
select admit('notice', 'organisation_id = viewer_firm()');
select admit('receiving_place', 'organisation_id = viewer_firm() or exists
  (select 1 from contract_slot s where s.place_id = receiving_place.id)');

-- What the firm may commit itself to.
select admit('mandate_policy', 'organisation_id = viewer_firm()');
select admit('mandate', 'organisation_id = viewer_firm()');
select admit('mandate_use', 'exists (select 1 from mandate m where m.id = mandate_id)');
select admit('mandate_substitute', 'organisation_id = viewer_firm()');
select admit('approval', 'organisation_id = viewer_firm()');
select admit('approval_decision', 'exists (select 1 from approval a where a.id = approval_id)');

-- Money.
select admit('account', 'organisation_id = viewer_firm()
  or purpose = ''escrow'' and party_to_escrow(reference)
  or viewer_desk() = ''operator'' and organisation_id is null and purpose <> ''escrow''');
select admit('posting', 'exists (select 1 from account a where a.id = account_id)');
select admit('transfer', 'exists (select 1 from posting p where p.transfer_id = transfer.id)');
select admit('hold', 'exists (select 1 from account a where a.id = account_id)');
select admit('money_call', 'organisation_id = viewer_firm()');
select admit('payment_out', 'organisation_id = viewer_firm() or viewer_desk() = ''operator''');
select admit('refund', 'viewer_firm() in (payer_id, payee_id)');
select admit('bank_line', 'organisation_id = viewer_firm() or viewer_desk() = ''operator''');
select admit('bank_payer', 'organisation_id = viewer_firm() or viewer_desk() = ''operator''');

-- What a firm needs and offers.
select admit('request', 'organisation_id = viewer_firm()');
select admit('request_repeat', 'exists (select 1 from request r where r.id = request_id)');
select admit('offer', 'seller_id = viewer_firm() or is_public');
select admit('declared_size', 'organisation_id = viewer_firm()');
select admit('pledge', 'organisation_id = viewer_firm()');
select admit('pool_group', 'party_to_group(pool_id, number)');
select admit('pool_clearing', 'viewer_desk() = ''auditor''');
select admit('pool_substitution', 'party_to_group(pool_id, number)');
select admit('pool_substitute', 'exists (select 1 from pledge p where p.id = pledge_id)
  or exists (select 1 from deal d where d.id = deal_id)');
select admit('auction', 'invited = ''{}'' or viewer_firm() = any(invited)
  or owner_id = viewer_firm() or viewer_desk() <> ''''');
select admit('auction_bidder', 'organisation_id = viewer_firm()');
select admit('strip_order', 'organisation_id = viewer_firm()');
select admit('strip_ask', 'exists (select 1 from strip_order o where o.id = order_id)');
select admit('strip_offer', 'organisation_id = viewer_firm()');
select admit('strip_supply', 'organisation_id = viewer_firm()');
select admit('strip_round', 'viewer_desk() = ''operator''
  or exists (select 1 from strip s where s.id = strip_id
             and (s.rounds = ''clock'' or s.talks ->> ''seller_id'' = viewer_firm()))
  or exists (select 1 from strip_order o where o.strip_id = strip_round.strip_id)');
select admit('strip_result', 'viewer_desk() = ''auditor''');
select admit('price_deal', 'viewer_desk() = ''auditor''');
select admit('price_exclusion', 'viewer_desk() = ''auditor''');

-- What two firms agreed.
select admit('strip_contract', 'seller_id = viewer_firm() or party_to_contract(id)');
select admit('strip_schedule', 'buyer_id = viewer_firm()
  or exists (select 1 from strip_contract c where c.id = contract_id and c.seller_id = viewer_firm())');
select admit('contract_slot', 'buyer_id = viewer_firm()
  or party_to_contract(contract_id)');
select admit('call_off', 'exists (select 1 from contract_slot s where s.id = slot_id)');
select admit('contract_proposal', 'viewer_firm() = any(asked) or proposed_by = viewer_firm()');
select admit('proposal_consent', 'exists (select 1 from contract_proposal p where p.id = proposal_id)');
select admit('deal', 'viewer_firm() in (buyer_id, seller_id) or on_desk(id)');
select admit('deal_line', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('deal_term', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('deal_evidence', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('deal_reduction', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('deal_claim', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('ticket', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('ticket_desk', 'exists (select 1 from ticket t where t.id = ticket_id)');
select admit('shipment', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('receipt', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('acceptance', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('title_transfer', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('goods_return', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('photograph', 'exists (select 1 from deal d where d.id = deal_id)');
select admit('invoice', 'viewer_firm() in (recipient_id, issuer)');
select admit('invoice_line', 'exists (select 1 from invoice i where i.id = invoice_id)');

-- Facts: the firm's own and those of its deals. What many firms' facts come to in an event is
-- folded by the market itself and shown as the event's rules allow.
select admit('journal', 'stream in (''me:'' || viewer_firm(), ''organisation:'' || viewer_firm())
  or stream like ''deal:%'' and exists (select 1 from deal d where d.id = substr(stream, 6))
  or stream like ''request:%'' and exists (select 1 from request r where r.id = substr(stream, 9))
  or stream like ''contracts:%'' and exists
    (select 1 from strip_contract c where c.strip_id = substr(stream, 11))');

-- Not the reader's business: stream_head, timer, feed_ticket, document_counter, schema_version.
