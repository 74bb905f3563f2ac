//! Recorded answers and what they normalise to.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotAnAnswer, PhoneTail, Reading};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "SF1234567890123";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("sf_express/in_transit.json"));
    snapshot("delivered", fixture!("sf_express/delivered.json"));
    snapshot("several", fixture!("sf_express/several.json"));
    snapshot("returned", fixture!("sf_express/returned.json"));
    snapshot("odd", fixture!("sf_express/odd.json"));
}

#[test]
fn the_data_are_read_in_a_string_as_an_object_and_alone() {
    let alone = read(fixture!("sf_express/unwrapped.json")).expect("an answer");
    assert_eq!(alone.packages[0].status().status, EventStatus::Delivered);
    let with_spaces = |reading: Reading| summary(&Ok(reading)).replace(char::is_numeric, "");
    let object = read(fixture!("sf_express/object.json")).expect("an answer");
    assert_eq!(with_spaces(alone), with_spaces(object));
}

#[test]
fn every_code_comes_from_somewhere() {
    assert!(status::codes().get("80").is_some());
}

/// (operation, reason, secondary and first category, remark)
fn status_of(codes: (&str, &str, &str, &str), remark: &str) -> String {
    let (op_code, reason_code, secondary_status_code, first_status_code) = codes;
    let route = wire::Route {
        op_code: op_code.into(),
        reason_code: reason_code.into(),
        secondary_status_code: secondary_status_code.into(),
        first_status_code: first_status_code.into(),
        remark: remark.into(),
        ..wire::Route::default()
    };
    let (status, to) = status::status(&route);
    to.map_or(status.to_string(), |to| format!("{status} {to}"))
}

#[test]
fn operations_are_believed_where_nothing_contradicts_them() {
    for (op_code, remark, expected) in [
        ("50", "顺丰速运 已收取快件", "picked_up"),
        ("30", "快件在【深圳】完成分拣，准备发往下一站", "in_transit"),
        ("30", "快件因海关查验延误", "customs_held"),
        ("31", "快件到达【上海】，准备派送", "in_transit"),
        ("31", "已派件", "unknown"),
        ("50", "已派件", "unknown"),
        ("44", "我们正在为您的快件分配最合适的快递员，请您稍等。", "out_for_delivery"),
        ("204", "快件交给王小明，正在派送途中", "out_for_delivery"),
        ("44", "已签收", "unknown"),
        ("44", "收件人拒收", "attempt_failed"),
        ("70", "派送不成功，待再次派送", "attempt_failed"),
        ("70", "", "exception"),
        ("33", "已签收", "unknown"),
        ("80", "", "delivered unspecified"),
        ("80", "已签收", "delivered unspecified"),
        ("80", "Delivered", "delivered unspecified"),
        ("80", "本人签收", "delivered addressee"),
        ("80", "非本人签收，已由邻居代收", "delivered neighbour"),
        ("80", "已签收，签收人是【前台】", "delivered mailroom"),
        ("80", "快件已由家人代收", "delivered household"),
        ("80", "快件已放入丰巢快递柜", "delivered locker"),
        ("80", "客户从丰巢取件成功", "delivered collected"),
        ("80", "未签收", "unknown"),
        ("80", "待签收", "unknown"),
        ("80", "预计今日签收", "unknown"),
        ("80", "请您本人签收", "unknown"),
        ("80", "正在派送途中", "unknown"),
        ("80", "请及时取件", "unknown"),
        ("80", "快件已退回", "unknown"),
        ("80", "退回件已签收", "returned"),
        ("80", "寄件人已签收", "returned"),
        ("80", "签收人：寄方", "returned"),
        ("80", "快件已退至寄件方，已签收", "unknown"),
        ("80", "误签收", "unknown"),
        ("80", "Retourné à l'expéditeur", "unknown"),
        ("8000", "在官网\"运单资料&签收图\",可查看签收人信息", "delivered unspecified"),
        ("125", "快件已放入丰巢，请凭取件码取件", "available_for_collection"),
        ("125", "快件派送至丰巢", "available_for_collection"),
        ("125", "快件已签收，签收方式：丰巢", "delivered locker"),
        ("607", "快件已由门卫代收", "delivered mailroom"),
        ("607", "", "unknown"),
        ("607", "快件已交给代理", "unknown"),
        ("99", "快件正在转寄中", "returning"),
        ("648", "快件已退回/转寄,新单号为: 123", "returning"),
        ("99999", "已签收", "unknown"),
        ("", "已签收", "unknown"),
    ] {
        assert_eq!(status_of((op_code, "", "", ""), remark), expected, "{op_code}: {remark}");
    }
}

#[test]
fn categories_refine_stand_in_and_contradict() {
    for (codes, remark, expected) in [
        (("30", "", "204", "2"), "", "customs_presented"),
        (("30", "", "205", "2"), "", "customs_released"),
        (("", "", "401", "4"), "已签收", "delivered unspecified"),
        (("", "", "", "4"), "", "delivered unspecified"),
        (("", "", "301", "4"), "", "unknown"),
        (("80", "", "301", "3"), "已签收", "unknown"),
        (("80", "", "401", "3"), "已签收", "unknown"),
        (("30", "", "401", "4"), "", "unknown"),
        (("99999", "", "401", "4"), "已签收", "unknown"),
        (("70", "46", "", ""), "", "cancelled"),
        (("70", "83", "1301", "13"), "", "available_for_collection"),
        (("8000", "6", "401", "4"), "", "lost"),
        (("80", "91", "401", "4"), "已签收", "unknown"),
        (("", "", "499", "4"), "", "unknown"),
        (("80", "", "499", "99"), "已签收", "unknown"),
        (("30", "", "499", "99"), "", "in_transit"),
    ] {
        assert_eq!(status_of(codes, remark), expected, "{codes:?}: {remark}");
    }
}

