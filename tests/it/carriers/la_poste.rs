//! La Poste: a key in a header, up to ten numbers in the path.

use serde_json::json;

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "la_poste",
    config: "api_key = \"k3y\"",
    refused: "api_key = \"another\"",
    delivered: "LX123456785FR",
    unknown: "LX123456799FR",
    answer,
    is_question: |_| true,
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    if asked.header("x-okapi-key") != "k3y" {
        return Reply::json(401, &json!({"code": "UNAUTHORIZED", "message": "BAD_APP_KEY"}));
    }
    match asked.path.as_str() {
        "/suivi/v2/idships/LX123456785FR?lang=fr_FR" => {
            let event = json!({"code": "DI1", "label": "Votre colis est livré.", "date": "2026-03-05T09:38:00+01:00"});
            let shipment = json!({"idShip": "LX123456785FR", "isFinal": true, "event": [event]});
            Reply::json(200, &json!({"returnCode": 200, "shipment": shipment}))
        }
        _ => Reply::json(
            404,
            &json!({"returnCode": 104, "returnMessage": "Inconnu", "idShip": "LX123456799FR"}),
        ),
    }
}
