use super::*;
use crate::domain::merchant::BuyerProof;
use crate::domain::shipment::{Milestone, ShipmentStatus};
use crate::flows::views::{
    DisputeMessageView, DisputeView, EstimateMomentsView, MilestoneView, MomentView, PublicEventView,
    PublicParcelView,
};

const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const BOTH: [Language; 2] = [Language::English, Language::Chinese];

fn moment(utc: &str, local: &str, zone: &str) -> MomentView {
    MomentView { utc: utc.into(), local: local.into(), zone: zone.into() }
}

fn in_shanghai(day: u8) -> MomentView {
    let (utc, local) = (format!("2026-03-{day:02}T02:30:00Z"), format!("2026-03-{day:02}T10:30:00+08:00"));
    moment(&utc, &local, "Asia/Shanghai")
}

fn in_frankfurt(day: u8) -> MomentView {
    let (utc, local) = (format!("2026-03-{day:02}T13:05:00Z"), format!("2026-03-{day:02}T14:05:00+01:00"));
    moment(&utc, &local, "Europe/Berlin")
}

fn milestone(word: Milestone, at: MomentView, reached: bool) -> MilestoneView {
    MilestoneView {
        milestone: word.to_string(),
        reached,
        reached_at: reached.then(|| at.clone()),
        expected_at: Some(at),
        hub: None,
        place_en: None,
        place_zh: None,
    }
}

fn event(status: &str, parcel: u16, at: MomentView) -> PublicEventView {
    PublicEventView {
        parcel: Some(parcel),
        status: status.into(),
        local_time: at.local.clone(),
        at,
        offset_source: "facility_zone".into(),
        source: "scan".into(),
        scan: None,
        carrier: None,
        carrier_name: None,
        hub: Some("CNCAN".into()),
        place_en: Some("Guangzhou Baiyun".into()),
        place_zh: Some("广州白云".into()),
        country: Some("CN".into()),
        delivered_to: None,
        also_reported_by: Vec::new(),
        taken_back: false,
    }
}

/// With customs in Guangzhou, delivery still ahead.
fn view(status: ShipmentStatus) -> TrackingView {
    TrackingView {
        status: status.to_string(),
        service: "standard".into(),
        estimated_delivery: EstimateMomentsView {
            earliest: in_shanghai(9),
            latest: in_shanghai(10),
            confidence: 0.8,
        },
        delivered_at: None,
        milestones: vec![
            milestone(Milestone::PickedUp, in_frankfurt(3), true),
            milestone(Milestone::Customs, in_shanghai(6), true),
            milestone(Milestone::LastMile, in_shanghai(7), false),
            milestone(Milestone::Delivered, in_shanghai(8), false),
        ],
        parcels: vec![PublicParcelView { number: 1, status: status.to_string(), delivered_to: None }],
        events: vec![event("customs_presented", 1, in_shanghai(6)), event("picked_up", 1, in_frankfurt(3))],
    }
}

#[track_caller]
fn page(view: &TrackingView, language: Language) -> String {
    let html = tracking_page(view, TOKEN, language).expect("a page");
    is_within_the_policy(&html);
    html
}

#[track_caller]
fn is_within_the_policy(html: &str) {
    let small = html.to_ascii_lowercase();
    for forbidden in ["<script", "<style", "style=", "javascript:", "<form", "<iframe", "http-equiv"] {
        assert!(!small.contains(forbidden), "{forbidden} in {html}");
    }
    let handlers = small.match_indices(" on").filter(|(at, _)| {
        let name = small[at + 3..].trim_start_matches(|letter: char| letter.is_ascii_lowercase());
        name.starts_with('=')
    });
    assert_eq!(handlers.count(), 0, "{html}");
    let elsewhere = small.match_indices("://").filter(|(at, _)| !small[..*at].ends_with("xmlns='http"));
    assert_eq!(elsewhere.count(), 0, "{html}");
    assert_eq!(small.matches("<h1").count(), 1);
    assert!(small.contains(stylesheet_path()));
}

fn has_all(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part:?} is not in {html}");
    }
}

