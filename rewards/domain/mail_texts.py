"""What mails say where marketing has written nothing else, by what they tell of; kept as such texts are."""

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty_site.lib.texts import LocalizedText
from rewards.models import Gesture


@dataclass(frozen=True, slots=True)
class Text:
    subject: LocalizedText
    body: LocalizedText


GESTURES: Mapping[Gesture, Text] = {
    Gesture.COUPON: Text(
        {"en": "A little thank-you from {program}", "zh-hans": "{program} 的一份小心意"},
        {
            "en": "Dear {first_name},\n\nthank you for coming by. We have put something into your wallet:"
            " {coupon_title}.\n\nIt is yours until {expires_on}. Just show it at the till.",
            "zh-hans": "{first_name}，您好！\n\n谢谢您的光临。我们为您送上一份小惊喜：{coupon_title}。\n\n"
            "有效期至{expires_on}，结账时出示即可。",
        },
    ),
    Gesture.GIFT: Text(
        {"en": "A small gift is waiting for you at {program}", "zh-hans": "{program} 有一份小礼送您"},
        {
            "en": "Dear {first_name},\n\nwe are glad that you are with us, so there is a small gift for you:"
            " {coupon_title}.\n\nPlease pick it up by {expires_on}: show the code in any of our stores.",
            "zh-hans": "{first_name}，您好！\n\n感谢您一直以来的支持，我们为您准备了一份小礼：{coupon_title}。\n\n"
            "有效期至{expires_on}，到任一门店出示券码即可领取。",
        },
    ),
    Gesture.POINTS: Text(
        {"en": "{points} for you, just because", "zh-hans": "送您{points}，一份小心意"},
        {
            "en": "Dear {first_name},\n\nthank you for being with us. We have added {points} to your account.\n\n"
            "Spend them on whatever you like best.",
            "zh-hans": "{first_name}，您好！\n\n感谢您与我们同行。我们已为您的账户送上{points}。\n\n"
            "喜欢什么，就换什么吧。",
        },
    ),
}

OFFER = Text(
    {"en": "{coupon_title}: yours until {expires_on}", "zh-hans": "{coupon_title}，有效期至{expires_on}"},
    {
        "en": "Dear {first_name},\n\nwe have something for you: {coupon_title}.\n\nYour code is {code}, good until"
        " {expires_on}. You also find it on your page. See you soon!",
        "zh-hans": "{first_name}，您好！\n\n我们为您准备了一份优惠：{coupon_title}。\n\n"
        "您的券码是 {code}，有效期至{expires_on}，也可以在“我的优惠券”中查看。期待您的光临！",
    },
)
