use super::calls::yuan;
use super::*;
use crate::domain::money::Money;
use crate::sandbox::escrow::ask::Format;
use crate::sandbox::escrow::books::Rules;
use crate::sandbox::escrow::trade::Terms;

const SETTLE: &str = "alipay.trade.settle.confirm";

fn settlement(details: &Value) -> Result<Call, String> {
    let content = json!({
        "out_request_no": "R1", "trade_no": "T1", "settle_info": { "settle_detail_infos": details },
    });
    Call::read(SETTLE, &content).expect("a method")
}

#[test]
fn a_settlement_names_its_receiver_or_the_one_that_was_agreed() {
    let to = |kind: &str, whom: &str| {
        settlement(&json!([{ "trans_in_type": kind, "trans_in": whom, "amount": "100.00" }])).map(drop)
    };
    assert_eq!((to("defaultSettle", ""), to("userId", "2088123412341234")), (Ok(()), Ok(())));
    for (kind, whom) in [("defaultSettle", "2088123412341234"), ("userId", ""), ("", "2088123412341234")] {
        assert!(to(kind, whom).is_err(), "{kind} {whom}");
    }
}
