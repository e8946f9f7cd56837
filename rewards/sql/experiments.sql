-- The twin of rewards.domain.experiments.arm_of: the first eight bytes of the SHA-256, as one unsigned number modulo
-- 10,000. bigint is signed, so they are taken in two halves: 2^32 modulo 10,000 is 7,296.
CREATE OR REPLACE FUNCTION experiments_arm(salt text, holdout_percent integer, customer_id bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN (high.half * 7296 + low.half) % 10000 < holdout_percent * 100 THEN 'HOLDOUT' ELSE 'TREATED' END
    FROM (SELECT encode(sha256(convert_to(salt || ':customer:' || customer_id, 'UTF8')), 'hex') AS digits) AS hashed,
         LATERAL (SELECT ('x' || substr(digits, 1, 8))::bit(32)::bigint AS half) AS high,
         LATERAL (SELECT ('x' || substr(digits, 9, 8))::bit(32)::bigint AS half) AS low
$$;
