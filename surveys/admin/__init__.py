from surveys.admin import campaign, case, case_mail, delivery, gesture, response, survey

__all__ = ["campaign", "case", "case_mail", "delivery", "gesture", "response", "survey"]
