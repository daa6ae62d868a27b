-- What the acts of a commit append, in one call each, so that a commit is one round trip.
--
-- Columns come as JSON arrays of one length, instants as microseconds since 1970, hashes end to
-- end. Rows are looked up by their keys, whatever the planner believes of tables that were small
-- when it was asked.

create function instant_of(micros text) returns timestamptz language sql stable
  return timestamptz '1970-01-01 00:00:00+00' + micros::bigint * interval '1 microsecond';

-- `heads`: stream, seq before, seq after, instant. `lines`: stream, seq, kind, instant, actor,
-- command. A stream that somebody holds, or that does not end where the caller says, is refused:
-- the caller decided on a past that is no more.
create function journal_append(
  heads json, hashes_before bytea, hashes_after bytea, lines json, bodies jsonb, hashes bytea
) returns void language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  set enable_material = off as $$
declare
  moved int;
begin
  perform 1 from stream_head
    where stream = any(array(select json_array_elements_text(heads->0)))
    order by stream for update skip locked;
  get diagnostics moved = row_count;
  if moved = json_array_length(heads->0) then
    update stream_head h set seq = t.seq_after::bigint, at = instant_of(t.at),
        hash = substring(hashes_after from t.n::int * 32 - 31 for 32)
      from rows from (
        json_array_elements_text(heads->0), json_array_elements_text(heads->1),
        json_array_elements_text(heads->2), json_array_elements_text(heads->3)
      ) with ordinality as t (stream, seq_before, seq_after, at, n)
      where h.stream = t.stream and h.seq = t.seq_before::bigint
        and h.hash = substring(hashes_before from t.n::int * 32 - 31 for 32);
    get diagnostics moved = row_count;
  end if;
  if moved <> json_array_length(heads->0) then
    raise exception 'a stream has grown or is held' using errcode = '40001';
  end if;
  insert into journal (stream, seq, kind, body, at, actor, command, hash)
    select t.stream, t.seq::bigint, t.kind, t.body, instant_of(t.at), t.actor, t.command,
        substring(hashes from t.n::int * 32 - 31 for 32)
      from rows from (
        json_array_elements_text(lines->0), json_array_elements_text(lines->1),
        json_array_elements_text(lines->2), json_array_elements_text(lines->3),
        json_array_elements_text(lines->4), json_array_elements_text(lines->5),
        jsonb_array_elements(bodies)
      ) with ordinality as t (stream, seq, kind, at, actor, command, body, n);
end $$;

-- `columns`: organisation, id, act, outcome, instant, person.
create function command_append(columns json, fingerprints bytea, answers jsonb)
  returns void language plpgsql as $$
begin
  insert into command
      (organisation_id, id, act, fingerprint, outcome, answer, at, person_id)
    select t.organisation_id, t.id, t.act,
        substring(fingerprints from t.n::int * 32 - 31 for 32), t.outcome, t.answer,
        instant_of(t.at), t.person_id
      from rows from (
        json_array_elements_text(columns->0), json_array_elements_text(columns->1),
        json_array_elements_text(columns->2), json_array_elements_text(columns->3),
        json_array_elements_text(columns->4), json_array_elements_text(columns->5),
        jsonb_array_elements(answers)
      ) with ordinality as t (organisation_id, id, act, outcome, at, person_id, answer, n);
end $$;
