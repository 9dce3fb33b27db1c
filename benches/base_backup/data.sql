-- One slice of a cluster, about 256 MiB: rows of an ordinary application, some of them with content
-- that does not compress. `slice` is its number; no two slices have the same rows.

-- Words are letters out of a digest, phrases a handful of words; made with the first slice.
create table if not exists words as
    select n, left(translate(md5(n::text), '0123456789', 'eaotinshrd'), 3 + n % 8) as word
    from generate_series(0, 999) n;
create table if not exists phrases as
    select p.n, (select string_agg(w.word, ' ' order by md5((w.n * 7919 + p.n)::text))
                 from words w where w.n % 125 = p.n % 125 or w.n = p.n * 31 % 997) as phrase
    from generate_series(0, 19999) p(n);

create table :"orders" as
    select i as id, hashint8(i) & 65535 as customer,
           timestamptz '2024-01-01' + i * interval '7 seconds' + (hashint8(i * 3) & 1023) * interval '1 ms' as placed,
           (array['new', 'paid', 'packed', 'shipped', 'returned'])[1 + (hashint8(i * 5) & 1023) % 5] as state,
           ((hashint8(i * 7) & 1048575) / 100.0)::numeric(12, 2) as total, a.phrase as note
    from generate_series(:first::bigint, :first + 200000) i
    join phrases a on a.n = (hashint8(i * 11) & 1048575) % 20000;
create table :"documents" as
    select i as id, a.phrase as title, a.phrase || '. ' || b.phrase || ', ' || c.phrase || '.' as body,
           md5(i::text) as digest
    from generate_series(:first::bigint, :first + 200000) i
    join phrases a on a.n = (hashint8(i * 13) & 1048575) % 20000
    join phrases b on b.n = (hashint8(i * 17) & 1048575) % 20000
    join phrases c on c.n = (hashint8(i * 19) & 1048575) % 20000;
create table :"events" as
    select i as id, timestamptz '2025-01-01' + i * interval '1.37 seconds' as at,
           jsonb_build_object('user', hashint8(i * 23) & 1048575, 'ms', hashint8(i * 29) & 4095, 'ok', i % 17 > 0,
                              'path', '/' || replace(left(a.phrase, 20), ' ', '/'), 'agent', left(a.phrase, 40)) as payload
    from generate_series(:first::bigint, :first + 300000) i
    join phrases a on a.n = (hashint8(i * 31) & 1048575) % 20000;
create table :"readings" as
    select hashint8(i) & 255 as sensor, timestamptz '2025-06-01' + i * interval '0.1 seconds' as at,
           20 + sin(i / 1000.0) * 5 + (hashint8(i * 37) & 1023) / 4096.0 as value
    from generate_series(:first::bigint, :first + 600000) i;
create table :"files" as
    select i as id, sha512((i || 'a')::bytea) || sha512((i || 'b')::bytea) || sha512((i || 'c')::bytea)
                    || sha512((i || 'd')::bytea) || convert_to(a.phrase || a.phrase, 'UTF8') as content
    from generate_series(:first::bigint, :first + 60000) i
    join phrases a on a.n = (hashint8(i * 41) & 1048575) % 20000;

alter table :"orders" add primary key (id);
create index on :"orders" (customer);
create index on :"orders" (placed);
alter table :"documents" add primary key (id);
create index on :"documents" (digest);
alter table :"events" add primary key (id);
create index on :"readings" (sensor, at);
alter table :"files" add primary key (id);
