//! What goes wrong, by the words that Chinese carriers have for it.
//!
//! Their codes are many and badly documented, their words few. Where a code is known it counts; this is for the rest.

use super::FailureKind;

/// The first row that matches counts.
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
    ("digest", FailureKind::Auth),
    ("permission", FailureKind::Auth),
    ("unauthor", FailureKind::Auth),
    ("token", FailureKind::Auth),
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
    let known = WORDS.iter().find(|(words, _)| message.contains(words));
    known.map_or(FailureKind::Invalid, |(_, kind)| *kind)
}
