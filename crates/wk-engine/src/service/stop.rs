//! The word that it is time to end.

use std::time::Duration;

use tokio::sync::watch;

/// Hears when the service is to end. Every job has one.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Says that the service is to end.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// A pair of both.
pub fn stop() -> (Stopper, Stop) {
    let (say, hear) = watch::channel(false);
    (Stopper(say), Stop(hear))
}

impl Stopper {
    /// Says it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether it was said.
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is said, or nobody can say it any more.
    pub async fn wait(&self) {
        // An error means that the other end is gone: nobody would ever stop this.
        drop(self.0.clone().wait_for(|said| *said).await);
    }

    /// Lets so much time pass; answers whether to go on.
    pub async fn pause(&self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.wait()).await.is_err()
    }
}
