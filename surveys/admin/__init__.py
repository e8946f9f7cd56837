from surveys.admin import campaign, case, case_mail, delivery, gesture, open_link, response, survey

__all__ = ["campaign", "case", "case_mail", "delivery", "gesture", "open_link", "response", "survey"]