#[test]
fn a_shipment_under_way_is_told_in_both_languages() {
    let view = view(ShipmentStatus::Customs);
    let chinese = page(&view, Language::Chinese);
    has_all(
        &chinese,
        &[
            "lang=\"zh-Hans\"",
            "<h1>清关中</h1>",
            "预计送达",
            "3月9日 周一",
            "3月10日 周二",
            "约 80% 的同类包裹",
        ],
    );
    has_all(&chinese, &["2026年3月6日 星期五", "已向海关申报", "广州白云", "北京时间", "仓库扫描", "CET"]);
    has_all(&chinese, &["datetime=\"2026-03-06T02:30:00Z\"", "href=\"?lang=en\""]);
    let english = page(&view, Language::English);
    has_all(
        &english,
        &[
            "lang=\"en\"",
            "<h1>Clearing customs</h1>",
            "Mon 9 March",
            "Tue 10 March",
            "About 80% of shipments",
        ],
    );
    has_all(&english, &["Friday 6 March 2026", "Presented to customs", "Beijing time", "Hub scan"]);
}

#[test]
fn every_status_makes_a_page() {
    for status in ShipmentStatus::ALL {
        for language in BOTH {
            page(&view(*status), language);
        }
    }
}

#[test]
fn every_shipment_leads_to_its_order_and_those_that_end_elsewhere_confirm_no_receipt() {
    for status in ShipmentStatus::ALL {
        for language in BOTH {
            let html = page(&view(*status), language);
            let address = format!("href=\"{TOKEN}/order?lang={}\"", language.code());
            assert_eq!(html.matches(&address).count(), 1, "{status}: {html}");
        }
    }
    let link = |status| page(&view(status), Language::English).contains("Confirm receipt");
    assert!(link(ShipmentStatus::LastMile) && link(ShipmentStatus::Delivered));
    assert!(
        !link(ShipmentStatus::Cancelled) && !link(ShipmentStatus::Returning) && !link(ShipmentStatus::Lost)
    );
}

#[test]
fn what_is_ahead_is_planned_and_the_last_step_goes_by_the_estimate() {
    let english = page(&view(ShipmentStatus::Customs), Language::English);
    has_all(&english, &["planned <time datetime=\"2026-03-07", "from <time datetime=\"2026-03-09"]);
    assert!(!english.contains("2026-03-08"), "{english}");
}

#[test]
fn a_plan_that_was_overtaken_is_not_repeated() {
    let mut late = view(ShipmentStatus::Customs);
    late.milestones[1].reached_at = Some(in_shanghai(8));
    assert!(!page(&late, Language::English).contains("2026-03-07"));
}

#[test]
fn a_delivered_shipment_says_when_and_to_whom() {
    let mut delivered = view(ShipmentStatus::Delivered);
    delivered.delivered_at = Some(in_shanghai(8));
    delivered.parcels[0].delivered_to = Some("locker".into());
    let chinese = page(&delivered, Language::Chinese);
    has_all(&chinese, &["<h1>已签收</h1>", "3月8日 周日 10:30", "快递柜"]);
    assert!(!chinese.contains("预计"), "{chinese}");
    let english = page(&delivered, Language::English);
    has_all(&english, &["Sun 8 March 10:30", "into a parcel locker"]);
}

#[test]
fn a_hold_is_marked_and_plans_nothing() {
    let held = page(&view(ShipmentStatus::OnHold), Language::English);
    has_all(&held, &["class=\"status held\"", "Held up", "It will move if the hold lasts."]);
    assert!(!held.contains("planned <time"), "{held}");
    has_all(&page(&view(ShipmentStatus::OnHold), Language::Chinese), &["运输受阻", "暂扣中", "海关正在查验"]);
}

#[test]
fn nothing_is_estimated_for_what_is_not_coming() {
    let not_coming = [
        ShipmentStatus::Cancelled,
        ShipmentStatus::Returning,
        ShipmentStatus::Returned,
        ShipmentStatus::Lost,
        ShipmentStatus::Destroyed,
    ];
    for status in not_coming {
        let english = page(&view(status), Language::English);
        assert!(english.contains("class=\"mark\""), "{status}");
        for promise in ["Estimated", "planned <time", "from <time"] {
            assert!(!english.contains(promise), "{status}: {promise}");
        }
    }
}

#[test]
fn a_shipment_without_events_has_a_page() {
    let mut new = view(ShipmentStatus::Accepted);
    new.events.clear();
    new.milestones.clear();
    new.parcels.clear();
    has_all(&page(&new, Language::Chinese), &["已受理", "暂无物流信息"]);
    has_all(&page(&new, Language::English), &["Nothing has been reported yet"]);
}

