"""What staff do at the till page."""

from django.urls import path, register_converter

from loyalty_site.till import cases, enrollment, finding, handing_over, purchase, returns, undo
from loyalty_site.till.lookups import CodeConverter

register_converter(CodeConverter, "code")

till_patterns = [
    path("", finding.home, name="home"),
    path("store/", finding.store, name="store"),
    path("enroll/", enrollment.enroll, name="enroll"),
    path("customers/<code:number>/", finding.customer, name="customer"),
    path("customers/<code:number>/not-for-them/", finding.not_for_them, name="not-for-them"),
    path("customers/<code:number>/case/", cases.case, name="case"),
    path("customers/<code:number>/purchase/", purchase.purchase, name="customer-purchase"),
    path("customers/<code:number>/rewards/<int:reward_id>/", handing_over.reward, name="reward"),
    path("purchase/", purchase.purchase, name="purchase"),
    path("purchases/<int:purchase_id>/", purchase.booked, name="purchase-booked"),
    path("purchases/<int:purchase_id>/return/", returns.take_back, name="return"),
    path("customers/<code:number>/return/", returns.find, name="customer-return"),
    path("return/", returns.find, name="return-find"),
    path("returns/<int:return_id>/", returns.returned, name="returned"),
    path("undo/", undo.undo, name="undo"),
    path("pickups/<code:code>/", handing_over.pickup, name="pickup"),
    path("coupons/<code:code>/", handing_over.coupon, name="coupon"),
]
