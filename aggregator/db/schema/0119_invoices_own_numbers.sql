-- A tax number is its issuer's: nobody takes another's by naming it first.
alter table tax_number add column issuer text;
alter table tax_number disable trigger tax_number_append_only;
update tax_number t set issuer = i.issuer from invoice i where i.id = t.document_id;
alter table tax_number enable trigger tax_number_append_only;
alter table tax_number alter column issuer set not null;
alter table tax_number drop constraint tax_number_once;
alter table tax_number add constraint tax_number_once unique (issuer, number, code);
