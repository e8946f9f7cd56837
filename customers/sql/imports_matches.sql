INSERT INTO scratch.matches
SELECT * FROM unnest(%(receipts)s::int[], %(rows)s::int[], %(parts)s::int[], %(purchases)s::bigint[], %(positions)s::int[],
                     %(quantities)s::numeric[], %(amounts)s::bigint[])
