"""All that a segment can be built of, from all apps."""

from customers.domain import segment_facts as customer_facts
from customers.domain.segment_facts import Facts
from rewards.domain import segment_facts as reward_facts
from surveys.domain import segment_facts as survey_facts

FACTS: Facts = {**customer_facts.FACTS, **reward_facts.FACTS, **survey_facts.FACTS}
