use serde_json::json;

use super::*;

fn body() -> Value {
    json!({
        "reference": "R1",
        "pickup": {
            "address": {"country": "US", "region": "CA", "city": "Torrance", "postal_code": "90501", "lines": ["1 Dock Road"]},
            "contact": {"name": "Dock", "phone": "+1 555 0100000"},
            "from": "2026-03-02T09:00:00-08:00", "until": "2026-03-02T12:00:00-08:00"
        },
        "consignee": {"name": "王伟", "phone": "+8613800000000", "division": "440305", "lines": ["幸福路1号"]},
        "service": "express", "clearance": "9610",
        "payment": {"provider": "webhook", "reference": "T1", "amount": "100.00", "currency": "CNY"},
        "parcels": [{"reference": "R1-1", "weight_grams": 376, "size_mm": [135, 95, 92], "items": [
            {"sku": "A", "description": "cream", "hs_code": "330499", "quantity": 2, "unit_price": "20.40", "currency": "USD", "origin": "US"}
        ]}]
    })
}

/// Against a world in which there is everything but Atlantis and division 999999, without arms,
/// meat by post and fireworks, where all that is dangerous is class 9.
fn read_held(body: &Value) -> Result<PickupRequest, Vec<FieldError>> {
    let known = Known {
        now: "2026-03-01T00:00:00Z".parse().expect("an instant"),
        providers: &["webhook"],
        payment: &|_, reference, held| match (reference, held.currency.code()) {
            ("another provider's", _) => {
                Err(Unfit { field: "reference", detail: "is none of its own".to_owned() })
            }
            (_, "USD") => Err(Unfit { field: "currency", detail: "it holds no dollars".to_owned() }),
            _ => Ok(()),
        },
        address: &|address| match address.city.as_str() {
            "Atlantis" => Err(Nowhere { field: "city", detail: "is under water".to_owned() }),
            _ => Ok(()),
        },
        division: &|division| division.to_string() != "999999",
        goods: &|declared| {
            let (field, detail) = match declared {
                Declared::Goods { hs_code, .. } if hs_code.starts_with("93") => ("hs_code", "arms"),
                Declared::Goods { hs_code, clearance: Some(Clearance::Postal) }
                    if hs_code.starts_with("02") =>
                {
                    ("hs_code", "meat")
                }
                Declared::Dangerous { un, .. } if un.to_string() == "UN0336" => ("un", "fireworks"),
                Declared::Dangerous { class: Some(class), .. } if class != "9" => ("class", "not 9"),
                Declared::Goods { .. } | Declared::Dangerous { .. } => return Ok(()),
            };
            Err(Unfit { field, detail: detail.to_owned() })
        },
    };
    read(body, &known)
}

#[test]
fn places_that_are_nowhere_are_named_with_all_other_mistakes() {
    let mut body = body();
    body["service"] = json!("fast");
    body["pickup"]["address"]["city"] = json!("Atlantis");
    body["consignee"]["division"] = json!("999999");
    let mut found = pointers(&body);
    found.sort();
    assert_eq!(found, ["/consignee/division", "/pickup/address/city", "/service"]);
}

