-- Refuses a commit that took firms for bound by roles alone, if one has a policy by now.
create function require_unbound(firms json) returns void language plpgsql as $$
begin
  if exists (select 1 from mandate_policy
             where organisation_id = any(array(select json_array_elements_text(firms)))) then
    raise exception 'a firm has a policy' using errcode = '40001';
  end if;
end $$;