#[test]
fn several_parcels_are_told_apart_and_what_happened_to_all_is_told_once() {
    let mut several = view(ShipmentStatus::Customs);
    let lost = PublicParcelView { number: 2, status: "lost".into(), delivered_to: None };
    several.parcels.push(lost);
    several.events = vec![
        event("lost", 2, in_shanghai(7)),
        event("arrived", 2, in_shanghai(6)),
        event("arrived", 1, in_shanghai(6)),
    ];
    let english = page(&several, Language::English);
    has_all(&english, &["<h2 id=\"parcels\">", "Parcel 1, 2<", "Parcel 2<"]);
    assert_eq!(english.matches(">Arrived<").count(), 1, "{english}");
    let one = page(&view(ShipmentStatus::Customs), Language::English);
    assert!(!one.contains("id=\"parcels\"") && !one.contains("Parcel 1"), "{one}");
}

#[test]
fn a_time_without_a_zone_is_doubted_aloud() {
    let mut doubtful = view(ShipmentStatus::LastMile);
    doubtful.events[0].offset_source = "assumed_utc".into();
    doubtful.events[0].local_time = "2026-03-06 02:30".into();
    let english = page(&doubtful, Language::English);
    has_all(&english, &["Time zone not reported, read as UTC", "reported as 2026-03-06 02:30"]);
    has_all(&page(&doubtful, Language::Chinese), &["来源未注明时区", "原始时间 2026-03-06 02:30"]);
}

#[test]
fn what_others_wrote_is_text_and_nothing_more() {
    let evil = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";
    let mut hostile = view(ShipmentStatus::LastMile);
    hostile.status = evil.into();
    hostile.service = evil.into();
    hostile.milestones[0].milestone = evil.into();
    hostile.milestones[0].place_en = Some(evil.into());
    hostile.milestones[0].place_zh = Some(evil.into());
    let told = &mut hostile.events[0];
    told.status = evil.into();
    told.place_en = Some(evil.into());
    told.place_zh = Some(evil.into());
    told.country = Some(evil.into());
    told.carrier = Some(evil.into());
    told.delivered_to = Some(evil.into());
    told.offset_source = evil.into();
    told.local_time = evil.into();
    told.source = evil.into();
    told.at = moment(evil, evil, evil);
    for language in BOTH {
        let html = tracking_page(&hostile, TOKEN, language).expect("a page");
        let small = html.to_ascii_lowercase();
        assert!(!small.contains("<script") && !small.contains("<img"), "{html}");
        // A quote that came with a value does not end an attribute.
        assert!(!small.contains("</script") && !small.contains("\"><img"), "{html}");
        assert!(html.contains("&#60;script&#62;"), "{html}");
    }
}

#[test]
fn a_link_that_leads_nowhere_says_so() {
    for (language, words) in
        [(Language::English, "No shipment here"), (Language::Chinese, "未找到该物流信息")]
    {
        let html = not_found_page(language).expect("a page");
        is_within_the_policy(&html);
        assert!(html.contains(words), "{html}");
    }
}

#[test]
fn the_stylesheet_stays_inside_the_policy_and_its_path_follows_its_content() {
    assert!(!STYLESHEET.contains("url(") && !STYLESHEET.contains("@import"));
    let (path, version) = stylesheet_path().split_once("?v=").expect("a version");
    assert_eq!(path, "/assets/tracking.css");
    assert!(version.len() == 12 && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
}

fn nothing_sent() -> BuyerView<'static> {
    let (proof, draft) = (BuyerProof::Code, Draft::default());
    BuyerView { token: TOKEN, proof, is_delivered: true, told: None, draft, disputes: &[] }
}

#[track_caller]
fn buyers(view: BuyerView, language: Language) -> String {
    let html = buyer_page(view, language).expect("a page");
    for forbidden in ["<script", "<style", "style="] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    html
}

