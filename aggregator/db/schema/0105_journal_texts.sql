-- What a commit appends, as cheap to take apart as it is to put together.
--
-- A column of texts comes as one text in which each is followed by the unit separator, so that
-- behind the last one there is an empty one more; a column of numbers as an array's own text.
-- JSON is kept as it came: it is read back whole, and where a name is looked up, that is rare.
-- Plans are made once, for what they cost is more than what any of them would gain by being new.

create function texts_of(given text) returns text[] language sql immutable
  return string_to_array(given, E'\x1f');

create function instant_of(micros bigint) returns timestamptz language sql stable
  return timestamptz '1970-01-01 00:00:00+00' + micros * interval '1 microsecond';

alter table journal alter body type json using body::json;
alter table command alter answer type json using answer::json;

-- `heads`: streams, and what each one's seq and hash were, and will be, with the last instant.
-- A stream that somebody holds, or that does not end where the caller says, is refused: the
-- caller decided on a past that is no more.
drop function journal_append(json, bytea, bytea, json, jsonb, bytea);
create function journal_append(
  heads text, seqs_before text, seqs_after text, last_ats text, hashes_before bytea,
  hashes_after bytea, streams text, seqs text, kinds text, ats text, actors text, commands text,
  bodies text, hashes bytea
) returns void language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  set enable_material = off set plan_cache_mode = force_generic_plan as $$
declare
  wanted int := octet_length(hashes_before) / 32;
  moved int;
begin
  perform 1 from stream_head where stream = any(texts_of(heads))
    order by stream for update skip locked;
  get diagnostics moved = row_count;
  if moved = wanted then
    update stream_head h set seq = t.seq_after, at = instant_of(t.at),
        hash = substring(hashes_after from t.n::int * 32 - 31 for 32)
      from unnest(
        texts_of(heads), seqs_before::bigint[], seqs_after::bigint[], last_ats::bigint[]
      ) with ordinality as t (stream, seq_before, seq_after, at, n)
      where h.stream = t.stream and h.seq = t.seq_before
        and h.hash = substring(hashes_before from t.n::int * 32 - 31 for 32);
    get diagnostics moved = row_count;
  end if;
  if moved <> wanted then
    raise exception 'a stream has grown or is held' using errcode = '40001';
  end if;
  insert into journal (stream, seq, kind, body, at, actor, command, hash)
    select stream, seq, kind, body::json, instant_of(at), actor, nullif(command, ''),
        substring(hashes from n * 32 - 31 for 32)
      from (
        select generate_series(1, octet_length(hashes) / 32) as n,
            unnest(texts_of(streams)) as stream, unnest(seqs::bigint[]) as seq,
            unnest(texts_of(kinds)) as kind, unnest(ats::bigint[]) as at,
            unnest(texts_of(actors)) as actor, unnest(texts_of(commands)) as command,
            unnest(texts_of(bodies)) as body
      ) as t
      where n is not null;
end $$;

drop function command_append(json, bytea, jsonb);
create function command_append(
  organisations text, ids text, acts text, outcomes text, ats text, people text,
  fingerprints bytea, answers text
) returns void language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  insert into command
      (organisation_id, id, act, fingerprint, outcome, answer, at, person_id)
    select organisation_id, id, act, substring(fingerprints from n * 32 - 31 for 32), outcome,
        answer::json, instant_of(at), person_id
      from (
        select generate_series(1, octet_length(fingerprints) / 32) as n,
            unnest(texts_of(organisations)) as organisation_id, unnest(texts_of(ids)) as id,
            unnest(texts_of(acts)) as act, unnest(texts_of(outcomes)) as outcome,
            unnest(ats::bigint[]) as at, unnest(texts_of(people)) as person_id,
            unnest(texts_of(answers)) as answer
      ) as t
      where n is not null;
end $$;

drop function require_unbound(json);
create function require_unbound(firms text) returns void language plpgsql
  set plan_cache_mode = force_generic_plan as $$
begin
  if exists (select 1 from mandate_policy
             where organisation_id = any(array(select unnest(texts_of(firms))))) then
    raise exception 'a firm has a policy' using errcode = '40001';
  end if;
end $$;
