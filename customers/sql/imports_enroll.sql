WITH named AS (
    SELECT newcomer.*, number.number FROM scratch.newcomers newcomer JOIN scratch.numbers number USING (no)
), enrolled AS (
    INSERT INTO customers_customer (number, name, email, phone, language, enrolled_at)
    SELECT number, '', '', '', %(language)s, enrolled_at FROM named ORDER BY no
    RETURNING id, number
), carded AS (
    INSERT INTO customers_card (customer_id, number, added_at)
    SELECT enrolled.id, named.key, %(at)s FROM enrolled JOIN named USING (number)
)
UPDATE scratch.keys key SET customer_id = enrolled.id
FROM enrolled JOIN named USING (number) WHERE key.reference = named.reference
