from surveys.admin import campaign, delivery, response, survey

__all__ = ["campaign", "delivery", "response", "survey"]
