//! Every adapter against a server on loopback that speaks its carrier's protocol: credentials, passes and
//! signatures are checked there as the carrier would, and answers come over the wire.

mod aftership;
mod australia_post;
mod cainiao;
mod canada_post;
mod dhl_unified;
mod ems;
mod fedex;
mod kuaidi100;
mod la_poste;
mod royal_mail;
pub mod seventeentrack;
mod sf_express;
pub mod ups;
mod usps;

use chrono::{DateTime, Utc};
use sampan::carriers::{Account, FailureKind, Question, Registry, Said};
use sampan::config::{self, Settings};
use sampan::domain::event::EventStatus;
use sampan::flows::ask_carriers::{AskError, Asker, Heard, Toll};
use sampan::outbound::{Outbound, SendError};

use crate::support::stub::{Asked, Reply, Stub};

/// How one carrier is spoken with.
pub struct Protocol {
    pub carrier: &'static str,
    /// The keys of its table but the address, with credentials that are good.
    pub config: &'static str,
    /// With credentials that are refused.
    pub refused: &'static str,
    /// A number of which it says that it is delivered.
    pub delivered: &'static str,
    /// A number that it does not know.
    pub unknown: &'static str,
    /// As the carrier would: looks at credentials, passes and signatures before anything else. Given what is
    /// asked, and all that was asked before.
    pub answer: fn(&Asked, &[Asked]) -> Reply,
    /// Whether something asks where parcels are; not for a pass, and not to be introduced.
    pub is_question: fn(&Asked) -> bool,
}

const PROTOCOLS: &[Protocol] = &[
    dhl_unified::PROTOCOL,
    ups::PROTOCOL,
    fedex::PROTOCOL,
    usps::PROTOCOL,
    sf_express::PROTOCOL,
    ems::PROTOCOL,
    cainiao::PROTOCOL,
    seventeentrack::PROTOCOL,
    kuaidi100::PROTOCOL,
    aftership::PROTOCOL,
    royal_mail::PROTOCOL,
    australia_post::PROTOCOL,
    canada_post::PROTOCOL,
    la_poste::PROTOCOL,
];

/// Signatures are checked against the real time of day.
fn now() -> DateTime<Utc> {
    sampan::clock::Clock::real().wall()
}

struct Line {
    settings: Settings,
    registry: Registry,
    asker: Asker,
    stub: Stub,
}

