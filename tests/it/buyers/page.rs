//! `/track/{token}/order`: what a buyer does with a browser, and what the page says about it.

use serde_json::json;

use super::{Shop, by, operator};
use crate::on_both_databases;
use crate::support::database::Database;
use crate::support::http::{Response, send};
use crate::support::steps::{problem, text};
use crate::support::wait::wait_until;

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

fn path(shop: &Shop) -> String {
    format!("/track/{}/order", shop.token())
}

async fn form(shop: &Shop, body: &str) -> Response {
    let address = shop.app.client.address;
    send(address, "POST", &path(shop), &FORM, body.as_bytes()).await.expect("an answer")
}

/// Asked for by the page.
async fn sent_code(shop: &Shop) -> String {
    let before = shop.told("escrow.code").len();
    assert_eq!(form(shop, "act=code").await.status, 200);
    wait_until("the code is there", async || shop.told("escrow.code").len() > before).await;
    text(&shop.told("escrow.code")[before]["code"]).to_owned()
}

on_both_databases! {
    async fn a_browser_can_do_what_a_program_can(db: Database) {
        let shop = Shop::open(&db).await;
        shop.deliver().await;
        let timeline = format!("/track/{}", text(&shop.accepted["tracking_token"]));
        let path = format!("{timeline}/order");
        let address = shop.app.client.address;
        let sent = async |body: &str| form(&shop, body).await;
        let shown = send(address, "GET", &path, &[], b"").await.expect("an answer");
        assert_eq!(shown.status, 200);
        assert!(shown.header("content-security-policy").is_some_and(|policy| policy.contains("form-action 'self'")));
        let page = send(address, "GET", &timeline, &[], b"").await.expect("an answer");
        assert!(page.text().contains("/order?lang="), "the timeline leads to it");
        let no_code = sent("act=confirm&proof=000000").await;
        assert!(no_code.status == 403 && no_code.text().contains("ask for a new code"), "{}", no_code.text());
        let code = sent_code(&shop).await;
        assert_eq!(sent(&format!("act=dispute&reason=nonsense&proof={code}")).await.status, 422);
        assert_eq!(sent("act=pay").await.status, 400);
        let disputed = sent(&format!("act=dispute&reason=damaged&message=broken&attachments=&proof={code}")).await;
        assert!(disputed.status == 200 && disputed.text().contains("The problem is reported"));
        shop.state_is("frozen").await;
        let again = sent(&format!("act=look&proof={code}")).await;
        assert!(again.status == 403 && again.text().contains("was used already"), "{}", again.text());
        let seen = shop.says("disputes", json!({"proof": "000000"})).await;
        assert_eq!(problem(&seen, 403), "no-code-in-force");
        let close = format!("/v1/disputes/{}/close", shop.dispute_id().await);
        let decision = json!({"outcome": "rejected", "reason": "the picture shows another cup"});
        by(&shop.app, &operator(&shop.app, "ana").await, "POST", &close, decision).await.must_be(200);
        let seen = shop.says("disputes", json!({"proof": shop.code().await})).await.must_be(200);
        assert_eq!((&seen["disputes"][0]["outcome"], &seen["disputes"][0]["messages"][0]["message"]), (&json!("rejected"), &json!("broken")));
        let code = shop.code().await;
        for _ in 0..2 {
            let looked = sent(&format!("act=look&proof={code}")).await;
            assert!(looked.status == 200 && looked.text().contains("another cup"), "{}", looked.text());
        }
        let stranger = "/track/AAAAAAAAAAAAAAAAAAAAAA/order";
        assert_eq!(send(address, "POST", stranger, &FORM, b"act=code").await.expect("an answer").status, 404);
        shop.stop().await;
    }

    async fn what_was_written_in_lines_is_taken_and_shown_so(db: Database) {
        let shop = Shop::open(&db).await;
        shop.deliver().await;
        let code = sent_code(&shop).await;
        let said = format!("act=dispute&reason=damaged&message=line+one%0D%0Aline+two&attachments=&proof={code}");
        let disputed = form(&shop, &said).await;
        assert_eq!(disputed.status, 200, "{}", disputed.text());
        assert!(disputed.text().contains("<p>line one\nline two</p>"), "{}", disputed.text());
        shop.stop().await;
    }

    async fn a_form_that_is_refused_comes_back_with_what_was_typed(db: Database) {
        let shop = Shop::open(&db).await;
        shop.deliver().await;
        let code = sent_code(&shop).await;
        let typed = "reason=wrong_item&message=line+one%0D%0Aline+two";
        let refused = form(&shop, &format!("act=dispute&{typed}&attachments=http%3A%2F%2Fa.example&proof={code}")).await;
        assert_eq!(refused.status, 422);
        let page = refused.text();
        for kept in ["selected>It is the wrong item", ">line one\r\nline two</textarea>", ">http://a.example</textarea>"] {
            assert!(page.contains(kept), "{kept:?} is not in {page}");
        }
        assert!(page.contains("<li>Pictures: "), "what is wrong is named: {page}");
        assert!(!page.contains("<li>In your words: "), "and what is right is not: {page}");
        assert!(!page.contains(&code), "{page}");
        let wrong = form(&shop, &format!("act=dispute&{typed}&proof=nothing")).await;
        assert_eq!(wrong.status, 403);
        assert!(wrong.text().contains(">line one\r\nline two</textarea>"), "{}", wrong.text());
        let good = form(&shop, &format!("act=dispute&{typed}&proof={code}")).await;
        assert!(good.status == 200 && !good.text().contains("line two</textarea>"), "{}", good.text());
        shop.stop().await;
    }

    async fn each_reason_why_not_is_said_in_the_language_of_the_page(db: Database) {
        let shop = Shop::open(&db).await;
        let code = sent_code(&shop).await;
        let in_chinese = format!("{}?lang=zh", path(&shop));
        let mut answers = Vec::new();
        for (act, english, chinese) in [
            ("confirm", "Nothing was delivered yet", "货物尚未送达"),
            ("extend&days=3", "Nothing was delivered yet", "货物尚未送达"),
            ("withdraw", "no report that is still open", "没有处理中的反馈"),
        ] {
            let body = format!("act={act}&proof={code}");
            answers.push((form(&shop, &body).await, english));
            let address = shop.app.client.address;
            let other = send(address, "POST", &in_chinese, &FORM, body.as_bytes()).await.expect("an answer");
            answers.push((other, chinese));
        }
        let said = format!("act=dispute&reason=damaged&proof={code}");
        assert_eq!(form(&shop, &said).await.status, 200);
        let code = sent_code(&shop).await;
        for (act, english) in [
            ("confirm", "The payment is held until a problem"),
            ("dispute&reason=wrong_item", "You have reported a problem already"),
        ] {
            answers.push((form(&shop, &format!("act={act}&proof={code}")).await, english));
        }
        for (answer, words) in answers {
            assert!(answer.status == 409 && answer.text().contains(words), "{words}: {}", answer.text());
        }
        shop.stop().await;
    }

    async fn receipt_can_be_confirmed_when_the_goods_are_there_and_nothing_says_where_the_money_is(db: Database) {
        let shop = Shop::open(&db).await;
        let shown = async || {
            let address = shop.app.client.address;
            send(address, "GET", &path(&shop), &[], b"").await.expect("an answer").text()
        };
        let before = shown().await;
        assert!(!before.contains("value=\"confirm\"") && before.contains("Nothing was delivered yet"), "{before}");
        shop.deliver().await;
        let there = shown().await;
        assert!(there.contains("value=\"confirm\""), "{there}");
        let code = sent_code(&shop).await;
        assert_eq!(form(&shop, &format!("act=dispute&reason=damaged&proof={code}")).await.status, 200);
        shop.state_is("frozen").await;
        assert_eq!(shown().await, there, "who has no more than the token does not see that it is frozen");
        shop.stop().await;
    }

    async fn who_asks_for_too_many_codes_is_told_when_there_is_another(db: Database) {
        let shop = Shop::open(&db).await;
        for _ in 0..5 {
            sent_code(&shop).await;
        }
        let sixth = form(&shop, "act=code").await;
        assert_eq!(sixth.status, 429);
        for part in ["Five codes were sent", "You can try again from <time datetime=", "Beijing time"] {
            assert!(sixth.text().contains(part), "{part:?} is not in {}", sixth.text());
        }
        shop.stop().await;
    }
}
