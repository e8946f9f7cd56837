import pytest

from loyalty_site.demo import wording


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("SOFT DRINKS", "Soft drinks"),
        ("COUPON/MISC ITEMS", "Fuel and services"),
        ("FRZN FRUITS", "Frozen fruits"),
        ("SEAFOOD - FROZEN", "Seafood, frozen"),
        ("DELI SPECIALTIES (RETAIL PK)", "Deli specialties"),
    ],
)
def test_category_reads_like_a_sign(code, name):
    assert wording.category(code) == name


@pytest.mark.parametrize(
    ("kind", "group", "size", "name"),
    [
        ("KIDS CEREAL", "COLD CEREAL", "14.5 OZ", "Kids cereal, 14.5 oz"),
        ("FLUID MILK WHITE ONLY", "FLUID MILK PRODUCTS", "1 GA", "Fresh milk, 1 gal"),
        ("LEAN", "BEEF", None, "Beef, lean"),
        ("CANDY BARS (SINGLES)(INCLUDING", "CANDY - PACKAGED", "L     8 OZ", "Candy bars, l 8 oz"),
        ("FRZN FRENCH FRIES", "FRZN POTATOES", None, "Frozen French fries"),
        ("EGGS - MEDIUM", "EGGS", "1 DZ", "Eggs, medium, 1 dozen"),
        (None, "BEEF", "1 LB", "Beef, 1 lb"),
        (None, None, None, "Product 77"),
    ],
)
def test_product_reads_like_a_receipt(kind, group, size, name):
    assert wording.product(kind, group, size, sku=77) == name
