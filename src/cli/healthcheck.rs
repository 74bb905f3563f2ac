use std::process::ExitCode;

use super::printing::say;
use crate::config::Settings;
use crate::outbound::{Outbound, Request};

/// 0 if the daemon that this configuration describes is ready, on this machine.
pub async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let mut address = settings.http.listen;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    let mut outbound = settings.outbound.clone();
    (outbound.allow_private_addresses, outbound.timeout_seconds) = (true, 4);
    let answer = Outbound::new(&outbound)?.send(Request::get(format!("http://{address}/readyz"))).await?;
    say!("{}", String::from_utf8_lossy(&answer.body))?;
    Ok(if answer.status == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
