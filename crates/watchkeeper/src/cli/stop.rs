//! When to stop: Ctrl-C, a polite kill, or the end of the time allowed.

use std::os::unix::net::UnixStream as Pair;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};
use tokio::net::UnixStream;

/// Hears Ctrl-C and SIGTERM from now on. The second one ends the program at once.
pub(crate) struct Stop {
    pipe: UnixStream,
    heard: Arc<AtomicBool>,
}

impl Stop {
    /// Begins to listen.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let heard = Arc::new(AtomicBool::new(false));
        let listen = || -> std::io::Result<UnixStream> {
            let (read, write) = Pair::pair()?;
            read.set_nonblocking(true)?;
            for signal in [SIGINT, SIGTERM] {
                // In this order: at the first signal the flag is not up yet.
                flag::register_conditional_default(signal, heard.clone())?;
                flag::register(signal, heard.clone())?;
                pipe::register(signal, write.try_clone()?)?;
            }
            UnixStream::from_std(read)
        };
        Ok(Self { pipe: listen().context("could not listen for Ctrl-C")?, heard })
    }

    /// Whether it was heard.
    pub(crate) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Waits until it is heard.
    pub(crate) async fn wait(&self) {
        while !self.heard() {
            if self.pipe.readable().await.is_err() {
                std::future::pending::<()>().await;
            }
            let mut bytes = [0; 16];
            if self.pipe.try_read(&mut bytes).is_ok_and(|read| read == 0) {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until it is heard, or for so long; answers why it is over.
    pub(crate) async fn wait_at_most(&self, limit: Duration) -> String {
        match tokio::time::timeout(limit, self.wait()).await {
            Ok(()) => "it was stopped".to_owned(),
            Err(_) => format!("it took more than the {} s allowed by --timeout", limit.as_secs()),
        }
    }

    /// Lets so much time pass; answers whether to go on.
    pub(crate) async fn pause(&self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.wait()).await.is_err()
    }
}
