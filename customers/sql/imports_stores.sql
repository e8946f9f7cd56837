-- The stores that the file names; `id` is null for those to be made.
CREATE UNLOGGED TABLE scratch.stores AS
SELECT row_number() OVER (ORDER BY seen.code)::int AS no, seen.code, store.id,
       coalesce(store.timezone, %(timezone)s) AS timezone, coalesce(store.currency, %(currency)s) AS currency
FROM (SELECT DISTINCT store AS code FROM scratch.raw_heads) seen LEFT JOIN customers_store store ON store.code = seen.code