#[test]
fn a_form_that_was_refused_comes_back_open_and_filled_in_but_for_the_proof() {
    let typed = [
        ("proof", "493021"),
        ("reason", "wrong_item"),
        ("message", "one\r\n</textarea><script>two"),
        ("attachments", "https://a\nhttp://b"),
    ];
    let fields = typed.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let draft = |act: &str| Draft::new(act.to_owned(), fields.clone().into());
    for language in BOTH {
        let refused = BuyerView {
            told: Some(Told::Incomplete(vec![Field::Attachments])),
            draft: draft("dispute"),
            ..nothing_sent()
        };
        let html = buyers(refused, language);
        assert!(!html.contains("493021"), "{html}");
        assert_eq!(html.matches(" open>").count(), 1, "the others stay closed: {html}");
        has_all(
            &html,
            &[
                "<option value=\"wrong_item\" selected>",
                ">one\r\n&#60;/textarea&#62;&#60;script&#62;two</textarea>",
                ">https://a\nhttp://b</textarea>",
                "<li>",
            ],
        );
        let said = buyers(BuyerView { draft: draft("say"), ..nothing_sent() }, language);
        assert!(!said.contains(" selected"), "{said}");
        assert_eq!(said.matches("&#60;script&#62;two").count(), 1, "{said}");
        let days = [("days".to_owned(), "7".to_owned())].into();
        let draft = Draft::new("extend".to_owned(), days);
        has_all(&buyers(BuyerView { draft, ..nothing_sent() }, language), &["<option selected>7</option>"]);
    }
    assert!(!buyers(nothing_sent(), Language::English).contains(" open>"));
}

#[test]
fn receipt_is_not_there_to_confirm_before_anything_is() {
    for language in BOTH {
        let say = buyer_phrases::BuyerPhrases::in_language(language);
        let before = buyers(BuyerView { is_delivered: false, ..nothing_sent() }, language);
        assert!(before.contains(say.not_there_yet), "{before}");
        for act in ["value=\"confirm\"", "value=\"extend\""] {
            assert!(!before.contains(act), "{act} in {before}");
        }
        has_all(&before, &["value=\"dispute\"", "value=\"look\"", "value=\"say\"", "value=\"withdraw\""]);
        let there = buyers(nothing_sent(), language);
        has_all(&there, &["value=\"confirm\"", "value=\"extend\""]);
        assert!(!there.contains(say.not_there_yet), "{there}");
    }
}

#[test]
fn lines_that_were_written_are_lines_on_the_page() {
    let rule = STYLESHEET.lines().find(|line| line.starts_with(".said p "));
    assert!(rule.is_some_and(|rule| rule.contains("white-space: pre-line")), "{rule:?}");
}

#[test]
fn the_buyers_page_asks_for_the_proof_that_counts_and_says_what_came_of_it() {
    for language in BOTH {
        let page = |proof, told| buyers(BuyerView { proof, told, ..nothing_sent() }, language);
        let by_code = page(BuyerProof::Code, None);
        assert!(by_code.contains("value=\"code\"") && by_code.contains("maxlength=\"6\""));
        let by_phone = page(BuyerProof::Phone, Some(Told::WrongProof { tries_left: 2 }));
        assert!(!by_phone.contains("value=\"code\"") && by_phone.contains("maxlength=\"4\""));
        assert!(by_phone.contains("status alarm") && by_phone.contains(" 2</p>"), "{by_phone}");
    }
}

#[test]
fn the_buyers_page_shows_what_was_said_as_it_was_said() {
    let message = |by: &str, message: &str| DisputeMessageView {
        by: by.to_owned(),
        message: message.to_owned(),
        attachments: vec!["https://pictures.example/1?a=1&b=\"2\"".to_owned()],
        at: "2026-03-04T16:30:00Z".to_owned(),
    };
    let mut view = DisputeView {
        id: "dsp_1".to_owned(),
        shipment: "shp_1".to_owned(),
        reason: "damaged".to_owned(),
        opened_at: "2026-03-04T02:00:00Z".to_owned(),
        decide_by: "2026-03-14T02:00:00Z".to_owned(),
        closed_at: None,
        outcome: None,
        because: None,
        messages: vec![message("buyer", "<script>alert(1)</script>"), message("merchant", "We are sorry.")],
    };
    for language in BOTH {
        let disputes = std::slice::from_ref(&view);
        let open = buyers(BuyerView { told: Some(Told::Shown), disputes, ..nothing_sent() }, language);
        assert!(!open.contains("<script") && open.contains("We are sorry."), "{open}");
        assert!(!open.contains("b=\"2\""), "an address ends where its mark ends");
        assert!(open.contains("00:30"), "on the buyer's clock: {open}");
        assert!(open.contains(if language == Language::English { "The shop" } else { "商家" }));
    }
    (view.outcome, view.because) = (Some("refunded_in_full".to_owned()), Some("agreed".to_owned()));
    let shown = BuyerView { told: Some(Told::Shown), disputes: &[view], ..nothing_sent() };
    let closed = buyers(shown, Language::English);
    assert!(closed.contains("agreed") && !closed.contains("2026-03-14"), "{closed}");
}