impl Line {
    async fn open(
        protocol: &'static Protocol,
        keys: &str,
        script: impl Fn(&Asked, &[Asked]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let stub = Stub::start(script).await;
        let changes = format!(
            "outbound.allow_private_addresses = true\noutbound.timeout_seconds = 5\n\
             [carriers.{}]\nbase_url = \"http://{}\"\n{keys}",
            protocol.carrier, stub.address
        );
        let settings = config::defaults_with(&changes).expect("valid settings");
        let registry = Registry::new(&settings.carriers, true).expect("valid carriers");
        let asker = Asker::new(Outbound::new(&settings.outbound).expect("a client"));
        Self { settings, registry, asker, stub }
    }

    fn account(&self, protocol: &Protocol) -> &Account {
        let code = protocol.carrier.parse().expect("a code");
        self.registry.accounts(&code).first().expect("an account with credentials")
    }

    async fn ask(&self, protocol: &Protocol, number: &str) -> Result<Heard, AskError> {
        let question = Question {
            number: number.parse().expect("a number"),
            phone_tail: sampan::carriers::PhoneTail::of("+86 138 0000 5678"),
        };
        self.asker.ask(self.account(protocol), &[question], now(), &Toll::free()).await
    }

    /// What is said of `number`: its statuses, or how it failed.
    async fn said(&self, protocol: &Protocol, number: &str) -> Result<Vec<EventStatus>, FailureKind> {
        let reading = match self.ask(protocol, number).await {
            Ok(heard) => heard.reading.expect("the carrier's format"),
            Err(AskError::NoPass(failure)) => return Err(failure.kind),
            Err(error) => panic!("{}: {error}", protocol.carrier),
        };
        match reading.about(&number.parse().expect("a number")) {
            Said::Events { seen, .. } => Ok(seen.into_iter().map(|seen| seen.happening.status).collect()),
            Said::Failed(failure) => Err(failure.kind),
        }
    }
}

#[tokio::test]
async fn a_carrier_that_is_asked_properly_answers() {
    for protocol in PROTOCOLS {
        let line = Line::open(protocol, protocol.config, protocol.answer).await;
        let said = line.said(protocol, protocol.delivered).await;
        let delivered = said.as_ref().is_ok_and(|statuses| statuses.contains(&EventStatus::Delivered));
        assert!(delivered, "{}: {said:?}", protocol.carrier);
        let said = line.said(protocol, protocol.unknown).await;
        assert_eq!(said, Err(FailureKind::NotFound), "{}", protocol.carrier);
        // One pass for all questions.
        let others = line.stub.asked().iter().filter(|asked| !(protocol.is_question)(asked)).count();
        assert!(others <= 3, "{}: {others} requests beside the questions", protocol.carrier);
    }
}

#[tokio::test]
async fn credentials_that_are_refused_are_said_to_be() {
    for protocol in PROTOCOLS {
        let line = Line::open(protocol, protocol.refused, protocol.answer).await;
        let said = line.said(protocol, protocol.delivered).await;
        assert_eq!(said, Err(FailureKind::Auth), "{}", protocol.carrier);
    }
}

#[tokio::test]
async fn a_carrier_that_wants_fewer_questions_is_understood() {
    for protocol in PROTOCOLS {
        let (answer, is_question) = (protocol.answer, protocol.is_question);
        let busy = move |asked: &Asked, before: &[Asked]| match is_question(asked) {
            true => Reply::RetryAfter(429, 7),
            false => answer(asked, before),
        };
        let line = Line::open(protocol, protocol.config, busy).await;
        let heard = line.ask(protocol, protocol.delivered).await;
        let Ok(heard) = heard else { panic!("{}: no answer", protocol.carrier) };
        let reading = heard.reading.expect("a status that says enough");
        let failure = &reading.failures[0];
        assert_eq!(failure.kind, FailureKind::RateLimited, "{}", protocol.carrier);
        assert_eq!(failure.retry_after.map(|wait| wait.as_secs()), Some(7), "{}", protocol.carrier);
    }
}

#[tokio::test]
async fn half_an_answer_or_far_too_much_of_one_is_no_answer() {
    for protocol in PROTOCOLS {
        let (answer, is_question) = (protocol.answer, protocol.is_question);
        let halved = move |asked: &Asked, before: &[Asked]| match answer(asked, before) {
            Reply::Status(200, body) if is_question(asked) => Reply::CutOff(body),
            other => other,
        };
        let line = Line::open(protocol, protocol.config, halved).await;
        let heard = line.ask(protocol, protocol.delivered).await;
        assert!(matches!(heard, Err(AskError::Send(SendError::NoAnswer(_)))), "{}", protocol.carrier);

        let endless = move |asked: &Asked, before: &[Asked]| match answer(asked, before) {
            Reply::Status(200, body) if is_question(asked) => {
                Reply::Status(200, [body, vec![b' '; 10_000_000]].concat())
            }
            other => other,
        };
        let line = Line::open(protocol, protocol.config, endless).await;
        assert!(line.settings.outbound.answer_bytes_max < 10_000_000);
        let heard = line.ask(protocol, protocol.delivered).await;
        assert!(matches!(heard, Err(AskError::Send(SendError::TooLarge(_)))), "{}", protocol.carrier);
    }
}

/// A line whose questions are answered properly, and introductions as given.
async fn introducing(protocol: &'static Protocol, introduced: fn() -> Reply) -> Line {
    let (answer, is_question) = (protocol.answer, protocol.is_question);
    let script = move |asked: &Asked, before: &[Asked]| match is_question(asked) {
        true => answer(asked, before),
        false => introduced(),
    };
    Line::open(protocol, protocol.config, script).await
}

fn refused() -> Reply {
    let error = br#"{"meta":{"code":4005,"message":"The number is invalid.","type":"BadRequest"},"data":{}}"#;
    Reply::Status(400, error.to_vec())
}

async fn said_of_both(line: &Line, protocol: &Protocol) -> [Result<(), FailureKind>; 2] {
    let questions = [protocol.delivered, protocol.unknown]
        .map(|number| Question { number: number.parse().expect("a number"), phone_tail: None });
    let heard =
        line.asker.ask(line.account(protocol), &questions, now(), &Toll::free()).await.expect("an answer");
    let reading = heard.reading.expect("the carrier's format");
    questions.map(|question| match reading.about(&question.number) {
        Said::Events { .. } => Ok(()),
        Said::Failed(failure) => Err(failure.kind),
    })
}

#[tokio::test]
async fn what_was_heard_stays_however_an_introduction_goes() {
    let ways: [(fn() -> Reply, FailureKind); 5] = [
        (|| Reply::Status(503, Vec::new()), FailureKind::CarrierDown),
        (|| Reply::CutOff(b"{\"meta\"".to_vec()), FailureKind::CarrierDown),
        (|| Reply::Status(200, b"<html>".to_vec()), FailureKind::Unparsable),
        (|| Reply::RetryAfter(429, 7), FailureKind::RateLimited),
        (refused, FailureKind::Invalid),
    ];
    for (introduced, expected) in ways {
        let line = introducing(&aftership::PROTOCOL, introduced).await;
        assert_eq!(said_of_both(&line, &aftership::PROTOCOL).await, [Ok(()), Err(expected)]);
    }
}

#[tokio::test]
async fn a_number_that_is_refused_is_no_other_new_numbers_failure() {
    let protocol = &aftership::PROTOCOL;
    let line = introducing(protocol, refused).await;
    let questions = ["RN740215993GB", "RN740216005GB"]
        .map(|number| Question { number: number.parse().expect("a number"), phone_tail: None });
    // Each in its turn is told of, and refused.
    for (microsecond, expected) in [
        (0, [FailureKind::Invalid, FailureKind::NotFound]),
        (1, [FailureKind::NotFound, FailureKind::Invalid]),
    ] {
        let now = DateTime::from_timestamp_micros(1_772_600_000_000_000 + microsecond).expect("a time");
        let heard =
            line.asker.ask(line.account(protocol), &questions, now, &Toll::free()).await.expect("an answer");
        let reading = heard.reading.expect("the carrier's format");
        let kinds = [0, 1].map(|at: usize| match reading.about(&questions[at].number) {
            Said::Failed(failure) => failure.kind,
            Said::Events { .. } => panic!("events of a number that nobody knows"),
        });
        assert_eq!(kinds, expected);
    }
}

#[tokio::test]
async fn kuaidi100_is_told_of_each_number_that_is_on_its_way_once() {
    let script = |asked: &Asked, _: &[Asked]| match asked.path.as_str() {
        "/poll" => Reply::Status(200, br#"{"result":true,"returnCode":"200","message":""}"#.to_vec()),
        _ => {
            let answer =
                br#"{"message":"ok","nu":"YT7123456789034","com":"yuantong","status":"200","state":"0",
                "data":[{"ftime":"2026-03-03 11:02:55","context":"","status":"","statusCode":"0"}]}"#;
            Reply::Status(200, answer.to_vec())
        }
    };
    let protocol = &kuaidi100::PROTOCOL;
    let line = Line::open(protocol, protocol.config, script).await;
    for _ in 0..2 {
        assert_eq!(line.said(protocol, "YT7123456789034").await, Ok(vec![EventStatus::InTransit]));
    }
    let paths: Vec<String> = line.stub.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/poll/query.do", "/poll", "/poll/query.do"]);
}
