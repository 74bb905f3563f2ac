//! A TCP proxy that behaves as networks do at their worst.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

use super::plan::Trouble;
use crate::support::postgres::Target;

pub struct Proxy {
    pub address: SocketAddr,
    trouble: watch::Sender<Option<Trouble>>,
    /// How many troubles there were.
    troubles: AtomicU64,
}

impl Proxy {
    /// Runs until the runtime ends.
    pub async fn start(target: Target) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a port's address");
        let (trouble, troubled) = watch::channel(None);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (target, troubled) = (target.clone(), troubled.clone());
                tokio::spawn(async move { connect(stream, target, troubled).await });
            }
        });
        Arc::new(Self { address, trouble, troubles: AtomicU64::new(0) })
    }

    /// Lasts until it is ended, or another one takes its place.
    pub fn begin(&self, trouble: Trouble) -> u64 {
        self.trouble.send_replace(Some(trouble));
        self.troubles.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Ends the trouble of this number, if there was none since.
    pub fn end(&self, number: u64) {
        if self.troubles.load(Ordering::SeqCst) == number {
            self.trouble.send_replace(None);
        }
    }

    pub fn calm(&self) {
        self.trouble.send_replace(None);
    }
}

async fn connect(near: TcpStream, target: Target, trouble: watch::Receiver<Option<Trouble>>) {
    if *trouble.borrow() == Some(Trouble::Cut) {
        return;
    }
    let _ = near.set_nodelay(true);
    let (near_read, near_write) = near.into_split();
    match target {
        Target::Tcp(address) => {
            let Ok(far) = TcpStream::connect(address).await else { return };
            let _ = far.set_nodelay(true);
            let (far_read, far_write) = far.into_split();
            pump_both(near_read, far_write, far_read, near_write, trouble).await;
        }
        Target::Unix(path) => {
            let Ok(far) = UnixStream::connect(path).await else { return };
            let (far_read, far_write) = far.into_split();
            pump_both(near_read, far_write, far_read, near_write, trouble).await;
        }
    }
}

/// Until one side hangs up; then both ends are closed.
async fn pump_both(
    near_read: impl AsyncRead + Unpin,
    far_write: impl AsyncWrite + Unpin,
    far_read: impl AsyncRead + Unpin,
    near_write: impl AsyncWrite + Unpin,
    trouble: watch::Receiver<Option<Trouble>>,
) {
    tokio::select! {
        () = pump(near_read, far_write, trouble.clone(), false) => {}
        () = pump(far_read, near_write, trouble.clone(), true) => {}
        () = until(trouble, |trouble| trouble == Some(Trouble::Cut)) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    trouble: watch::Receiver<Option<Trouble>>,
    is_answer: bool,
) {
    let mut piece = vec![0; 16 * 1_024];
    loop {
        let Ok(length @ 1..) = from.read(&mut piece).await else { return };
        let now = *trouble.borrow();
        match now {
            None => {}
            Some(Trouble::Slow(by)) => pass(by).await,
            Some(Trouble::Silent) => until(trouble.clone(), |now| now != Some(Trouble::Silent)).await,
            Some(Trouble::AnswersLost) if is_answer => return,
            Some(Trouble::AnswersLost) => {}
            Some(Trouble::Cut) => return,
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

async fn until(mut trouble: watch::Receiver<Option<Trouble>>, is_it: fn(Option<Trouble>) -> bool) {
    let _ = trouble.wait_for(|now| is_it(*now)).await;
}

/// Lets time pass, because a fault is drawn out in time. Nothing is hoped for meanwhile.
pub async fn pass(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