#[test]
fn the_name_of_a_category_can_take_a_delivery_back() {
    for (name, expected) in [
        ("已签收", EventStatus::Delivered),
        ("待签收", EventStatus::Unknown),
        ("退回签收", EventStatus::Unknown),
        ("派送中", EventStatus::Unknown),
    ] {
        let (op_code, secondary_status_name) = ("80".into(), name.into());
        let route = wire::Route { op_code, secondary_status_name, ..wire::Route::default() };
        assert_eq!(status::status(&route).0, expected, "{name}");
    }
}

#[test]
fn errors_are_told_apart_by_their_codes_then_by_their_words() {
    let kind = |body: &str| read(body.as_bytes()).expect("an answer").failures[0].kind;
    for (code, message, expected) in [
        ("A1001", "必传参数不可为空", FailureKind::Invalid),
        ("A1002", "请求时效已过期", FailureKind::Invalid),
        ("A1003", "IP无效", FailureKind::Auth),
        ("A1004", "无对应服务权限", FailureKind::Auth),
        ("a1005", "流量受控", FailureKind::RateLimited),
        ("A1006", "数字签名无效", FailureKind::Auth),
        ("A1009", "目标服务异常或不可达", FailureKind::CarrierDown),
        ("A1011", "OAuth2认证失败", FailureKind::Auth),
        ("A1099", "系统异常", FailureKind::CarrierDown),
        ("A1777", "查询过于频繁", FailureKind::RateLimited),
        ("A1777", "", FailureKind::Invalid),
    ] {
        let outer = format!(r#"{{"apiResultCode":"{code}","apiErrorMsg":"{message}","apiResultData":""}}"#);
        assert_eq!(kind(&outer), expected, "{outer}");
    }
    for (code, message, expected) in [
        ("S0001", "非法的JSON格式", FailureKind::Invalid),
        ("S0003", "系统发生数据错误", FailureKind::CarrierDown),
        ("8018", "未获取到订单信息", FailureKind::NotFound),
        ("20036", "运单号不存在", FailureKind::NotFound),
        ("", "运单号不存在", FailureKind::NotFound),
    ] {
        let inner =
            format!(r#"{{"success":"false","errorCode":"{code}","errorMsg":"{message}","msgData":null}}"#);
        assert_eq!(kind(&inner), expected, "{inner}");
        let outer = serde_json::json!({"apiResultCode": "A1000", "apiResultData": inner});
        assert_eq!(kind(&outer.to_string()), expected, "{outer}");
    }
    assert_eq!(kind(r#"{"apiResultCode":"A1000","apiResultData":null}"#), FailureKind::Unparsable);
    assert_eq!(kind(r#"{"success":true,"errorCode":"S0000","msgData":null}"#), FailureKind::NotFound);
}

#[test]
fn the_question_is_a_form_signed_as_sf_signs() {
    let account = SfExpress {
        base_url: "https://x".into(),
        partner_id: "PARTNER".into(),
        checkword: SecretString::from("ch3ckw0rd"),
    };
    let question = |number: &str, phone: &str| Question {
        number: number.parse().expect("a number"),
        phone_tail: PhoneTail::of(phone),
    };
    let occasion = Occasion { now: from_micros(1_772_600_000_123_000), id: Uuid::nil(), token: None };
    let questions = [question(NUMBER, "+86 138 0000 5678"), question("SF1234567890124", "")];
    let request = account.request(&questions, &occasion);
    assert_eq!(request.url, "https://x/std/service");
    let body = String::from_utf8(request.body.expect("a body")).expect("text");
    insta::assert_snapshot!(body);
}

#[test]
fn the_digest_is_of_the_forms_encoding() {
    // Computed with Python: b64encode(md5(quote_plus(text).encode()).digest()).
    assert_eq!(digest("{\"a\": \"顺 丰\"}", "1772600000123", "ch3ckw0rd"), "VmJQasDl2PlfGE5ZCwRKKQ==");
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("sf_express/in_transit.json"),
            delivered: fixture!("sf_express/delivered.json"),
            not_found: (200, fixture!("sf_express/not_found.json")),
            wrong_credentials: (200, fixture!("sf_express/wrong_digest.json")),
            rate_limited: (200, fixture!("sf_express/rate_limited.json")),
        },
    );
}

proptest! {
    #[test]
    fn anything_of_the_shape_is_read_and_only_a_delivery_code_delivers(
        route in contract::object_of(&["acceptTime", "acceptAddress", "remark", "opCode", "reasonCode",
            "firstStatusCode", "firstStatusName", "secondaryStatusCode", "secondaryStatusName"]),
        number in contract::any_json(),
        success in contract::any_json(),
    ) {
        let body = serde_json::json!({
            "success": success, "errorCode": "S0000",
            "msgData": {"routeResps": [{"mailNo": number, "routes": [route.clone()]}]},
        });
        let reading = read(body.to_string().as_bytes());
        let delivered = reading.is_ok_and(|reading| reading.packages.iter().any(|package|
            package.seen.iter().any(|seen| seen.happening.status == EventStatus::Delivered)));
        let op_code = route["opCode"].as_str().map(str::to_owned).unwrap_or_else(|| route["opCode"].to_string());
        let is_blank = matches!(op_code.trim_start_matches('0'), "" | "null");
        let known = ["80", "8000", "125", "128", "607"].contains(&op_code.trim_start_matches('0'));
        prop_assert!(!delivered || known || is_blank || route["opCode"].is_object() || route["opCode"].is_array()
            || route["opCode"].is_boolean());
    }
}