fn pointers(body: &Value) -> Vec<String> {
    let errors = read_held(body).expect_err("a refusal");
    errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn a_whole_body_is_read() {
    let request = read_held(&body()).expect("a good body");
    assert_eq!(request.payment.held.minor, 10_000);
    assert_eq!(request.parcels[0].weight, Grams(376));
}

#[test]
fn all_mistakes_are_reported_at_once_by_their_pointers() {
    let mut body = body();
    body["service"] = json!("fast");
    body["parcels"][0]["weight_grams"] = json!(0);
    body["parcels"][0]["items"][0]["unit_price"] = json!("20.405");
    body["parcels"][0]["items"][0]["color"] = json!("red");
    body["pickup"]["until"] = json!("2026-03-02T08:00:00-08:00");
    body["consignee"]["division"] = json!("44");
    body["payment"]["provider"] = json!("paypal");
    body["a/b~c"] = json!(1);
    let mut found = pointers(&body);
    found.sort();
    let mut expected = vec![
        "/a~1b~0c",
        "/consignee/division",
        "/parcels/0/items/0/color",
        "/parcels/0/items/0/unit_price",
        "/parcels/0/weight_grams",
        "/payment/provider",
        "/pickup/until",
        "/service",
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn goods_that_are_refused_are_named_with_all_other_mistakes() {
    let mut body = body();
    let mut item = body["parcels"][0]["items"][0].clone();
    item["hs_code"] = json!("020130");
    item["dangerous_goods"] = json!({"un": "UN3481", "class": "3"});
    body["parcels"][0]["items"].as_array_mut().expect("items").push(item.clone());
    assert_eq!(pointers(&body), ["/parcels/0/items/1/dangerous_goods/class"]);
    item["hs_code"] = json!("930400");
    item["quantity"] = json!(0);
    item["dangerous_goods"] = json!({"un": "UN0336", "class": ""});
    body["parcels"][0]["items"][0] = item;
    body["clearance"] = json!("postal");
    body["service"] = json!("fast");
    let mut found = pointers(&body);
    found.sort();
    let expected = [
        "/parcels/0/items/0/dangerous_goods/class",
        "/parcels/0/items/0/dangerous_goods/un",
        "/parcels/0/items/0/hs_code",
        "/parcels/0/items/0/quantity",
        "/parcels/0/items/1/dangerous_goods/class",
        "/parcels/0/items/1/hs_code",
        "/service",
    ];
    assert_eq!(found, expected);
    body["clearance"] = json!("9710");
    let found = pointers(&body);
    assert!(found.contains(&"/parcels/0/items/0/hs_code".to_owned()), "under no clearance");
    assert!(!found.contains(&"/parcels/0/items/1/hs_code".to_owned()), "under some");
}

#[test]
fn a_un_number_is_written_as_such() {
    for un in ["3481", "UN348", "UN34811", "un3481", "UN+481"] {
        let mut body = body();
        body["parcels"][0]["items"][0]["dangerous_goods"] = json!({"un": un, "class": "9"});
        assert_eq!(pointers(&body), ["/parcels/0/items/0/dangerous_goods/un"], "{un}");
    }
}

#[test]
fn every_missing_field_is_named() {
    fn remove_each(value: &Value, pointer: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    found.push(format!("{pointer}/{name}"));
                    remove_each(inner, &format!("{pointer}/{name}"), found);
                }
            }
            Value::Array(elements) => {
                for (i, inner) in elements.iter().enumerate() {
                    remove_each(inner, &format!("{pointer}/{i}"), found);
                }
            }
            _ => {}
        }
    }
    let mut fields = Vec::new();
    remove_each(&body(), "", &mut fields);
    for field in fields {
        let (parent, name) = field.rsplit_once('/').expect("a pointer");
        let mut without = body();
        let object = without.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
        object.remove(name);
        if matches!(name, "region" | "postal_code") {
            assert!(read_held(&without).is_ok(), "{field} may be left out");
        } else {
            assert!(pointers(&without).contains(&field), "{field}");
        }
    }
}

#[test]
fn two_parcels_cannot_share_a_reference() {
    let mut body = body();
    let parcel = body["parcels"][0].clone();
    body["parcels"].as_array_mut().expect("parcels").push(parcel);
    assert_eq!(pointers(&body), ["/parcels/1/reference"]);
}

#[test]
fn a_body_that_is_no_object_is_one_mistake() {
    for body in [json!([]), json!("x"), json!(null), json!(1)] {
        assert_eq!(pointers(&body), [""]);
    }
}

#[test]
fn a_window_of_another_year_is_a_mistake() {
    let mut body = body();
    body["pickup"]["from"] = json!("1999-03-02T09:00:00Z");
    body["pickup"]["until"] = json!("1999-03-02T12:00:00Z");
    assert_eq!(pointers(&body), ["/pickup/until"]);
}

#[test]
fn a_location_off_the_globe_is_refused() {
    let mut body = body();
    body["pickup"]["address"]["location"] = json!({"lat": 118.2, "lon": 34.0});
    assert_eq!(pointers(&body), ["/pickup/address/location/lat"]);
}
