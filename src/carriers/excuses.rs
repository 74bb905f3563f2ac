//! What goes wrong, by the words that Chinese carriers have for it.
//!
//! Their codes are many and badly documented, their words few. Where a code is known it counts; this is for the rest.

use super::FailureKind;

/// The first row that matches counts: an account that is not there is no parcel that is not there. Latin words are
/// whole ones (`consignment` says nothing of a signature).
const WORDS: &[(&str, FailureKind)] = &[
    ("签名", FailureKind::Auth),
    ("权限", FailureKind::Auth),
    ("授权", FailureKind::Auth),
    ("认证", FailureKind::Auth),
    ("鉴权", FailureKind::Auth),
    ("验签", FailureKind::Auth),
    ("密钥", FailureKind::Auth),
    ("解密", FailureKind::Auth),
    ("白名单", FailureKind::Auth),
    ("客户代码", FailureKind::Auth),
    ("无客户信息", FailureKind::Auth),
    ("sign", FailureKind::Auth),
    ("signature", FailureKind::Auth),
    ("digest", FailureKind::Auth),
    ("permission", FailureKind::Auth),
    ("unauthorized", FailureKind::Auth),
    ("unauthorised", FailureKind::Auth),
    ("logistic_provider_id", FailureKind::Auth),
    ("token", FailureKind::Auth),
    ("partnerid", FailureKind::Auth),
    ("senderno", FailureKind::Auth),
    ("provider", FailureKind::Auth),
    ("appkey", FailureKind::Auth),
    ("app key", FailureKind::Auth),
    ("大客户", FailureKind::Auth),
    ("客户号", FailureKind::Auth),
    ("客户编码", FailureKind::Auth),
    ("账号", FailureKind::Auth),
    ("账户", FailureKind::Auth),
    ("用户不存在", FailureKind::Auth),
    ("应用不存在", FailureKind::Auth),
    ("接口不存在", FailureKind::Auth),
    ("流量", FailureKind::RateLimited),
    ("限流", FailureKind::RateLimited),
    ("频繁", FailureKind::RateLimited),
    ("频率", FailureKind::RateLimited),
    ("次数", FailureKind::RateLimited),
    ("too many", FailureKind::RateLimited),
    ("rate limit", FailureKind::RateLimited),
    ("flow control", FailureKind::RateLimited),
    ("不存在", FailureKind::NotFound),
    ("未查询到", FailureKind::NotFound),
    ("未查到", FailureKind::NotFound),
    ("查询不到", FailureKind::NotFound),
    ("没有查", FailureKind::NotFound),
    ("未获取到", FailureKind::NotFound),
    ("未找到", FailureKind::NotFound),
    ("查无", FailureKind::NotFound),
    ("无此", FailureKind::NotFound),
    ("暂无", FailureKind::NotFound),
    ("无轨迹", FailureKind::NotFound),
    ("无路由", FailureKind::NotFound),
    ("无查询信息", FailureKind::NotFound),
    ("无邮件信息", FailureKind::NotFound),
    ("not found", FailureKind::NotFound),
    ("not exist", FailureKind::NotFound),
    ("no data", FailureKind::NotFound),
    ("系统", FailureKind::CarrierDown),
    ("服务异常", FailureKind::CarrierDown),
    ("不可达", FailureKind::CarrierDown),
    ("繁忙", FailureKind::CarrierDown),
    ("超时", FailureKind::CarrierDown),
    ("system", FailureKind::CarrierDown),
    ("timeout", FailureKind::CarrierDown),
    ("unavailable", FailureKind::CarrierDown),
];

/// What no row knows is a question that the carrier does not want.
pub fn kind(message: &str) -> FailureKind {
    let message = message.to_lowercase();
    let known = WORDS.iter().find(|(words, _)| says(&message, words));
    known.map_or(FailureKind::Invalid, |(_, kind)| *kind)
}

fn says(message: &str, words: &str) -> bool {
    let is_letter = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphabetic());
    message.match_indices(words).any(|(at, _)| {
        let (before, after) = (message[..at].chars().next_back(), message[at + words.len()..].chars().next());
        !words.is_ascii() || !is_letter(before) && !is_letter(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_not_there_is_no_parcel_that_is_not_there() {
        for (message, expected) in [
            ("大客户号不存在", FailureKind::Auth),
            ("senderNo不存在", FailureKind::Auth),
            ("partnerID不存在", FailureKind::Auth),
            ("logistic provider id not exist", FailureKind::Auth),
            ("LOGISTIC_PROVIDER_ID not exist", FailureKind::Auth),
            ("NO_PERMISSION", FailureKind::Auth),
            ("bad sign", FailureKind::Auth),
            ("Invalid signature", FailureKind::Auth),
            ("Consignment not found", FailureKind::NotFound),
            ("assigned number not exist", FailureKind::NotFound),
            ("运单号不存在", FailureKind::NotFound),
            ("Systemic failure", FailureKind::Invalid),
            ("system error", FailureKind::CarrierDown),
        ] {
            assert_eq!(kind(message), expected, "{message}");
        }
    }
}
