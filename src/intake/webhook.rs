//! The body with which a merchant says where it wants to be told.

use serde_json::Value;

use super::reading::{Errors, FieldError, Object};

const URL_CHARACTERS_MAX: usize = 2_000;

/// Reads the address, or says all that is wrong. `check` says why it cannot be called.
pub fn read(body: &Value, check: &dyn Fn(&str) -> Result<(), String>) -> Result<String, Vec<FieldError>> {
    let errors = Errors::default();
    let url = Object::new(body, String::new(), &errors).and_then(|body| {
        let url = body.text("url", 1..=URL_CHARACTERS_MAX)?;
        match check(&url) {
            Ok(()) => Some(url),
            Err(reason) => {
                body.errors().add("/url", reason);
                None
            }
        }
    });
    errors.check(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(body: Value) -> Vec<String> {
        let check = |url: &str| if url == "wrong" { Err("is wrong".to_owned()) } else { Ok(()) };
        let errors = read(&body, &check).err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn an_address_is_one_string_and_nothing_beside_it() {
        assert_eq!(pointers(json!({"url": "right"})), [""; 0]);
        for body in [json!({}), json!({"url": null}), json!({"url": ["right"]}), json!({"url": "wrong"})] {
            assert_eq!(pointers(body), ["/url"]);
        }
        assert_eq!(pointers(json!({"url": "x".repeat(2_001)})), ["/url"]);
        assert_eq!(pointers(json!({"url": "right", "secret": "mine"})), ["/secret"]);
        assert_eq!(pointers(json!("right")), [""]);
    }
}
